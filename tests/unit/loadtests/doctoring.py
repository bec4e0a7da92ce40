"""What the tests of the audit share: which counters fail, and where to find a victim."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from loadtests.books import Document
from loadtests.findings import Report
from loadtests.journal import MessageEntry
from tests.unit.loadtests.history import FLIPS, History, make_history


@cache
def _good_run() -> History:
    # A seed under which every kind of victim exists; the properties take any seed.
    return make_history(7)


def good_run() -> History:
    """A copy of one good run, to be doctored."""
    return _good_run().copy()


def failing(report: Report) -> Mapping[str, int]:
    return {kind: count for kind, count in report.failures().items() if count}


def find(
    history: History, wanted: Callable[[MessageEntry, Document], bool]
) -> tuple[MessageEntry, Document]:
    """The first booked message that is as wanted, and its document."""
    documents = {document.transaction_id: document for document in history.documents}
    return next(
        (entry, documents[entry.transaction_id])
        for entry in history.journal.messages
        if entry.state == "accepted"
        and not entry.message.repeat
        and wanted(entry, documents[entry.transaction_id])
    )


def before_any_flip(entry: MessageEntry) -> bool:
    return entry.answered is not None and entry.answered < FLIPS[0][0]
