"""What each channel sold by its own books, and what the ERPs booked of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from loadtests.journal import MessageEntry
from loadtests.ledger import Ledger, identity


def by_channel(ledger: Ledger, entries: Iterable[MessageEntry]) -> dict[str, dict[str, Any]]:
    """Return counts, value, tax and pieces by channel, as sold and as booked.

    Value, pieces and tax are those of orders, receipts and credits; a cancellation states none.
    ``unheard`` is what was given up before anybody had heard of it: neither sold nor booked.
    """
    found: dict[str, dict[str, Any]] = defaultdict(
        lambda: (
            {"sold": 0, "booked": 0, "unheard": 0}
            | {
                name: Decimal(0)
                for of in ("value", "tax", "quantity")
                for name in (of, f"{of}_booked")
            }
        )
    )
    taken = {identity(one.message): one for one in ledger.transactions.values()}
    for entry in entries:
        if entry.attempts:
            continue  # what the driver sent
        message, mine = entry.message, found[entry.message.channel]
        known = taken.get(identity(message))
        if message.optional and known is None:
            mine["unheard"] += 1
            continue
        mine["sold"] += 1
        documents = known.documents if known else []
        mine["booked"] += len(documents)
        if message.total is None:
            continue
        mine["value"] += message.total
        mine["value_booked"] += sum((it.total for it in documents), Decimal(0))
        mine["quantity"] += sum(line.quantity for line in message.lines)
        mine["quantity_booked"] += sum(
            (line.quantity for it in documents for line in it.lines), Decimal(0)
        )
        if message.tax is not None:
            mine["tax"] += message.tax
            mine["tax_booked"] += sum((it.tax or Decimal(0) for it in documents), Decimal(0))
    return dict(found)
