"""Goods on a receipt, as a POSLog line says them, and the figures in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from gateway.channels.pos.markup import Node

ZERO: Final = Decimal(0)

_AMOUNT: Final = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,10})?", re.ASCII)
_KINDS: Final = {
    "service": "service", "fee": "fee", "giftcertificate": "gift_card", "storedvalue": "gift_card",
    "giftcard": "gift_card",
}  # fmt: skip
_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(slots=True)
class Goods:
    """A line of goods that go one way or the other; amounts are never below zero."""

    number: int
    node: Node
    sign: int
    pieces: Decimal
    price: Decimal
    worth: Decimal
    tax: Decimal

    @property
    def signed(self) -> Decimal:
        """What it adds to the receipt."""
        return self.sign * self.worth

    def void(self, pieces: Decimal, digits: int) -> None:
        """Take pieces off, with their part of all amounts."""
        left, unit = (self.pieces - pieces) / self.pieces, Decimal(1).scaleb(-digits)
        self.worth = (self.worth * left).quantize(unit, ROUND_HALF_UP)
        self.tax = (self.tax * left).quantize(unit, ROUND_HALF_UP)
        self.pieces -= pieces

    def line(self) -> dict[str, Any]:
        """Return a canonical line."""
        kind = _KINDS.get(self.node.attributes.get("ItemType", "").lower())
        return {**self._both(), **({"kind": kind} if kind else {}), **self._promoted()}

    def back(self, store: str, retail_store_id: str) -> dict[str, Any]:
        """Return a canonical line of what came back to ``store``, which files call by the id."""
        made = self._both()
        reason = self.node.said("ReasonCode")[:40] or self.node.said("Reason")[:40]
        if reason:
            made["reason"] = reason
        link = self.node.first("TransactionLink")
        if link is not None:
            sequence, line = link.said("SequenceNumber"), link.said("LineItemSequenceNumber")
            same = link.said("RetailStoreID") in {"", retail_store_id}
            made["sold_on"] = {
                "store": store if same else link.said("RetailStoreID"),
                "business_date": link.said("BusinessDayDate")[:10],
                "register": link.said("WorkstationID"),
                "sequence": whole(sequence),
                **({"line": whole(line)} if whole(line) else {}),
            }
        return made

    def _both(self) -> dict[str, Any]:
        discount = self.price * self.pieces - self.worth
        return {
            "line": self.number,
            "sku": self.node.said("ItemID") or self.node.said("POSIdentity", "POSItemID"),
            "quantity": int(self.pieces),
            "unit_price": plain(self.price),
            "discount": plain(discount),
            "tax": plain(self.tax),
        }

    def _promoted(self) -> dict[str, Any]:
        """Return what each promotion took off, if that is all that was taken off."""
        parts = []
        for it in self.node.all("RetailPriceModifier"):
            amount = figure(it.said("Amount"))
            promotion = it.said("PromotionID")
            if amount is None or not promotion:
                return {}
            parts.append({"amount": plain(abs(amount)), "promotion_id": promotion[:64]})
        taken = sum((Decimal(it["amount"]) for it in parts), ZERO)
        return {"discounts": parts} if parts and taken == self.price * self.pieces - self.worth \
            else {}  # fmt: skip


def spread(tax: Decimal, goods: list[Goods], digits: int) -> None:
    """Give each line its part of the transaction's tax, by worth, to the minor unit."""
    unit = Decimal(1).scaleb(-digits)
    all_worth = sum((it.signed for it in goods), ZERO)
    left = tax
    for it in goods:
        if all_worth:
            part = (tax * it.signed / all_worth).quantize(unit, ROUND_HALF_UP)
            it.tax = max(part * it.sign, ZERO)
            left -= it.tax * it.sign
    widest = max(goods, key=lambda it: it.worth, default=None)
    if widest is not None:
        widest.tax = max(widest.tax + left * widest.sign, ZERO)


def plain(amount: Decimal) -> str:
    """Write an amount as canonical documents do: at least two places, no zeros behind them."""
    if amount == amount.quantize(Decimal("0.01")):
        return f"{amount:.2f}"
    return f"{amount.normalize():f}"


def figure(text: str) -> Decimal | None:
    """Read a decimal figure, None if it is none."""
    return Decimal(text.strip()) if _AMOUNT.fullmatch(text.strip()) else None


def whole(text: str) -> int:
    """Read a whole number, 0 if it is none."""
    return int(text) if _WHOLE.fullmatch(text) else 0
