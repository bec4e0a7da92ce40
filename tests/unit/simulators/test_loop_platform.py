"""The returns platform: what rows are worth, what may happen when, and how it signs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
import pytest

from gateway.channels.loop import signature as ours
from simulators.channel import ChannelBooks
from simulators.clock import SystemClock
from simulators.loop.options import LoopOptions
from simulators.loop.platform import Platform, ReturnError
from simulators.loop.site import loop_platform
from simulators.loop.webhooks import signature
from tests.unit.simulators.serving import eventually, served
from tests.unit.simulators.shops import shop

NONE = Decimal(0)
ORDER: dict[str, Any] = {
    "id": 77, "name": "#1001", "currency": "EUR", "email": "pat@example.com",
    "taxes_included": True,
    "line_items": [
        {"id": 11, "sku": "TEE-BLK-M", "title": "Shirt", "price": "19.95", "quantity": 3,
         "discount_allocations": [{"amount": "5.00"}], "tax_lines": [{"price": "9.52"}]},
        {"id": 12, "sku": "CAP", "title": "Cap", "price": "25.00", "quantity": 1,
         "discount_allocations": [], "tax_lines": [{"price": "4.34"}]},
    ],
}  # fmt: skip


class Told:
    """A platform and what it told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Mapping[str, Any]]] = []
        self.books = ChannelBooks(SystemClock())
        listen = lambda trigger, snapshot: self.said.append((trigger, snapshot))  # noqa: E731 -- a line says it
        self.platform = Platform(SystemClock(), self.books, listen)


def test_all_pieces_of_a_line_are_worth_the_line() -> None:
    told = Told()
    for _ in range(3):
        told.platform.ask(ORDER, {11: 1}, NONE, "too small")
    worth = [Decimal(it.rows[0]["refund"]) for it in told.platform.returns.values()]
    assert sum(worth) == Decimal("54.85")
    assert sum(it.total("tax") for it in told.platform.returns.values()) == Decimal("9.52")
    for it in told.platform.returns.values():
        row = it.rows[0]
        assert Decimal(row["price"]) - Decimal(row["discount"]) == Decimal(row["refund"])
    with pytest.raises(ReturnError, match="has 0 left"):
        told.platform.ask(ORDER, {11: 1}, NONE, "too small")


def test_each_happening_is_told_with_the_whole_return_and_entered() -> None:
    told = Told()
    made = told.platform.ask(ORDER, {11: 1}, Decimal("2.00"), "too small")
    told.platform.pay(made.number)
    told.platform.add(made.number, {12: 1})
    told.platform.pay(made.number)
    told.platform.end(made.number, "closed")
    assert [trigger for trigger, _ in told.said] == [
        "return.created", "return.updated", "return.updated", "return.updated", "return.closed",
    ]  # fmt: skip
    assert [len(it["line_items"]) for _, it in told.said] == [1, 1, 2, 2, 2]
    assert [it["edited_at"] is None for _, it in told.said] == [True, False, False, False, False]
    paid = [Decimal(it["amount"]) for it in told.said[-1][1]["refunds"]]
    assert sum(paid) == made.worth - 2
    assert [it.kind for it in told.books.since(0)] == [
        "return", "payout", "added", "payout", "closed",
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["closed", "cancelled", "expired"])
def test_what_has_ended_is_neither_paid_nor_ended_again(state: str) -> None:
    platform = Told().platform
    made = platform.ask(ORDER, {12: 1}, NONE, "too small")
    platform.end(made.number, state)
    with pytest.raises(ReturnError):
        platform.pay(made.number)
    with pytest.raises(ReturnError):
        platform.end(made.number, "closed")
    with pytest.raises(ReturnError, match="no return 9"):
        platform.one(9)


@pytest.mark.parametrize("body", [b'{\n "a": "x/y"\n}', b'{"a":"x\\/y"}', b"{}"])
def test_it_signs_as_the_gateway_reads(body: bytes) -> None:
    assert signature(body, "s").encode() == ours.signature(body, "s")


def test_buyers_send_back_pieces_of_orders_that_are_paid_whole_and_old_enough() -> None:
    with shop(seed=5, refunds=False) as running:
        kept = running.place(count=12)
        running.act(kept[0]["id"], "cancel")
        young = LoopOptions(shop=running.url, returns_per_s=200.0, youngest_s=3600.0)
        with served(lambda: loop_platform(young)) as url:
            time.sleep(0.2)
            assert httpx.get(f"{url}/control/books").json()["documents"] == []
        old = LoopOptions(shop=running.url, returns_per_s=60.0, youngest_s=0.0, followup_s=0.05)

        def books() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = httpx.get(f"{url}/control/books").json()["documents"]
            return found

        with served(lambda: loop_platform(old)) as url:
            eventually(lambda: sum(it["kind"] == "payout" for it in books()) >= 2)
            asked = {it["order_id"] for it in books() if it["kind"] == "return"}
        assert kept[0]["id"] not in asked
        assert running.books("refund"), "the platform pays through the shop"
