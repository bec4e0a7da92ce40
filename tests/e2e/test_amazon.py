"""A seller's orders and settlements into the right ERP and ledger, through every fault."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.installation import Installation, until

pytestmark = [pytest.mark.timeout(120), pytest.mark.long]

SELLER = {
    "client_id": "amzn1.application-oa2-client.gateway",
    "client_secret": "amzn1.oa2-cs.v1.gateway",
    "refresh_token": "Atzr|gateway",
    "marketplaces": ["A1805IZSGTT6HS"],
    "legal_entity": "NL01",
    "country": "NL",
    "since": "2020-01-01T00:00:00Z",
    "poll_s": 0.5,
    "settlements": {"poll_s": 0.5},
}
QUEUE = {"region": "eu-west-1", "access_key": "AKIAGATEWAY", "secret_key": "gateway-queue",
         "wait_s": 0}  # fmt: skip
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("missing_notification", {"probability": 0.3}),
    ("duplicate_notification", {"probability": 0.5, "delay_ms": 300}),
    ("disordered_notification", {"probability": 0.3, "delay_ms": 500}),
    ("throttle", {"probability": 0.2, "count": 4}),
    ("schema_surprise", {"probability": 0.3}),
)


def start(installation: Installation) -> str:
    """Start the marketplace, and an installation that pulls it."""
    options = {"port": 0, "seed": 3, "rate-scale": 10_000, "search-lag-s": 0.2, "pending-s": 0.1,
               "latency-ms-min": 0, "latency-ms-max": 1, "max-seconds": 120,
               "visibility-s": 1}  # fmt: skip
    arguments = ("simulators", "amazon", *(f"--{name}={it}" for name, it in options.items()))
    url = installation._start("market", *arguments).url
    file = installation.folder / "coexist.yaml"
    config = yaml.safe_load(file.read_text())
    queue = QUEUE | {"url": f"{url}/000000000000/order-changes"}
    account = SELLER | {"endpoint": url, "token_url": f"{url}/auth/o2/token", "queue": queue}
    config["channels"]["amazon"] = {"scopes": [], "amazon": account}
    file.write_text(yaml.safe_dump(config))
    installation.rules("cloud")
    installation.gateway()
    installation.worker()
    return url


def test_each_order_is_booked_once_and_what_amazon_sends_is_not_sent_again(
    installation: Installation,
) -> None:
    installation.erps()
    url = start(installation)

    def place(**asked: Any) -> dict[str, Any]:
        body = {"lines": {"TEE-BLK-M": 2}, **asked}
        answer = httpx.post(f"{url}/control/orders", json=body).raise_for_status()
        order: dict[str, Any] = answer.json()["orders"][0]
        return order

    def booked(kind: str) -> list[dict[str, Any]]:
        return [it for it in installation.books("cloud") if it["kind"] == kind]

    orders = [place(by_amazon=True)]
    until(lambda: bool(booked("order")), 40, "the first order is booked, and the rates are known")
    for fault, more in FAULTS:
        httpx.put(f"{url}/control/faults/{fault}", json=more).raise_for_status()
    orders += [place(by_amazon=it % 2 == 0, liable=it % 3 == 0) for it in range(1, 8)]
    until(lambda: len(booked("order")) >= len(orders), 40, "every order is booked")
    httpx.post(f"{url}/control/orders/{orders[1]['id']}/cancel", json={}).raise_for_status()
    until(lambda: bool(booked("cancellation")), 60, "the cancellation follows")
    assert {it["object_reference"]: it["total"] for it in booked("order")} == {
        it["id"]: it["total"] for it in orders
    }
    assert len(booked("order")) == len(orders)
    assert [it["object_reference"] for it in booked("cancellation")] == [orders[1]["id"]]
    sent = {it["object_reference"]: it.get("fulfilled_by") for it in booked("order")}
    assert [sent[it["id"]] for it in orders] == ["channel", None] * 4
    assert installation.books("legacy") == []
    httpx.put(f"{url}/control/faults/truncated_file", json={"count": 1}).raise_for_status()
    for _ in range(2):  # the older one is cut short
        httpx.post(f"{url}/control/settlements").raise_for_status()
    until(lambda: len(settlements(installation, "list")) == 1, 20, "the whole one is taken")
    (_, refused) = settlements(installation, "reports")
    assert (refused["tries"], refused["settlement_id"]) == (1, "")
    counters = httpx.get(f"{url}/control/counters").json()
    for happened in ("notifications_missing", "notifications_duplicated", "throttled_429"):
        assert counters[happened], happened


def settlements(installation: Installation, what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(installation.coexist("settlements", what, "--json"))
    return found
