"""Journal and books side by side: each accepted transaction with the documents booked for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

from loadtests.books import KINDS, Document
from loadtests.findings import Finding
from loadtests.goods import still_expected
from loadtests.journal import MessageEntry
from loadtests.messages import Message

#: What makes a message the same message, however often it is sent.
Identity = tuple[str, str, str]


@dataclass(slots=True)
class Transaction:
    """One accepted message: ``sent`` first, known to be accepted at ``answered``; monotonic s."""

    id: str
    message: Message
    sent: float
    answered: float
    documents: list[Document] = field(default_factory=list)

    @property
    def first_booking(self) -> Document | None:
        """The document booked first, None if none was."""
        return self.documents[0] if self.documents else None


@dataclass(slots=True)
class Ledger:
    """All accepted transactions by id, what never got an answer, and what remains of the books.

    ``open`` are messages nobody ever answered, one entry for each message that may be booked.
    ``strays`` are documents with a reference of ours that no answer ever named.
    """

    transactions: dict[str, Transaction]
    open: list[MessageEntry]
    strays: dict[str, list[Document]]
    findings: list[Finding]
    foreign: int = 0
    open_booked: int = 0

    def objects(self) -> dict[str, list[Transaction]]:
        """Transactions by business object, in the order they were sent."""
        objects: dict[str, list[Transaction]] = defaultdict(list)
        for transaction in sorted(self.transactions.values(), key=lambda one: one.sent):
            objects[transaction.message.object_key].append(transaction)
        return objects


def identity(message: Message) -> Identity:
    """The same for a message and its repeats."""
    return message.process, message.channel, message.reference


def match(entries: list[MessageEntry], documents: Iterable[Document]) -> Ledger:
    """Put journal and books together; finds what was accepted or booked twice, or not at all."""
    transactions = _transactions(entries)
    known = {identity(one.message) for one in transactions.values()}
    opened = {
        identity(entry.message): entry
        for entry in entries
        if entry.state == "unknown" and identity(entry.message) not in known
    }
    ledger = Ledger(transactions, list(opened.values()), defaultdict(list), [])
    ordered = sorted(documents, key=lambda one: (one.sequence, one.erp))
    _adopt(ledger, ordered)
    for document in ordered:
        if not document.transaction_id:
            ledger.foreign += 1
        elif transaction := transactions.get(document.transaction_id):
            transaction.documents.append(document)
        else:
            ledger.strays[document.transaction_id].append(document)
    ledger.findings += _accepted_twice(transactions)
    ledger.findings += _not_as_repeats(entries, transactions)
    ledger.findings += still_expected(ledger.open, [one.message for one in transactions.values()])
    ledger.open = [entry for entry in ledger.open if not entry.message.optional]
    ledger.findings += _strays(ledger)
    return ledger


def _adopt(ledger: Ledger, documents: Iterable[Document]) -> None:
    """Take a document nobody was told of for what a channel sold and never heard of again.

    A channel whose delivery was lost, and found by a poll, is told nothing. What it sold is the
    first document of its kind and object that is worth as much, or else the first there is; all
    that is demanded of a document is demanded of that.
    """
    waiting = [entry for entry in ledger.open if not entry.attempts]
    for exact in (True, False):
        for document in documents:
            if not document.transaction_id or document.transaction_id in ledger.transactions:
                continue
            for entry in waiting:
                if _is_of(document, entry.message, exact=exact):
                    ledger.transactions[document.transaction_id] = Transaction(
                        document.transaction_id, entry.message, entry.sent, inf
                    )
                    waiting.remove(entry)
                    ledger.open.remove(entry)
                    break


def _is_of(document: Document, message: Message, *, exact: bool) -> bool:
    return (
        document.kind == KINDS[message.process]
        and document.object_reference == message.object_reference
        and (document.return_reference, document.withdrawn)
        == (
            message.return_reference,
            message.withdrawn,
        )
        and not (exact and document.total != (message.total or 0))
    )


def _transactions(entries: list[MessageEntry]) -> dict[str, Transaction]:
    transactions: dict[str, Transaction] = {}
    for entry in entries:
        if entry.state != "accepted" or entry.answered is None:
            continue
        known = transactions.get(entry.transaction_id)
        if known is None:
            transactions[entry.transaction_id] = Transaction(
                entry.transaction_id, entry.message, entry.sent, entry.answered
            )
        else:
            known.sent = min(known.sent, entry.sent)
            known.answered = min(known.answered, entry.answered)
    return transactions


def _accepted_twice(transactions: dict[str, Transaction]) -> list[Finding]:
    first: dict[Identity, Transaction] = {}
    findings = []
    for one in transactions.values():
        other = first.setdefault(identity(one.message), one)
        if other is not one:
            what = f"accepted a second time, as transaction {one.id}"
            where = f"first accepted as {other.id}"
            findings.append(Finding("duplicated", one.message.reference, what, where))
    return findings


def _not_as_repeats(
    entries: list[MessageEntry], transactions: dict[str, Transaction]
) -> list[Finding]:
    findings = []
    for entry in entries:
        if entry.state != "accepted" or entry.replayed:
            continue
        if transactions[entry.transaction_id].answered < entry.sent:
            what = "sent again after it was acknowledged, and answered as if it were new"
            where = f"request {entry.request}, transaction {entry.transaction_id}"
            findings.append(Finding("answered_differently", entry.message.reference, what, where))
    return findings


_NEVER_TAKEN = "sold in a channel, and neither taken by the gateway nor in any ERP's books"


def _strays(ledger: Ledger) -> list[Finding]:
    """Documents nobody was told of: fine once for a request that never got an answer."""
    waiting: dict[tuple[str, str], list[MessageEntry]] = defaultdict(list)
    for entry in ledger.open:
        place = (KINDS[entry.message.process], entry.message.object_reference)
        waiting[place].append(entry)
    findings = []
    for transaction_id, documents in ledger.strays.items():
        first, *more = documents
        candidates = waiting[first.kind, first.object_reference]
        if candidates:
            candidates.pop(0)
            ledger.open_booked += 1
            for document in more:
                what = "never answered, but booked more than once"
                findings.append(
                    Finding("duplicated", document.object_reference, what, document.place)
                )
        else:
            what = f"booked under {transaction_id}, which no channel was ever told of"
            findings += [
                Finding("booked_without_accept", document.object_reference, what, document.place)
                for document in documents
            ]
    # A channel's books are a promise to a buyer, whatever the gateway says of it.
    findings += [
        Finding("lost", entry.message.reference, _NEVER_TAKEN, f"channel {entry.message.channel}")
        for left in waiting.values()
        for entry in left
        if not entry.attempts
    ]
    return findings
