"""A ledger that goes away under a running gateway: what needs it is a 503, all else goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.postgres import Postgres
from tests.e2e.installation import Installation, order, returned, until

pytestmark = pytest.mark.timeout(120)

PROBLEM = "urn:coexist:problem:ledger-unavailable"
DETAIL = "the record of transactions does not answer; repeat the same request"

NEVER_TAKEN = "/v1/transactions/0c-01m7zmtvkt0cs5eqbxdqvkbnt7"
CANCELLATION = ("/v1/orders/L-1/cancellations", {"cancellation_ref": "C-1"})


@pytest.fixture
def gateway(tmp_path: Path, postgres: Postgres) -> Iterator[Installation]:
    """A gateway whose ledger is on PostgreSQL; no ERP and no worker runs."""
    made = Installation(tmp_path)
    made.environment["COEXIST_LEDGER_URL"] = postgres.place()
    made.rules("legacy")
    made.gateway()
    yield made
    made.stop()
    made.coexist("stop-store")


def sent(gateway: Installation, path: str, body: dict[str, Any]) -> httpx.Response:
    return gateway.call("POST", path, json=body)


def test_what_needs_the_ledger_is_a_503_and_taking_goes_on(
    gateway: Installation, postgres: Postgres
) -> None:
    before = sent(gateway, "/v1/orders", order("L-1")).json()["transaction_id"]
    assert gateway.call("GET", "/readyz").status_code == 200
    postgres.stop()
    try:
        for refused in (
            gateway.call("GET", "/v1/orders/L-1"),
            gateway.call("GET", NEVER_TAKEN),
            sent(gateway, *CANCELLATION),  # which legal entity's, the ledger would say
        ):
            problem = refused.json()
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
            assert (problem["type"], problem["detail"]) == (PROBLEM, DETAIL)
        not_ready = gateway.call("GET", "/readyz")
        assert (not_ready.status_code, not_ready.headers["Retry-After"]) == (503, "2")
        assert not_ready.json()["checks"] == {"store": "ok", "ledger": "unavailable", "rules": "ok"}
        assert gateway.call("GET", "/healthz").status_code == 200

        taken = sent(gateway, "/v1/orders", order("L-2"))
        again = sent(gateway, "/v1/orders", order("L-2"))
        credit = sent(gateway, "/v1/returns", returned("R-1", "OLD-L-00001"))
        assert [it.status_code for it in (taken, again, credit)] == [202] * 3
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json()["transaction_id"] == taken.json()["transaction_id"]
        under_way = gateway.call("GET", f"/v1/transactions/{before}")
        assert (under_way.status_code, under_way.json()["status"]) == (200, "accepted")
    finally:
        postgres.start()

    until(lambda: gateway.call("GET", "/readyz").status_code == 200, 20, "the ledger is back")
    found = gateway.call("GET", "/v1/orders/L-1")
    assert found.status_code == 200
    assert [it["process"] for it in found.json()["transactions"]] == ["order.intake"]
    assert sent(gateway, *CANCELLATION).status_code == 202
    assert gateway.call("GET", "/v1/orders/L-2").json()["transactions"][0]["status"] == "accepted"
    assert gateway.call("GET", NEVER_TAKEN).status_code == 404
