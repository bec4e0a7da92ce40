"""Goods that come back, as both simulated ERPs judge them: no more than was sold, or expected.

What is expected of a return is what was stated of it last. Goods that nobody announced are taken;
goods of a return that was withdrawn are not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from simulators.books import ZERO, Draft, Kind, Line
from simulators.refusals import Refusal, Why

GOODS = frozenset({Kind.RETURN_ORDER, Kind.RETURN_RECEIPT})
"""Documents that are about goods alone."""
RESTOCK = "restock"
DISPOSITIONS = (RESTOCK, "refurbish", "scrap", "quarantine")

Pieces = dict[int, Decimal]


def _none() -> Pieces:
    return defaultdict(Decimal)


@dataclass(slots=True)
class Returned:
    """What is expected back of one order and what came, by line; and both by return."""

    came: Pieces = field(default_factory=_none)
    came_of: dict[str, Pieces] = field(default_factory=lambda: defaultdict(_none))
    expected: dict[str, Pieces] = field(default_factory=dict)

    def check(self, draft: Draft, sold: Mapping[int, Decimal]) -> None:
        """Raise `Refusal` if it may not be booked; `sold` is what was, less what was cancelled."""
        asked = _by_line(draft.lines)
        for line in asked:
            if line not in sold:
                raise Refusal(Why.UNKNOWN_LINE, reference=draft.object_reference, line=line)
        if draft.kind is Kind.RETURN_ORDER:
            self._check_order(draft, asked, sold)
        else:
            self._check_receipt(draft, asked, sold)

    def book(self, draft: Draft) -> None:
        """Remember a document that was checked; a credit counts where it brings the goods."""
        if draft.kind is Kind.RETURN_ORDER:
            self.expected[draft.return_reference] = _by_line(draft.lines)
            return
        for line in draft.lines:
            if draft.kind is Kind.RETURN_RECEIPT:
                self.came_of[draft.return_reference][line.line] += line.quantity
            if draft.kind is Kind.RETURN_RECEIPT or line.restock:
                self.came[line.line] += line.quantity

    def _check_order(self, draft: Draft, asked: Pieces, sold: Mapping[int, Decimal]) -> None:
        for line, quantity in asked.items():
            if quantity > sold[line]:
                raise Refusal(Why.MORE_THAN_SOLD, line=line, quantity=quantity, sold=sold[line])
        for line, came in self.came_of[draft.return_reference].items():
            if asked.get(line, ZERO) < came:
                raise Refusal(
                    Why.CAME_ALREADY, reference=draft.return_reference, line=line, came=came,
                    quantity=asked.get(line, ZERO),
                )  # fmt: skip

    def _check_receipt(self, draft: Draft, asked: Pieces, sold: Mapping[int, Decimal]) -> None:
        reference = draft.return_reference
        expected = self.expected.get(reference) if reference else None
        for line, quantity in asked.items():
            came = self.came[line] + quantity
            if came > sold[line]:
                raise Refusal(Why.MORE_THAN_SOLD, line=line, quantity=came, sold=sold[line])
            if expected is not None:
                came, due = self.came_of[reference][line] + quantity, expected.get(line, ZERO)
                if came > due:
                    raise Refusal(
                        Why.MORE_THAN_EXPECTED, reference=reference, line=line, quantity=came,
                        expected=due,
                    )  # fmt: skip


def goes_to_stock(kind: Kind, line: Line) -> bool:
    """Whether a line of a document that takes something back makes it available to sell."""
    if kind is Kind.RETURN_RECEIPT:
        return line.disposition == RESTOCK
    return kind is not Kind.RETURN_ORDER and line.restock


def _by_line(lines: tuple[Line, ...]) -> Pieces:
    found = _none()
    for line in lines:
        found[line.line] += line.quantity
    return found
