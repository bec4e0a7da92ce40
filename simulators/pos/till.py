"""What a register rings up: receipts, receipts given up, shifts. All from the register's own seed.

A receipt is kept as what was keyed, line by line, voided lines included; how it is sent is the
sender's affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Literal

from simulators.catalogue import Item
from simulators.pos.options import PosOptions
from simulators.taxes import part, rate, tax_within

ZERO = Decimal(0)
CENT = Decimal("0.01")
#: Cash is rounded to this in the Netherlands; in Germany it is not.
COIN = {"NL": Decimal("0.05"), "DE": CENT}
#: The campaign that takes a tenth off.
PROMOTION = "TENTH-OFF"
NOTES = (Decimal(5), Decimal(10), Decimal(20), Decimal(50), Decimal(100))

Kind = Literal["sale", "void", "control"]


@dataclass(frozen=True, slots=True)
class Keyed:
    """A line as it was keyed; ``back``: it came back. ``sold_on`` is the receipt it has."""

    line: int
    item: Item
    quantity: int
    tax: Decimal
    back: bool = False
    voided: bool = False
    off: Decimal = ZERO
    sold_on: Mapping[str, object] | None = None

    @property
    def amount(self) -> Decimal:
        """What the line comes to, tax included."""
        return self.item.price * self.quantity - self.off


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One number of a register and what it was used for."""

    store: str
    register: str
    number: int
    day: str
    at: datetime
    kind: Kind
    what: str = ""
    lines: tuple[Keyed, ...] = ()
    tenders: tuple[tuple[str, Decimal], ...] = ()
    rounding: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """What was sold less what came back."""
        return sum((-it.amount if it.back else it.amount for it in self.kept), ZERO)

    @property
    def kept(self) -> list[Keyed]:
        """The lines that were not voided."""
        return [it for it in self.lines if not it.voided]

    @property
    def name(self) -> str:
        """Its natural key."""
        return f"{self.store}/{self.day}/{self.register}/{self.number}"


@dataclass(slots=True)
class Till:
    """A register; ``number`` is the last it used, ``drawer`` the cash that should be in it."""

    store: str
    register: str
    items: Mapping[str, Item]
    chance: Random
    number: int
    open: bool = False
    drawer: Decimal = ZERO
    sold: list[Rung] = field(default_factory=list)
    came_back: dict[str, int] = field(default_factory=dict)

    def ring(self, day: str, at: datetime, options: PosOptions) -> Rung:
        """A customer comes: a receipt, or one that is given up."""
        lines = self._lines(options)
        if self.chance.random() < options.voids:
            return self._used(day, at, "void", options, what="given up", lines=lines)
        if not any(not it.voided for it in lines):
            return self._used(day, at, "void", options, what="all voided", lines=lines)
        return self._sold(day, at, lines, options)

    def control(self, day: str, at: datetime, what: str, options: PosOptions) -> Rung:
        """A number for what is no sale: a shift begins or ends, the day ends."""
        self.open = what == "shift begins" or (self.open and what == "day ends")
        return self._used(day, at, "control", options, what=what)

    def _lines(self, options: PosOptions) -> tuple[Keyed, ...]:
        lines = []
        for number in range(1, self.chance.randint(1, 5) + 1):
            item = self.items[self.chance.choice(list(self.items))]
            quantity = self.chance.choice((1, 1, 1, 2, 3))
            voided = self.chance.random() < options.line_voids
            off = ZERO
            if self.chance.random() < options.promotions:
                off = (item.price * quantity / 10).quantize(CENT, ROUND_HALF_UP)
            tax = self._tax(item, quantity, off)
            lines.append(Keyed(number, item, quantity, tax, voided=voided, off=off))
        if self.chance.random() < options.returns:
            lines.append(self._back(len(lines) + 1))
        return tuple(lines)

    def _back(self, number: int) -> Keyed:
        """Something comes back: with its receipt, if this register has sold any.

        A piece of it is worth its part of what was paid, and of its tax: all pieces, all of it.
        """
        if self.sold and self.chance.random() < 0.7:
            receipt = self.chance.choice(self.sold)
            line = receipt.kept[0]
            before = self.came_back.get(receipt.name, 0)
            sold_on = {
                "store": receipt.store, "business_date": receipt.day,
                "register": receipt.register, "sequence": receipt.number, "line": line.line,
            }  # fmt: skip
            if before < line.quantity:
                self.came_back[receipt.name] = before + 1
                worth, tax = (
                    part(whole, before + 1, line.quantity) - part(whole, before, line.quantity)
                    for whole in (line.amount, line.tax)
                )
                off = line.item.price - worth
                return Keyed(number, line.item, 1, tax, back=True, sold_on=sold_on, off=off)
        item = self.items[self.chance.choice(list(self.items))]
        return Keyed(number, item, 1, self._tax(item, 1), back=True)

    def _tax(self, item: Item, quantity: int, off: Decimal = ZERO) -> Decimal:
        gross = item.price * quantity - off
        return tax_within(gross, rate(self.store[:2], item.tax_category))

    def _sold(self, day: str, at: datetime, lines: tuple[Keyed, ...], options: PosOptions) -> Rung:
        total = sum((-it.amount if it.back else it.amount for it in lines if not it.voided), ZERO)
        tenders: tuple[tuple[str, Decimal], ...]
        rounding = ZERO
        if self.chance.random() < options.cash:
            coin = COIN[self.store[:2]]
            due = (total / coin).quantize(Decimal(1), ROUND_HALF_UP) * coin
            rounding = due - total
            given = next((it for it in NOTES if it >= due), due) if due > 0 else due
            tenders = (("cash", given),) if given else ()
            if given > due:
                tenders = (*tenders, ("cash", due - given))
            self.drawer += due
        else:
            tenders = (("card", total),) if total else ()
        rung = self._used(day, at, "sale", options, lines=lines, tenders=tenders, rounding=rounding)
        self.sold = [*self.sold[-20:], rung] if rung.kept and not rung.kept[0].back else self.sold
        return rung

    def _used(
        self, day: str, at: datetime, kind: Kind, options: PosOptions, *, what: str = "",
        lines: tuple[Keyed, ...] = (), tenders: tuple[tuple[str, Decimal], ...] = (),
        rounding: Decimal = ZERO,
    ) -> Rung:  # fmt: skip
        self.number = 1 if self.number == options.last_number else self.number + 1
        return Rung(
            store=self.store, register=self.register, number=self.number, day=day, at=at,
            kind=kind, what=what, lines=lines, tenders=tenders, rounding=rounding,
        )  # fmt: skip
