"""Webhooks of the simulated shop: signed, retried unchanged, and what faults make of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from tests.unit.simulators.serving import eventually
from tests.unit.simulators.shops import Receiver, RunningShop, receiver, shop

CREATED = "orders/create"


def subscribed(running: RunningShop, told: Receiver, *topics: str) -> None:
    for topic in topics:
        body = {"webhook": {"topic": topic, "address": told.url, "format": "json"}}
        running.post("/webhooks.json", body).raise_for_status()


def signed_with(headers: dict[str, str], body: bytes, secret: str) -> bool:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return headers["x-shopify-hmac-sha256"] == base64.b64encode(digest).decode()


def test_a_delivery_carries_what_is_published() -> None:
    with shop() as running, receiver() as told:
        subscribed(running, told, CREATED)
        (placed,) = running.place(count=1)
        eventually(lambda: len(told.taken) == 1)
    headers, body = told.taken[0]
    assert signed_with(headers, body, running.options.secret)
    assert json.loads(body)["id"] == placed["id"]
    assert headers["x-shopify-topic"] == CREATED
    assert headers["x-shopify-shop-domain"] == running.options.shop
    assert headers["x-shopify-api-version"] == "2026-07"
    for name in ("x-shopify-webhook-id", "x-shopify-event-id", "x-shopify-triggered-at"):
        assert headers[name]


def test_during_a_rotation_either_secret_signs() -> None:
    with shop(old_secret="before") as running, receiver() as told:
        subscribed(running, told, CREATED)
        running.place(count=20)
        eventually(lambda: len(told.taken) == 20)
    by_secret = {
        secret: sum(signed_with(*it, secret) for it in told.taken)
        for secret in (running.options.secret, "before")
    }
    assert sum(by_secret.values()) == 20
    assert all(by_secret.values())


def test_a_retry_has_the_same_id_event_and_bytes() -> None:
    with shop(retry_scale=0.0001) as running, receiver(500, 503, 200) as told:
        subscribed(running, told, CREATED)
        running.place(count=1)
        eventually(lambda: running.counters()["webhooks_delivered"] == 1)
        counters = running.counters()
    assert counters["webhook_attempts"] == len(told.taken) == 3
    for name in ("x-shopify-webhook-id", "x-shopify-event-id", "x-shopify-triggered-at"):
        assert len({headers[name] for headers, _ in told.taken}) == 1
    assert len({body for _, body in told.taken}) == 1


def test_after_eight_failures_the_subscription_is_gone() -> None:
    with shop(retry_scale=0.00001) as running, receiver(500) as told:
        subscribed(running, told, CREATED)
        running.place(count=1)
        eventually(lambda: running.counters()["webhooks_given_up"] == 1)
        assert len(told.taken) == 8
        assert running.get("/webhooks/count.json").json() == {"count": 0}
        assert running.counters()["subscriptions_removed"] == 1


@pytest.mark.parametrize(
    ("fault", "counter", "times"),
    [("duplicate_webhook", "webhooks_duplicated", 2), ("missing_webhook", "webhooks_missing", 0)],
)
def test_a_fault_sends_too_often_or_never(fault: str, counter: str, times: int) -> None:
    with shop() as running, receiver() as told:
        subscribed(running, told, CREATED)
        running.fault(fault, count=1, delay_ms=1)
        running.place(count=1)
        eventually(lambda: running.counters()[counter] == 1)
        eventually(lambda: running.counters()["webhooks_pending"] == 0)
    assert len(told.taken) == times
    assert len({headers["x-shopify-webhook-id"] for headers, _ in told.taken}) <= 1


def test_a_held_back_delivery_comes_after_later_ones() -> None:
    with shop() as running, receiver() as told:
        subscribed(running, told, CREATED, "orders/updated")
        running.fault("disordered_webhook", count=1, delay_ms=300)
        (placed,) = running.place(lines={"TEE-BLK-M": 1}, paid=False)
        running.act(placed["id"], "pay")
        eventually(lambda: len(told.taken) == 2)
    assert told.topics() == ["orders/updated", CREATED]


def test_a_wrong_signature_is_followed_by_a_right_one() -> None:
    with shop() as running, receiver(401, 200) as told:
        subscribed(running, told, CREATED)
        running.fault("wrong_signature", count=1)
        running.place(count=1)
        eventually(lambda: len(told.taken) == 2)
    assert [signed_with(*it, running.options.secret) for it in told.taken] == [False, True]


def test_a_skewed_clock_shows_in_the_header() -> None:
    with shop() as running, receiver() as told:
        subscribed(running, told, CREATED)
        running.fault("clock_skew", count=1, delay_ms=600_000)
        running.place(count=1)
        eventually(lambda: len(told.taken) == 1)
    triggered = datetime.fromisoformat(told.taken[0][0]["x-shopify-triggered-at"])
    assert (triggered - datetime.now(UTC)).total_seconds() > 300


@pytest.mark.parametrize(
    ("mode", "name", "value"),
    [
        ("unknown_field", "loyalty_tier_v2", {"tier": "gold"}),
        ("null", "customer", None),
        ("new_enum", "financial_status", "settled_elsewhere"),
    ],
)
def test_a_schema_surprise_is_signed_like_anything_else(
    mode: str, name: str, value: object
) -> None:
    with shop() as running, receiver() as told:
        subscribed(running, told, CREATED)
        running.fault("schema_surprise", count=1, mode=mode)
        running.place(count=1)
        eventually(lambda: len(told.taken) == 1)
    headers, body = told.taken[0]
    assert signed_with(headers, body, running.options.secret)
    assert json.loads(body)[name] == value


def test_what_happens_to_an_order_is_told_by_topic_and_entered_in_the_books() -> None:
    topics = (CREATED, "orders/paid", "orders/edited", "orders/cancelled", "refunds/create")
    with shop() as running, receiver() as told:
        subscribed(running, told, *topics)
        (placed,) = running.place(lines={"TEE-BLK-M": 3}, paid=False)
        running.act(placed["id"], "pay")
        running.act(placed["id"], "edit", quantity=2)
        running.act(placed["id"], "refund", quantity=1)
        running.act(placed["id"], "cancel")
        eventually(lambda: len(told.taken) == 6)
        kinds = [it["kind"] for it in running.books()]
        order, *refunds = running.books("order") + running.books("refund")
        current = running.get(f"/orders/{placed['id']}.json").json()["order"]
    assert sorted(set(told.topics())) == sorted(topics)
    assert kinds == ["order", "payment", "edit", "refund", "cancellation", "refund"]
    # Two of three pieces were paid back with the shipping; the third was edited away, unpaid back.
    back = sum((Decimal(it["total"]) for it in refunds), Decimal(0))
    assert Decimal(order["total"]) - back == Decimal("19.95")
    assert current["current_total_price"] == "0.00"


def test_trade_by_itself_adds_up_for_any_seed() -> None:
    with shop(seed=11, orders_per_s=200.0, followups=1.0, followup_s=0.05) as running:
        eventually(lambda: len(running.books("refund")) >= 10)
        httpx.put(f"{running.url}/control/settings", json={"orders_per_s": 0}).raise_for_status()
        orders = running.get("/orders.json", status="any", limit="250").json()["orders"]
    for order in orders:
        lines = sum(Decimal(it["price"]) * it["quantity"] for it in order["line_items"])
        assert lines == Decimal(order["total_line_items_price"])
        subtotal = lines - Decimal(order["total_discounts"])
        assert subtotal == Decimal(order["subtotal_price"])
        shipping = Decimal(order["total_shipping_price_set"]["shop_money"]["amount"])
        assert subtotal + shipping == Decimal(order["total_price"])
        taxes = sum(Decimal(it["price"]) for it in order["tax_lines"])
        assert taxes == Decimal(order["total_tax"])


def test_the_same_seed_sells_the_same() -> None:
    books = []
    for _ in range(2):
        with shop(seed=3) as running:
            running.place(count=10)
            books.append([
                {k: v for k, v in it.items() if k not in {"at", "placed_at"}}
                for it in running.books()
            ])  # fmt: skip
    assert books[0] == books[1]


def test_a_control_call_that_cannot_be_is_refused_by_name() -> None:
    with shop() as running:
        answer = httpx.post(f"{running.url}/control/orders", json={"lines": {"NOPE": 1}})
        assert answer.status_code == 400
        assert "NOPE" in answer.json()["error"]
        answer = httpx.post(f"{running.url}/control/orders", json={"count": 0})
        assert "it must be 1 to 10000" in answer.json()["error"]
