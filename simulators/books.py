"""The books: what a simulated ERP truly booked, in the order of booking.

They are the oracle of every audit, so nothing is listed that was only received, only stored or
refused, and nothing that was booked is left out, whether or not the caller ever heard of it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

CENT = Decimal("0.01")
ZERO = Decimal(0)


class Kind(StrEnum):
    """What a document is, in the words of the books."""

    ORDER = "order"
    CANCELLATION = "cancellation"
    STORE_SALE = "store_sale"
    RETURN = "return"
    RETURN_ORDER = "return_order"
    RETURN_RECEIPT = "return_receipt"


@dataclass(frozen=True, slots=True)
class Line:
    """A document line; `amount` is after discount and, where prices exclude it, before tax.

    `tax` is what the sender states of it, contained in the amount or not.
    What came back has a `condition` and a `disposition`; `restock` is false on a credited line
    whose goods the credit does not bring.
    """

    line: int
    sku: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    tax: Decimal = ZERO
    condition: str = ""
    disposition: str = ""
    restock: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A document as asked for, not yet booked.

    `object_reference` is the order's reference, for a store sale store/date/register/sequence, and
    `channel` the one it was given in; empty where the sender does not say.
    `legal_entity` may be empty on a follow-up that leaves it to its order. `stated` are sums the
    sender claims, by name, to be compared with the computed ones. A cancellation without lines
    asks for everything; its lines need no SKU and no price. `by_channel`: the channel sends it.
    `return_reference` is the return that goods are of, `withdrawn` says that none are expected.
    `tax` is what prices leave out, `told_tax` all the sender states, contained in prices or not.
    """

    kind: Kind
    external_reference: str
    object_reference: str
    legal_entity: str
    currency: str
    lines: tuple[Line, ...]
    channel: str = ""
    customer: str = ""
    dated: date | None = None
    shipping: Decimal = ZERO
    tax: Decimal = ZERO
    told_tax: Decimal = ZERO
    stated: tuple[tuple[str, Decimal, Decimal], ...] = ()
    by_channel: bool = False
    return_reference: str = ""
    withdrawn: bool = False
    location: str = ""

    @property
    def total(self) -> Decimal:
        """The sum this simulator computed: lines, shipping, and tax that prices leave out."""
        return sum((line.amount for line in self.lines), self.shipping + self.tax)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A booked document. `sequence` counts from 1 in the order of booking; older ones are <= 0."""

    sequence: int
    number: str
    kind: Kind
    external_reference: str
    object_reference: str
    channel: str
    legal_entity: str
    currency: str
    lines: tuple[Line, ...]
    shipping: Decimal
    tax: Decimal
    total: Decimal
    booked_at: datetime
    outcome: str | None
    by_channel: bool = False
    told_tax: Decimal = ZERO
    return_reference: str = ""
    withdrawn: bool = False
    location: str = ""

    def as_json(self) -> dict[str, object]:
        """The entry of `GET /control/books`; money and quantities are decimal strings."""
        return {
            "sequence": self.sequence,
            "number": self.number,
            "kind": self.kind.value,
            "external_reference": self.external_reference,
            "object_reference": self.object_reference,
            "channel": self.channel,
            "legal_entity": self.legal_entity,
            "currency": self.currency,
            "lines": [_line_json(line) for line in self.lines],
            "shipping": money(self.shipping),
            "tax": money(self.tax),
            "told_tax": money(self.told_tax),
            "total": money(self.total),
            "booked_at": self.booked_at.isoformat(),
            "outcome": self.outcome,
            **({"fulfilled_by": "channel"} if self.by_channel else {}),
            **({"return_reference": self.return_reference} if self.return_reference else {}),
            **({"withdrawn": True} if self.withdrawn else {}),
            **({"location": self.location} if self.location else {}),
        }


class Books:
    """All documents booked since the start, and apart from them the older ones seeded at start."""

    def __init__(self) -> None:
        self.seeded: list[Document] = []
        self._booked: list[Document] = []

    @property
    def last_sequence(self) -> int:
        """The sequence of the newest document, 0 when there is none."""
        return len(self._booked)

    def add(self, document: Document) -> None:
        """Append; the document's sequence must be the next one."""
        if document.sequence != self.last_sequence + 1:
            raise ValueError(
                f"document {document.number} has sequence {document.sequence}, "
                f"the books expect {self.last_sequence + 1}"
            )
        self._booked.append(document)

    def since(self, after: int, limit: int = sys.maxsize) -> list[Document]:
        """At most `limit` documents with a sequence above `after`, in order."""
        start = max(after, 0)
        return self._booked[start : start + limit]


def cents(value: Decimal) -> Decimal:
    """The value in whole cents, halves rounded up: the rule both ERPs use on a line."""
    return value.quantize(CENT, ROUND_HALF_UP)


def money(value: Decimal) -> str:
    """A decimal string with at least two places, never an exponent, no digit lost."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent > -2:
        value = value.quantize(CENT)
    return format(value, "f")


def plain(value: Decimal) -> str:
    """A decimal string without trailing zeros: 2, 1.5."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _line_json(line: Line) -> dict[str, object]:
    return {
        "line": line.line,
        "sku": line.sku,
        "quantity": plain(line.quantity),
        "unit_price": money(line.unit_price),
        "amount": money(line.amount),
        "tax": money(line.tax),
        **({"condition": line.condition} if line.condition else {}),
        **({"disposition": line.disposition} if line.disposition else {}),
        **({} if line.restock else {"restock": False}),
    }
