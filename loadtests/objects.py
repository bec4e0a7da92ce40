"""Per business object: whether all of it is in the ERP that owns it, in the order of acceptance.

An object is pinned by what creates it: an order by the order, a store day by the receipt accepted
first. Everything after goes where that went, through any flip.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from loadtests.books import ERPS, Document, Erp
from loadtests.expect import Timeline
from loadtests.findings import Finding, Kind
from loadtests.journal import MessageEntry
from loadtests.ledger import Transaction
from loadtests.messages import FOLLOW_UPS, ORDER, Message

#: Seeded orders carry their ERP in their reference.
_OLD: dict[str, Erp] = {"OLD-L-": "legacy", "OLD-C-": "cloud"}


def check_object(
    transactions: Sequence[Transaction], unanswered: Sequence[MessageEntry], timeline: Timeline
) -> list[Finding]:
    """All that is wrong with one object: misrouted messages, and those out of order.

    ``transactions`` in the order they were sent; ``unanswered`` creates of the object may have
    pinned it, too.
    """
    return _misrouted(transactions, unanswered, timeline) + _out_of_order(transactions)


def old_owner(message: Message) -> Erp | None:
    """The ERP of an order that is older than the gateway, None for all others."""
    for prefix, erp in _OLD.items():
        if message.object_reference.startswith(prefix):
            return erp
    return None


def order_of(transactions: Iterable[Transaction]) -> Message | None:
    """The order among an order's transactions; None for a store day or an old order."""
    return next((one.message for one in transactions if one.message.process == ORDER), None)


def _misrouted(
    transactions: Sequence[Transaction], unanswered: Sequence[MessageEntry], timeline: Timeline
) -> list[Finding]:
    pinners = _pinners(transactions)
    allowed = _allowed(transactions, pinners, unanswered, timeline)
    owner = _owner(transactions, allowed)
    strayed: set[Erp] = set()
    findings = []
    for transaction in transactions:
        booked = transaction.first_booking
        if booked is None or booked.erp == owner:
            continue
        if transaction in pinners:
            strayed.add(booked.erp)
            kind: Kind = (
                "stale_route_after_apply" if _stale(transaction, timeline) else "wrong_owner"
            )
            findings.append(_misroute(kind, transaction, booked, owner))
        elif booked.erp not in strayed:
            # What follows a misrouted create into its ERP did as it should.
            findings.append(_misroute("wrong_owner", transaction, booked, owner))
    return findings


def _pinners(transactions: Sequence[Transaction]) -> list[Transaction]:
    """The creates of which none was answered before another was sent: any may be the first."""
    creates = [one for one in transactions if one.message.process not in FOLLOW_UPS]
    earliest = min((one.answered for one in creates), default=inf)
    return [one for one in creates if one.sent <= earliest]


def _allowed(
    transactions: Sequence[Transaction],
    pinners: Sequence[Transaction],
    unanswered: Sequence[MessageEntry],
    timeline: Timeline,
) -> frozenset[Erp]:
    old = old_owner(transactions[0].message)
    if old is not None:
        return frozenset({old})
    earliest = min((one.answered for one in pinners), default=inf)
    times = [(one.message, one.sent, one.answered) for one in pinners]
    times += [(one.message, one.sent, inf) for one in unanswered if one.sent <= earliest]
    allowed: set[Erp] = set()
    for message, since, until in times:
        allowed |= timeline.targets(message.process, message.facts, since, until)
    return frozenset(allowed) if times else frozenset(ERPS)


def _owner(transactions: Sequence[Transaction], allowed: frozenset[Erp]) -> Erp | None:
    """Of the ERPs the object may be in, the one most of it is in; None if it may be in neither."""
    booked = [one.documents[0].erp for one in transactions if one.documents]
    return max(sorted(allowed), key=booked.count, default=None)


def _stale(transaction: Transaction, timeline: Timeline) -> bool:
    message, booked = transaction.message, transaction.first_booking
    return booked is not None and timeline.outdated(
        booked.erp, message.process, message.facts, transaction.sent, transaction.answered
    )


def _misroute(kind: Kind, transaction: Transaction, booked: Document, owner: Erp | None) -> Finding:
    message = transaction.message
    belongs = f"belongs to {owner}" if owner else "was to be held"
    what = f"{message.process} of {message.object_key} {belongs}, not to {booked.erp}"
    return Finding(kind, message.reference, what, booked.place)


def _out_of_order(transactions: Sequence[Transaction]) -> list[Finding]:
    """Messages booked before another of the object that was answered before they were sent."""
    findings = []
    for erp in ERPS:
        booked = [
            (one, document)
            for one in transactions
            if (document := one.first_booking) and document.erp == erp
        ]
        for earlier, (one, document) in _latest_before(booked):
            if earlier is not None and earlier.sequence > document.sequence:
                what = f"accepted after, but booked before {earlier.place}"
                findings.append(
                    Finding("out_of_order", one.message.reference, what, document.place)
                )
    return findings


def _latest_before(
    booked: list[tuple[Transaction, Document]],
) -> Iterable[tuple[Document | None, tuple[Transaction, Document]]]:
    """Each booking with the one booked last among those answered before it was sent."""
    answered = sorted(booked, key=lambda pair: pair[0].answered)
    latest: Document | None = None
    place = 0
    for pair in booked:  # in the order they were sent
        while place < len(answered) and answered[place][0].answered < pair[0].sent:
            document = answered[place][1]
            if latest is None or document.sequence > latest.sequence:
                latest = document
            place += 1
        yield latest, pair
