"""The audit: the driver's journal and the conductor's events against the books of both ERPs.

Accepted = booked exactly once, in the ERP that owns it, in order, to the cent; and every hazard the
run claims to survive really happened. A pure function of its evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from loadtests import hazards, promise
from loadtests.amounts import wrong_amounts, wrong_document
from loadtests.books import Document
from loadtests.bychannel import by_channel
from loadtests.errors import LoadTestError
from loadtests.events import Events
from loadtests.expect import Timeline
from loadtests.findings import CHAOS, DEMO, FAILURES, HAZARDS, Finding, Report
from loadtests.gaps import Gaps, wrong_gaps
from loadtests.journal import Journal, MessageEntry
from loadtests.ledger import Ledger, Transaction, match
from loadtests.messages import FOLLOW_UPS, Message
from loadtests.objects import check_object, order_of
from loadtests.tally import percentile

EVERY_HAZARD = DEMO | CHAOS


@dataclass(frozen=True, slots=True)
class Evidence:
    """All an audit judges by. ``held`` are transaction ids the gateway reports as held.

    ``gaps`` are the numbers that stores lost and the gateway misses; None: nobody asked.
    """

    journal: Journal
    events: Events
    documents: tuple[Document, ...]
    counters: hazards.Counters = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    gaps: Gaps | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """What a run claims: ``hazards`` that must have occurred, and how much may be left over.

    ``rejected_allowed`` and ``unknown_allowed``: messages refused for good, and never answered;
    None leaves that to whoever reads the report. ``absent_final_s``: when the gateway believes that
    something is absent; None leaves open whether the run asked for more than that.
    """

    hazards: frozenset[str] = frozenset(HAZARDS)
    held_allowed: int = 0
    rejected_allowed: int | None = None
    unknown_allowed: int | None = None
    absent_final_s: float | None = None

    @classmethod
    def parse(cls, text: str, held_allowed: int = 0) -> Claims:
        """``all`` of a migration, ``demo``, ``chaos``, ``none``, or names with commas.

        ``demo`` is all, and each part of its story by itself (``findings.DEMO``); ``chaos`` is all,
        and what only a chaos run does. Raises LoadTestError for an unknown name.
        """
        sets: dict[str, frozenset[str]] = {
            "all": frozenset(HAZARDS),
            "demo": frozenset(DEMO),
            "chaos": frozenset(HAZARDS | CHAOS),
            "none": frozenset(),
        }
        if text in sets:
            return cls(frozenset(sets[text]), held_allowed)
        names = frozenset(name.strip() for name in text.split(","))
        unknown = sorted(names - set(EVERY_HAZARD))
        if unknown:
            known = ", ".join(EVERY_HAZARD)
            raise LoadTestError(f"--claims {unknown[0]}: no such hazard; there are {known}")
        return cls(names, held_allowed)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reasons`` in plain words why the run failed; none if it passed."""

    reasons: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed."""
        return 1 if self.reasons else 0


def audit(evidence: Evidence) -> Report:
    """Judge the evidence. Raises BadRules if the rules of an event cannot be evaluated."""
    journal = evidence.journal
    timeline = Timeline(evidence.events.applies)
    ledger = match(journal.messages, evidence.documents)
    findings = [*_unfinished(journal), *ledger.findings]
    open_creates = _open_creates(ledger.open)
    for key, transactions in ledger.objects().items():
        order = order_of(transactions)
        findings += check_object(transactions, open_creates.get(key, ()), timeline)
        for transaction in transactions:
            findings += _bookings(transaction, evidence.held)
            for document in transaction.documents:
                findings += _contents(transaction, document, order)
    if evidence.gaps is not None:
        findings += wrong_gaps(evidence.gaps)
    report = Report()
    report.count(findings)
    _figures(report, ledger, evidence)
    _money(report, ledger)
    report.channels = by_channel(ledger, journal.messages)
    _hazards(report, ledger, timeline, evidence)
    _times(report, journal)
    return report


def verdict(report: Report, claims: Claims) -> Verdict:
    """Whether the run passed: nothing wrong, and every claimed hazard occurred."""
    reasons = [f"{count} {FAILURES[kind]}" for kind, count in report.failures().items() if count]
    if report.held > claims.held_allowed:
        reasons.append(f"{report.held} accepted, but still held ({claims.held_allowed} allowed)")
    if claims.rejected_allowed is not None and report.rejected > claims.rejected_allowed:
        reasons.append(f"{report.rejected} refused for good ({claims.rejected_allowed} allowed)")
    if claims.unknown_allowed is not None and report.unknown > claims.unknown_allowed:
        reasons.append(f"{report.unknown} never answered ({claims.unknown_allowed} allowed)")
    if claims.absent_final_s is not None and report.slowest_s > claims.absent_final_s:
        reasons.append(
            f"the run asked for more than is promised: a write may have been found only "
            f"{report.slowest_s:g} s after its attempt, and absence counts from "
            f"{claims.absent_final_s:g} s on; doubles are its own"
        )
    reasons += [
        f"no {EVERY_HAZARD[name]}: the run claims to survive what did not occur"
        for name in EVERY_HAZARD
        if name in claims.hazards and not getattr(report, name)
    ]
    return Verdict(tuple(reasons))


def _bookings(transaction: Transaction, held: frozenset[str]) -> Iterable[Finding]:
    reference = transaction.message.reference
    if not transaction.documents:
        if transaction.id not in held:
            what = f"{transaction.message.process} accepted, but in no ERP's books"
            yield Finding("lost", reference, what, f"transaction {transaction.id}")
        return
    first, *more = transaction.documents
    if more:
        what = f"booked {1 + len(more)} times, first as {first.place}"
        where = ", ".join(document.place for document in more)
        yield Finding("duplicated", reference, what, where)


def _contents(
    transaction: Transaction, document: Document, order: Message | None
) -> Iterable[Finding]:
    message = transaction.message
    for what in wrong_document(message, document):
        yield Finding("wrong_document", message.reference, what, document.place)
    differences = wrong_amounts(message, document, order)
    if differences:
        yield Finding("wrong_amount", message.reference, "; ".join(differences), document.place)


def _unfinished(journal: Journal) -> Iterable[Finding]:
    if journal.run is None or journal.ended is None:
        what = "the journal has no beginning or no end: the driver did not finish"
        yield Finding("driver_unfinished", "journal", what, "driver")


def _open_creates(entries: Iterable[MessageEntry]) -> Mapping[str, list[MessageEntry]]:
    creates: dict[str, list[MessageEntry]] = defaultdict(list)
    for entry in entries:
        if entry.message.process not in FOLLOW_UPS:
            creates[entry.message.object_key].append(entry)
    return creates


def _figures(report: Report, ledger: Ledger, evidence: Evidence) -> None:
    entries = evidence.journal.messages
    transactions = ledger.transactions.values()
    ours = [document for document in evidence.documents if document.transaction_id]
    report.accepted = len(transactions)
    by_driver = (it for it in entries if it.attempts and it.state == "accepted")
    report.accepted_from_callers = len({it.transaction_id for it in by_driver})
    report.booked_once = sum(len(one.documents) == 1 for one in transactions)
    report.booked_legacy = sum(document.erp == "legacy" for document in ours)
    report.booked_cloud = sum(document.erp == "cloud" for document in ours)
    report.duplicates_answered = sum(entry.replayed for entry in entries)
    report.rejected = sum(entry.state == "rejected" for entry in entries)
    report.held = sum(not one.documents and one.id in evidence.held for one in transactions)
    report.unknown = len(ledger.open)
    report.unknown_booked = ledger.open_booked
    report.foreign_documents = ledger.foreign
    report.reads = len(evidence.journal.reads)


def _money(report: Report, ledger: Ledger) -> None:
    """Value of what was accepted, and of all documents booked for it, by currency."""
    accepted: dict[str, Decimal] = defaultdict(Decimal)
    booked: dict[str, Decimal] = defaultdict(Decimal)
    for transaction in ledger.transactions.values():
        if transaction.message.total is None:
            continue
        accepted[transaction.message.currency] += transaction.message.total
        for document in transaction.documents:
            booked[document.currency] += document.total
    report.value_accepted_by_currency = dict(accepted)
    report.value_booked_by_currency = dict(booked)
    report.value_accepted = sum(accepted.values(), Decimal(0))
    report.value_booked = sum(booked.values(), Decimal(0))


def _hazards(report: Report, ledger: Ledger, timeline: Timeline, evidence: Evidence) -> None:
    events, counters, run = evidence.events, evidence.counters, evidence.journal.run
    report.followups_across_flip = hazards.followups_across_flip(ledger, timeline)
    report.late_days_after_flip = hazards.late_days_after_flip(ledger, timeline, run, events.days)
    report.lost_replies_after_booking = hazards.counted(counters, "lost_replies_after_booking")
    report.late_bookings = hazards.counted(counters, "late_bookings")
    report.erp_429 = hazards.counted(counters, "throttled_429")
    report.killed_with_work_in_flight = hazards.killed_with_work_in_flight(events)
    report.flips = hazards.flips(events)
    report.kills = len(events.kills)
    report.compared = max((one.compared for one in events.comparisons), default=0)
    report.waves_scheduled = hazards.waves_scheduled(events)
    report.waves_paused = len(events.pauses)
    for name, count in hazards.of_cloud(events, counters).items():
        setattr(report, name, count)
    report.slowest_s = round(promise.slowest_s(events, counters), 3)
    for name, count in hazards.of_channels(events).items():
        setattr(report, name, count)
    report.numbers_lost = len(evidence.gaps.lost) if evidence.gaps is not None else 0
    for name, count in hazards.chaos(events, evidence.journal.attempts, counters).items():
        setattr(report, name, count)


def _times(report: Report, journal: Journal) -> None:
    """Latency of each accepted request, once, from when it was due; how long the run took.

    What channels sent by themselves is left out: who sends late is theirs to know.
    """
    latency_ms = {
        entry.request: (entry.answered - entry.intended) * 1000
        for entry in journal.messages
        if entry.state == "accepted" and entry.answered is not None and entry.attempts
    }
    report.accept_p50_ms = round(percentile(list(latency_ms.values()), 50), 2)
    report.accept_p99_ms = round(percentile(list(latency_ms.values()), 99), 2)
    if journal.run is not None:
        report.seed = journal.run.seed
        if journal.ended is not None:
            report.duration_s = round(journal.ended.ended - journal.run.started, 3)
