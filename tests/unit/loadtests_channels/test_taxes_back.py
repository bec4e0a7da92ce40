"""Tax of what is given back: channels' books, the gateway's reading of the same, to the cent.

Books and gateway share no code; what a shop tells is read by the one and entered by the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from gateway.channels.known import Known
from gateway.channels.loop.credit import KnownReturn, Place, credit_of
from gateway.channels.shopify.draft import Terms
from gateway.channels.shopify.followups import refunded
from gateway.channels.shopify.order import order_of
from loadtests.channels.answers import sold_by
from loadtests.channels.loop import Returns
from loadtests.channels.shopify import Shop as Source
from loadtests.messages import ORDER, RETURN, Message
from simulators.catalogue import load_catalogue
from simulators.channel import ChannelBooks
from simulators.clock import SystemClock
from simulators.loop.platform import Platform
from simulators.people import person
from simulators.shopify.basket import at_random
from simulators.shopify.money import Currencies
from simulators.shopify.shop import Shop

ZERO = Decimal(0)
TERMS = Terms("NL01", "NL", "GUEST")
BOTH = pytest.mark.parametrize("included", [True, False], ids=["within prices", "beside prices"])


class Shopping:
    """A shop of one kind of prices, and all that it told."""

    def __init__(self, *, included: bool) -> None:
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.books = ChannelBooks(SystemClock())
        self.items = load_catalogue()
        self.shop = Shop(
            "shop.example", Currencies("EUR", "EUR", Decimal(1)), None, SystemClock(), self.items,
            self.books, lambda topic, told: self.told.append((topic, told)),
        )  # fmt: skip
        self.chance = Random(f"{included}")
        self.included = included

    def order(self) -> dict[str, Any]:
        buyer = person(1, self.chance.randrange(1, 100), "NL")
        basket = at_random(
            self.chance, self.items, buyer, presentment=False, taxes_included=self.included
        )
        made = self.shop.place(basket)
        if made["financial_status"] == "pending":
            self.shop.pay(made["id"])
        return made

    def pieces(self, order: Mapping[str, Any]) -> Iterator[int]:
        lines = [it["id"] for it in order["line_items"] for _ in range(it["quantity"])]
        self.chance.shuffle(lines)
        yield from lines

    def messages(self, process: str) -> list[Message]:
        entries = [it.as_json() for it in self.books.since(0)]
        found = sold_by(Source("shop", "NL", "NL01"), entries)
        return [it.message for it in found if it.message.process == process]


def taxes_of(message: Message) -> dict[int, Decimal | None]:
    return {it.line: it.tax for it in message.lines}


@BOTH
def test_refunds_of_all_pieces_give_back_the_order_s_tax_line_by_line(
    included: bool,
) -> None:
    of = Shopping(included=included)
    rates = set()
    for _ in range(40):
        order = of.order()
        known = Known(order_of(order, TERMS).body)
        assert known.order["tax_included"] is included
        lines = list(of.pieces(order))
        back: dict[int, Decimal] = defaultdict(Decimal)
        total = shipping_tax = ZERO
        for at, line in enumerate(lines):
            refund = of.shop.refund(order["id"], [(line, 1)], shipping=at == len(lines) - 1)
            (credit,) = refunded(refund, known, TERMS, "shop")
            assert credit.draft.problems == []
            body = credit.draft.body
            for it in body["lines"]:
                back[it["line"]] += Decimal(it["tax"])
            shipping_tax += Decimal(body.get("shipping_tax", "0.00"))
            total += Decimal(body["total"])
            assert body.get("adjustments") is None
            said = of.messages(RETURN)[-1]
            assert (said.total, said.shipping) == (
                Decimal(body["total"]), Decimal(body.get("shipping", "0.00"))
            )  # fmt: skip
            assert [(it.amount, it.tax) for it in said.lines] == [
                (Decimal(it["refund"]), Decimal(it["tax"])) for it in body["lines"]
            ]
        sold = of.messages(ORDER)[-1]
        assert back == taxes_of(sold)
        assert sum(back.values(), shipping_tax) == sold.tax
        assert total == sold.total == Decimal(order["total_price"])
        assert Decimal(order["current_total_tax"]) == ZERO
        rates |= {row["rate"] for it in order["line_items"] for row in it["tax_lines"]}
    assert {0.21, 0.09} <= rates, "several rates"


@BOTH
def test_returns_of_all_pieces_give_back_the_order_s_tax_line_by_line(
    included: bool,
) -> None:
    """One return for each piece, some of them cancelled on the way."""
    of = Shopping(included=included)
    told: list[Mapping[str, Any]] = []
    books = ChannelBooks(SystemClock())
    platform = Platform(SystemClock(), books, lambda _trigger, snapshot: told.append(snapshot))
    place = Place("NL01", "shop", "1")
    for _ in range(25):
        order = of.order()
        known = KnownReturn(order_of(order, TERMS).body)
        back: dict[int, Decimal] = defaultdict(Decimal)
        lines = list(of.pieces(order))
        for line in lines:
            if of.chance.random() < 0.3:
                never = platform.ask(order, {line: 1}, ZERO, "too small")
                platform.end(never.number, "cancelled")
            platform.end(platform.ask(order, {line: 1}, ZERO, "too small").number, "closed")
            credit = credit_of(told[-1], known, place)
            assert credit is not None
            assert credit.draft.problems == []
            (row,) = credit.draft.body["lines"]
            tax = row.get("tax") or "0.00"
            back[row["line"]] += Decimal(tax)
            said = sold_by(
                Returns("returns", Source("shop", "NL", "NL01")),
                [it.as_json() for it in books.since(0)],
            )[-1].message
            assert [(it.amount, it.tax) for it in said.lines] == [
                (Decimal(row["refund"]), Decimal(tax))
            ]
        assert back == taxes_of(of.messages(ORDER)[-1])
    for it in told:
        product, discount, tax, total = (
            Decimal(it[f"return_{name}total"]) for name in ("product_", "discount_", "tax_", "")
        )
        assert product - discount + tax == total
