"""The platform's state: returns of orders, row by row, and what can happen to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from simulators.channel import ChannelBooks
from simulators.clock import Clock
from simulators.taxes import part

ZERO = Decimal(0)
Order = Mapping[str, Any]
Listener = Callable[[str, Mapping[str, Any]], None]
#: Where returned goods are restocked; what came not as pictured is not.
LOCATION = "70001"
_BROKEN = "not as pictured"
REASONS = ("too small", "too large", _BROKEN, "changed my mind")


class ReturnError(ValueError):
    """What was asked for cannot be done to a return."""


@dataclass(slots=True)
class Return:
    """A return; ``rows`` are pieces, each with the shop's line and what it gives back.

    The first ``settled`` of them were paid for.
    """

    number: int
    order: Order
    created_at: datetime
    edited_at: datetime | None = None
    state: str = "open"
    fee: Decimal = ZERO
    rows: list[dict[str, str]] = field(default_factory=list)
    paid: list[dict[str, str]] = field(default_factory=list)
    settled: int = 0

    @property
    def updated_at(self) -> datetime:
        """When anything of it changed last."""
        return self.edited_at or self.created_at

    def total(self, name: str) -> Decimal:
        """An amount of all its rows."""
        return sum((Decimal(row[name]) for row in self.rows), ZERO)

    @property
    def worth(self) -> Decimal:
        """What its rows give back."""
        return self.total("refund")

    def as_json(self) -> dict[str, Any]:
        """The snapshot a webhook carries: products - discounts + taxes = what they give back.

        Whether or not the shop's prices include tax: that of products leaves it out.
        """
        tax, discount = self.total("tax"), self.total("discount")
        return {
            "shop_id": 1,
            "id": str(self.number),
            "state": self.state,
            "created_at": self.created_at.isoformat(),
            "edited_at": self.edited_at.isoformat() if self.edited_at else None,
            "total": money(self.worth),
            "order_id": str(10_000 + self.number),
            "order_name": self.order["name"],
            "provider_order_id": self.order["id"],
            "customer": self.order.get("email") or "",
            "currency": self.order["currency"],
            "return_product_total": money(self.worth + discount - tax),
            "return_discount_total": money(discount),
            "return_tax_total": money(tax),
            "return_total": money(self.worth),
            "handling_fee": money(self.fee),
            "refund": money(sum((Decimal(it["amount"]) for it in self.paid), ZERO)),
            "status_page_url": f"https://returns.example.com/r/{self.number}",
            "line_items": [dict(row) for row in self.rows],
            "refunds": [dict(it) for it in self.paid],
        }


class Platform:
    """Returns by number; each happening is entered in the books and told with the whole return."""

    def __init__(self, clock: Clock, books: ChannelBooks, tell: Listener) -> None:
        self.returns: dict[int, Return] = {}
        self._clock = clock
        self._books = books
        self._tell = tell

    def ask(self, order: Order, pieces: Mapping[int, int], fee: Decimal, reason: str) -> Return:
        """A buyer asks to send pieces back. Raises `ReturnError`."""
        made = Return(500_001 + len(self.returns), order, self._clock.now(), fee=fee)
        self._add(made, pieces, reason)
        self.returns[made.number] = made
        self._books.enter("return", return_id=str(made.number), order_id=order["id"],
                          rows=[dict(row) for row in made.rows], fee=money(fee))  # fmt: skip
        self._tell("return.created", made.as_json())
        return made

    def add(self, number: int, pieces: Mapping[int, int]) -> Return:
        """The buyer sends more pieces back than they had asked to."""
        made = self.one(number)
        if made.state in {"cancelled", "expired"}:
            raise ReturnError(f"return {number} is {made.state}")
        before = len(made.rows)
        self._add(made, pieces, REASONS[0])
        self._books.enter("added", return_id=str(number), order_id=made.order["id"],
                          rows=[dict(row) for row in made.rows[before:]])  # fmt: skip
        return self._changed(made)

    def pay(self, number: int) -> Return:
        """The buyer is paid, whether or not the goods have come. Raises `ReturnError`."""
        made = self.one(number)
        due = made.worth - made.fee - sum((Decimal(it["amount"]) for it in made.paid), ZERO)
        if made.state != "open" or due <= 0:
            raise ReturnError(f"return {number} is {made.state}, and {due} is due")
        made.settled = len(made.rows)
        made.paid.append({"gateway": "shopify_payments", "amount": money(due)})
        self._books.enter("payout", return_id=str(number), order_id=made.order["id"],
                          total=money(due))  # fmt: skip
        return self._changed(made)

    def end(self, number: int, state: str) -> Return:
        """It is closed (processed), cancelled, or expires. Raises `ReturnError`."""
        made = self.one(number)
        if made.state != "open":
            raise ReturnError(f"return {number} is {made.state} already")
        made.state = state
        self._books.enter(state, return_id=str(number), order_id=made.order["id"],
                          total=money(made.worth - made.fee),
                          rows=[dict(row) for row in made.rows])  # fmt: skip
        return self._changed(made, "return.closed" if state == "closed" else "return.updated")

    def one(self, number: int) -> Return:
        """Return a return. Raises `ReturnError`."""
        if number not in self.returns:
            raise ReturnError(f"no return {number}")
        return self.returns[number]

    def _changed(self, made: Return, trigger: str = "return.updated") -> Return:
        made.edited_at = self._clock.now()
        self._tell(trigger, made.as_json())
        return made

    def _add(self, made: Return, pieces: Mapping[int, int], reason: str) -> None:
        lines = {int(it["id"]): it for it in made.order["line_items"]}
        for line_id, count in pieces.items():
            if line_id not in lines:
                raise ReturnError(f"order {made.order['id']} has no line {line_id}")
            quantity, taken = int(lines[line_id]["quantity"]), self._taken(made)
            free = [at for at in range(quantity) if _row_id(line_id, at) not in taken]
            if not 0 < count <= len(free):
                raise ReturnError(f"line {line_id} has {len(free)} left")
            for place in free[:count]:
                made.rows.append(_row(made.order, lines[line_id], place, reason))

    def _taken(self, made: Return) -> set[str]:
        """Pieces of an order that came back, by this return and others."""
        others = (
            it
            for it in self.returns.values()
            if it.order["id"] == made.order["id"] and it.state not in {"cancelled", "expired"}
        )
        return {row["line_item_id"] for it in (*others, made) for row in it.rows}


def _row_id(line_id: int, place: int) -> str:
    return str(900_000 + line_id % 100_000 * 10 + place)


def _row(order: Order, line: Mapping[str, Any], place: int, reason: str) -> dict[str, str]:
    """A piece of a line, with its part of the line's price and tax: all add up to the line."""
    quantity = int(line["quantity"])
    off = sum((Decimal(it["amount"]) for it in line["discount_allocations"]), ZERO)
    taxes = sum((Decimal(it["price"]) for it in line["tax_lines"]), ZERO)
    worth, tax = (
        part(whole, place + 1, quantity) - part(whole, place, quantity)
        for whole in (Decimal(line["price"]) * quantity - off, taxes)
    )
    return {
        "line_item_id": _row_id(int(line["id"]), place),
        "provider_line_item_id": str(line["id"]),
        "variant_id": str(line.get("variant_id", line["id"])),
        "provider_restock_location_id": "" if reason == _BROKEN else LOCATION,
        "sku": str(line["sku"]),
        "title": str(line["title"]),
        "price": money(Decimal(line["price"])),
        "discount": money(Decimal(line["price"]) - worth),
        "tax": money(tax),
        "refund": money(worth if order["taxes_included"] else worth + tax),
        "return_reason": reason,
    }


def money(amount: Decimal) -> str:
    """An amount with its cents."""
    return f"{amount:.2f}"
