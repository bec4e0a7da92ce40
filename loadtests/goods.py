"""Goods of returns: what a platform expects, withdraws and receives, as an ERP has to book it.

A platform's buyers send whole pieces back, and add none later. A return that is given up is heard
of before or after that, or both; if what was expected of it is in a book, its end has to be, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from loadtests.findings import Finding
from loadtests.journal import MessageEntry
from loadtests.messages import AUTHORISATION, Line, Message

RESTOCK, QUARANTINE = "restock", "quarantine"
_STILL = "given up in a channel, and expected in an ERP to this day"


def expected_lines(rows: Iterable[Mapping[str, str]]) -> tuple[Line, ...]:
    """Pieces by line, without money."""
    pieces = Counter((_line(row), row["sku"]) for row in rows)
    return tuple(Line(line, sku, count, None) for (line, sku), count in pieces.items())


def received_lines(rows: Iterable[Mapping[str, str]]) -> Iterator[tuple[Line, ...]]:
    """Pieces by line of each receipt, one a location: what has none is kept apart."""
    nodes: dict[str, Counter[tuple[int, str]]] = {}
    for row in rows:
        node = row["provider_restock_location_id"]
        nodes.setdefault(node, Counter())[_line(row), row["sku"]] += 1
    for node, pieces in sorted(nodes.items()):
        what = RESTOCK if node else QUARANTINE
        yield tuple(
            Line(line, sku, count, None, disposition=what) for (line, sku), count in pieces.items()
        )


def still_expected(
    unknown: Sequence[MessageEntry], accepted: Iterable[Message]
) -> Iterator[Finding]:
    """What was withdrawn, and booked by nobody, while what was expected of it is accepted."""
    due = {
        (it.channel, it.return_reference)
        for it in accepted
        if it.process == AUTHORISATION and not it.withdrawn
    }
    for message in (entry.message for entry in unknown):
        if message.withdrawn and (message.channel, message.return_reference) in due:
            yield Finding("lost", message.reference, _STILL, f"channel {message.channel}")


def _line(row: Mapping[str, str]) -> int:
    """The shop numbers an order's lines from 0 in the last digits of their ids."""
    return int(row["provider_line_item_id"]) % 100 + 1
