"""What a transaction is worth and about: its money, its SKUs, and by when it should be booked.

Read from the body as it was accepted, without the models: what stands in the ledger may be older
than they are, and a body that says nothing of money is worth nothing said, not an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from gateway.canonical.money import MINOR_DIGITS
from gateway.canonical.process import PROCESSES

#: Amounts have at most four places, so this many parts of one are a whole number.
PARTS: Final = 10_000

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Worth:
    """``amount`` of ``currency`` (ISO 4217), or None and "" for what is about no money."""

    currency: str
    amount: Decimal | None

    @property
    def parts(self) -> int | None:
        """The amount in 1/10000, a whole number that any database adds up exactly."""
        return None if self.amount is None else int(self.amount * PARTS)


def worth_of(body: Body) -> Worth:
    """Return what a document says its total is."""
    document = _document(body)
    total, currency = document.get("total"), document.get("currency")
    if not isinstance(total, str) or not isinstance(currency, str):
        return Worth("", None)
    try:
        amount = Decimal(total)
    except InvalidOperation:
        return Worth("", None)
    return Worth(currency, amount) if amount.is_finite() else Worth("", None)


def amount_text(parts: int, currency: str) -> str:
    """Write 1/10000 of a currency as decimal text, with its minor digits or more if it has more."""
    amount = Decimal(parts) / PARTS
    digits = MINOR_DIGITS.get(currency, 2)
    places = max(digits, -int(amount.normalize().as_tuple().exponent))
    return f"{amount:.{places}f}"


def skus_of(body: Body) -> tuple[str, ...]:
    """Return the SKUs of a document's lines, each once, in their order."""
    return tuple(dict.fromkeys(_skus(body)))


def legal_entity_of(body: Body, facts: Mapping[str, str]) -> str:
    """Return the legal entity that books it, "" if nobody said."""
    named = body.get("legal_entity")
    return facts.get("legal_entity") or (named if isinstance(named, str) else "")


def deadline_of(process: str, accepted_at: datetime) -> datetime:
    """Return when the process's stated greatest lag is over; a process of old has none left."""
    known = PROCESSES.get(process)
    return accepted_at + timedelta(seconds=known.lag_s_max if known else 0)


def _skus(body: Body) -> Iterator[str]:
    document = _document(body)
    for name in ("lines", "returns"):
        lines = document.get(name)
        for line in lines if isinstance(lines, list | tuple) else ():
            sku = line.get("sku") if isinstance(line, Mapping) else None
            if isinstance(sku, str) and sku:
                yield sku


def _document(body: Body) -> Body:
    """A receipt stands with its store."""
    sale = body.get("sale")
    return sale if isinstance(sale, Mapping) else body
