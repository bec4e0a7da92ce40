"""A shop's webhooks, with every fault, through a real gateway and worker into a simulated ERP.

Some never come: what they would have brought is found by the poll.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.installation import Installation, until

pytestmark = pytest.mark.timeout(180)

TOPICS = ("orders/create", "orders/updated", "orders/edited", "orders/paid", "orders/cancelled",
          "refunds/create")  # fmt: skip
TOKEN = {"X-Shopify-Access-Token": "shpat_gateway"}
SHOP: dict[str, Any] = {"scopes": [], "shopify": {
    "domain": "voorbeeld.myshopify.com", "secrets": ["shpss_gateway", "shpss_before"],
    "legal_entity": "NL01", "country": "NL", "since": "2020-01-01T00:00:00Z",
}}  # fmt: skip


class Shop:
    """The simulated shop of an installation."""

    def __init__(self, installation: Installation) -> None:
        arguments = ("simulators", "shopify", "--port", "0", "--seed", "3", "--old-secret",
                     "shpss_before", "--retry-scale", "0.01", "--latency-ms-min", "0",
                     "--latency-ms-max", "1", "--max-seconds", "300")  # fmt: skip
        self.url = installation._start("shop", *arguments).url

    def subscribe(self, installation: Installation) -> None:
        """Have the webhooks sent to the gateway."""
        address = f"{installation.running['gateway'].url}/v1/hooks/shopify/shop"
        for topic in TOPICS:
            hook = {"webhook": {"topic": topic, "address": address, "format": "json"}}
            answer = httpx.post(
                f"{self.url}/admin/api/2026-07/webhooks.json", json=hook,
                headers=TOKEN,
            )  # fmt: skip
            answer.raise_for_status()

    def place(self, **asked: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self.url}/control/orders", json=asked).raise_for_status()
        order = httpx.get(
            f"{self.url}/admin/api/2026-07/orders/{answer.json()['orders'][0]['id']}.json",
            headers=TOKEN,
        )
        found: dict[str, Any] = order.raise_for_status().json()["order"]
        return found

    def act(self, order: dict[str, Any], what: str, **asked: Any) -> None:
        url = f"{self.url}/control/orders/{order['id']}/{what}"
        httpx.post(url, json=asked).raise_for_status()

    def counters(self) -> dict[str, int]:
        found: dict[str, int] = httpx.get(f"{self.url}/control/counters").json()
        return found


def test_each_order_is_booked_once_and_what_follows_it_too(installation: Installation) -> None:
    installation.erps()
    shop = Shop(installation)
    file = installation.folder / "coexist.yaml"
    config = yaml.safe_load(file.read_text())
    poll = {"access_token": TOKEN["X-Shopify-Access-Token"], "url": shop.url, "poll_s": 1}
    config["channels"]["shop"] = {**SHOP, "shopify": {**SHOP["shopify"], "poll": poll}}
    file.write_text(yaml.safe_dump(config))
    installation.rules("cloud")
    installation.gateway()
    installation.worker()
    shop.subscribe(installation)
    for fault, more in (
        ("missing_webhook", {"probability": 0.3}),
        ("duplicate_webhook", {"probability": 0.5}),
        ("disordered_webhook", {"probability": 0.3, "delay_ms": 1500}),
        ("wrong_signature", {"probability": 0.3}),
        ("schema_surprise", {"probability": 0.3, "mode": "unknown_field"}),
    ):
        httpx.put(f"{shop.url}/control/faults/{fault}", json=more).raise_for_status()
    two = {"TEE-BLK-M": 2}
    orders = [shop.place(lines=two, paid=paid) for paid in (True, True, True, True, False)]
    kept, cancelled, returned, reduced, pending = orders
    shop.act(cancelled, "cancel", reason="customer")
    line = {"line_id": returned["line_items"][0]["id"], "quantity": 1}
    shop.act(returned, "refund", **line)
    shop.act(reduced, "edit", line_id=reduced["line_items"][0]["id"], quantity=1)
    shop.act(pending, "pay")

    def booked(kind: str) -> list[tuple[str, str]]:
        found = [it for it in installation.books("cloud") if it["kind"] == kind]
        return sorted((it["object_reference"], it["total"]) for it in found)

    until(lambda: not shop.counters()["webhooks_pending"], 60, "every webhook is answered")
    until(lambda: len(installation.books("cloud")) >= 8, 60, "everything is booked")
    assert booked("order") == sorted((str(it["id"]), it["total_price"]) for it in orders)
    assert [ref for ref, _ in booked("cancellation")] == sorted(
        str(it["id"]) for it in (cancelled, reduced)
    )
    assert booked("return") == [(str(returned["id"]), returned["line_items"][0]["price"])]
    found = shop.counters()
    assert found["webhooks_given_up"] == 0
    assert found["webhooks_missing"]
    assert found["webhooks_duplicated"]
    assert found["webhooks_wrongly_signed"]
    assert kept["id"]
    surprise = {"probability": 1.0, "mode": "unknown_field"}
    httpx.put(f"{shop.url}/control/faults/schema_surprise", json=surprise).raise_for_status()
    shop.act(kept, "edit", line_id=kept["line_items"][0]["id"], quantity=1)

    def is_listed() -> bool:
        listed: list[dict[str, Any]] = json.loads(
            installation.coexist("drift", "--channel", "shop", "--json")
        )
        return any(
            (it["payload"], it["kind"], it["reference"]) == ("order", "field", str(kept["id"]))
            for it in listed
        )

    until(is_listed, 30, "what nobody announced is kept and listed")
