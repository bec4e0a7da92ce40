"""What was accepted survives: kill -9 of everything, a store or a ledger that is gone."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from typing import Any

import httpx
import pytest
import yaml

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


def test_a_worker_killed_with_an_open_batch_books_nothing_twice_and_keeps_the_order(
    installation: Installation,
) -> None:
    """Some of its documents are booked by then, some are not, and one waits for its item.

    Behind each order its cancellation waits: that is only booked if the order came first.
    """
    installation.erps()
    batches(installation)
    installation.rules("cloud")
    installation.gateway()
    sent = {f"K-{n}": transaction(installation, "/v1/orders", order(f"K-{n}")) for n in range(6)}
    wrong = transaction(installation, "/v1/orders", order("K-WRONG", sku="NO-SUCH-SKU"))
    cancelled = [
        transaction(installation, f"/v1/orders/{ref}/cancellations", {"cancellation_ref": "X"})
        for ref in sent
    ]
    installation.fault("cloud", "latency", delay_ms=300, duration_s=60)
    victim = installation.worker("victim")
    counters = f"{installation.running['cloud'].url}/control/counters"

    def counted(name: str) -> int:
        return int(httpx.get(counters, timeout=10).json()[name])

    until(lambda: counted("booked") >= 1, 30, "a batch is half done")
    victim.kill()
    assert counted("batches") >= 1
    assert counted("batch_operations_max") >= 2
    httpx.delete(f"{installation.running['cloud'].url}/control/faults", timeout=10)
    installation.worker()
    everything = [*sent.values(), *cancelled]

    def settled() -> bool:
        return all(status(installation, it) == "booked" for it in everything)

    until(settled, 60, "every order and every cancellation is booked")
    references = Counter(it["external_reference"] for it in installation.books("cloud"))
    assert [references[f"CX-{it}"] for it in sent.values()] == [1] * len(sent)
    assert max(references.values()) == 1
    assert (references[f"CX-{wrong}"], status(installation, wrong)) == (0, "accepted")


def batches(installation: Installation) -> None:
    """Let the cloud ERP be one where a batch of up to five gains something."""
    file = installation.folder / "coexist.yaml"
    config = yaml.safe_load(file.read_text())
    batch = {"documents_max": 5, "counts_inner": False, "overhead_ms": 50, "work_ms": 50}
    config["erps"]["cloud"]["quota"] = {"profile": "business-central", "batch": batch}
    file.write_text(yaml.safe_dump(config))


def transaction(installation: Installation, path: str, body: dict[str, Any]) -> str:
    """Submit something; return its transaction."""
    answer = installation.call("POST", path, json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["transaction_id"])


def status(installation: Installation, identity: str) -> str:
    """What a channel is told of a transaction."""
    return str(installation.call("GET", f"/v1/transactions/{identity}").json()["status"])


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


#: What a process says that finds no store, or no ledger; the password never.
NO_STORE = (
    r"coexist: the store does not answer: Error \d+ connecting to 127\.0\.0\.1:1\. .+; "
    r"start it, or correct COEXIST_REDIS_URL\n"
)
NO_LEDGER = (
    r"coexist: ledger postgresql\+psycopg://coexist:\*\*\*@127\.0\.0\.1:1/coexist: "
    r"connection failed: .+; start PostgreSQL, or correct host, user, password and database in "
    r"COEXIST_LEDGER_URL\n"
)


@pytest.mark.parametrize(
    ("setting", "url", "text"),
    [
        ("COEXIST_REDIS_URL", "redis://127.0.0.1:1", NO_STORE),
        (
            "COEXIST_LEDGER_URL",
            "postgresql+psycopg://coexist:very-secret@127.0.0.1:1/coexist",
            NO_LEDGER,
        ),
    ],
    ids=["store", "ledger"],
)
def test_without_store_or_ledger_nothing_starts_and_the_text_says_what_to_do(
    installation: Installation, setting: str, url: str, text: str
) -> None:
    for command in (("serve", "--port", "0"), ("work",), ("status",)):
        done = installation.tried(*command, **{setting: url})
        assert re.fullmatch(text, done.stderr), done.stderr
        assert done.returncode == 75
        assert "very-secret" not in done.stdout


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
