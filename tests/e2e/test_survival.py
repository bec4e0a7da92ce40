"""What was accepted survives: kill -9 of everything, a store or a ledger that is gone."""

from __future__ import annotations

import os
import signal

import httpx
import pytest

from tests.e2e.installation import Installation, order, returned, until

pytestmark = pytest.mark.timeout(180)


def test_what_was_accepted_survives_kill_9_of_every_process(installation: Installation) -> None:
    installation.erps()
    installation.rules("legacy")
    installation.gateway()
    accepted = {}
    for n in range(20):
        answer = installation.call("POST", "/v1/orders", json=order(f"S-{n}"))
        assert answer.status_code == 202
        accepted[answer.json()["transaction_id"]] = f"S-{n}"
    installation.kill_everything_but_the_erps()
    installation.gateway()
    installation.worker()
    repeat = installation.call("POST", "/v1/orders", json=order("S-0"))
    assert repeat.headers["Idempotency-Replayed"] == "true"
    assert repeat.json()["transaction_id"] in accepted
    until(lambda: len(installation.books("legacy")) >= 20, 40, "20 orders booked")
    booked = [it["external_reference"].removeprefix("CX-") for it in installation.books("legacy")]
    assert sorted(booked) == sorted(accepted)


def test_a_worker_killed_with_sends_in_flight_books_nothing_twice(
    installation: Installation,
) -> None:
    installation.erps()
    installation.rules("cloud")
    installation.gateway()
    victim = installation.worker("victim")
    installation.fault("cloud", "latency", delay_ms=1500, duration_s=60)
    for n in range(5):
        installation.call("POST", "/v1/orders", json=order(f"K-{n}"))
    counters = f"{installation.running['cloud'].url}/control/counters"
    until(lambda: httpx.get(counters).json()["max_concurrent"] >= 2, 20, "sends in flight")
    victim.kill()
    httpx.delete(f"{installation.running['cloud'].url}/control/faults")
    installation.worker()
    until(lambda: len(installation.books("cloud")) >= 5, 60, "5 orders booked")
    references = [it["external_reference"] for it in installation.books("cloud")]
    assert len(references) == len(set(references)) == 5


def test_a_store_that_goes_away_is_a_503_and_a_repeat_is_taken_once(
    installation: Installation,
) -> None:
    installation.erps()
    installation.rules("legacy")
    gateway = installation.gateway()
    assert installation.call("POST", "/v1/orders", json=order("V-1")).status_code == 202
    os.kill(installation.valkey_pid(), signal.SIGKILL)
    refused = installation.call("POST", "/v1/orders", json=order("V-2"))
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) >= 1
    problem = refused.json()
    assert problem["type"] == "urn:coexist:problem:buffer-unavailable"
    assert "not known whether this was taken; repeat the same request" in problem["detail"]
    assert installation.call("GET", "/readyz").status_code == 503
    assert httpx.get(f"{gateway.url}/healthz").status_code == 200
    installation.coexist("status")  # any process that needs the store starts it again
    installation.worker()

    def taken() -> bool:
        return installation.call("POST", "/v1/orders", json=order("V-2")).status_code == 202

    until(taken, 20, "the gateway found the store again")
    until(lambda: len(installation.books("legacy")) >= 2, 30, "both orders booked")
    assert len(installation.books("legacy")) == 2


def test_without_a_store_nothing_starts_and_the_text_says_what_to_do(
    installation: Installation,
) -> None:
    for command in (("serve", "--port", "0"), ("work",), ("status",)):
        done = installation.tried(*command, COEXIST_REDIS_URL="redis://127.0.0.1:1")
        assert done.returncode != 0
        said = done.stdout + done.stderr
        assert "127.0.0.1:1" in said or "cannot be reached" in said
        assert "Traceback" not in said


def test_without_a_ledger_nothing_starts_and_the_text_masks_the_password(
    installation: Installation,
) -> None:
    url = "postgresql+psycopg://coexist:very-secret@127.0.0.1:1/coexist"
    done = installation.tried("status", COEXIST_LEDGER_URL=url)
    assert done.returncode == 75
    assert "127.0.0.1:1" in done.stderr
    assert "very-secret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_follow_up_whose_owner_only_a_silent_erp_may_know_waits_and_is_not_guessed(
    installation: Installation,
) -> None:
    """Taken while nobody can say; the worker that looks for it is killed, and another finds it."""
    installation.erps()
    installation.rules("cloud")
    installation.gateway()
    installation.fault("legacy", "outage", duration_s=60)
    sent = returned("R-1", "OLD-L-00001")
    taken = installation.call("POST", "/v1/returns", json=sent)
    assert taken.status_code == 202
    installation.worker("victim").kill()
    again = installation.call("POST", "/v1/returns", json=sent)
    assert again.json()["transaction_id"] == taken.json()["transaction_id"]
    httpx.delete(f"{installation.running['legacy'].url}/control/faults")
    installation.worker()
    reference = f"CX-{taken.json()['transaction_id']}"

    def booked() -> bool:
        return reference in [it["external_reference"] for it in installation.books("legacy")]

    until(booked, 30, "the return was booked where its order is")
    assert installation.books("cloud") == []
    unknown = installation.call("POST", "/v1/returns", json=returned("R-2", "NEVER-SEEN"))
    assert unknown.status_code == 404
