"""Made-up history of a run that went well: journal, events and books that belong together.

The traffic is the driver's own; gateway and ERPs are played here, with the routing written out by
hand, so that the audit's reading of the rules is judged by another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from random import Random
from typing import Any

from loadtests.actors import World, build_actors
from loadtests.answers import Outcome
from loadtests.audit import Evidence
from loadtests.books import KINDS, BookedLine, Document, Erp
from loadtests.events import Apply, Events, Kill
from loadtests.gaps import Gaps
from loadtests.journal import End, Journal, MessageEntry, Run, State
from loadtests.messages import CANCELLATION, ORDER, SALE, Message, Request
from loadtests.scenario import Scenario
from loadtests.sender import Conclusion
from loadtests.templates import load_fixtures

TODAY = date(2026, 11, 21)
LENGTH_S = 400.0
FIXTURES = load_fixtures()

#: Start and return of each apply; the flips of the made-up run.
FLIPS = ((100.0, 102.0), (200.0, 203.0), (300.0, 301.5))
MOVED_STORES = ("NL-001", "NL-002", "NL-003", "DE-001")

DEFAULTS: list[dict[str, Any]] = [
    {"id": "orders", "process": "order.intake", "mode": "legacy"},
    {"id": "sales", "process": "store.sale", "when": {}, "mode": "legacy"},
]
WAVE_1: list[dict[str, Any]] = [
    *DEFAULTS,
    {
        "id": "stores",
        "process": "store.sale",
        "when": {"store": list(MOVED_STORES), "business_date": {"from": TODAY}},
        "mode": "cloud",
    },
    {
        "id": "web",
        "process": "order.intake",
        "when": {"channel": "webshop"},
        "mode": "split",
        "cloud_percent": 37.5,
        "sticky_by": "customer_ref",
    },
]
WAVE_2: list[dict[str, Any]] = [
    *WAVE_1,
    {
        "id": "nl",
        "process": "order.intake",
        "when": {"channel": ["webshop", "marketplace"], "legal_entity": "NL01"},
        "mode": "cloud",
    },
]

SCENARIO = Scenario.model_validate(
    {
        "scenario": "made-up",
        "shape": {"kind": "constant"},
        "business_days": 2,
        "old_orders": 3,
        "users": {
            "webshop": {
                "weight": 45,
                "mix": {
                    "order": 50, "repeat": 12, "cancellation": 15, "return": 15,
                    "old_return": 4, "old_cancellation": 4,
                },
            },
            "marketplace": {
                "weight": 20, "mix": {"order": 70, "repeat": 10, "cancellation": 20}
            },
            "pos": {
                "weight": 25, "duplicate_percent": 25, "disorder_percent": 30, "late_percent": 30
            },
            "returns-desk": {"weight": 10, "mix": {"return": 90, "repeat": 10}},
        },
    }
)  # fmt: skip


@dataclass
class _Taken:
    """A message the gateway took, at ``at``, answered or not."""

    message: Message
    transaction_id: str
    at: float


@dataclass
class History:
    """A made-up run; ``documents`` may be doctored before ``evidence`` is asked for."""

    journal: Journal = field(default_factory=Journal)
    events: Events = field(default_factory=Events)
    documents: list[Document] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    gaps: Gaps | None = None
    counters: dict[Erp, dict[str, int]] = field(
        default_factory=lambda: {
            "legacy": {"lost_replies_after_booking": 1, "late_bookings": 0, "throttled_429": 0},
            "cloud": {"lost_replies_after_booking": 2, "late_bookings": 3, "throttled_429": 4},
        }
    )

    def evidence(self) -> Evidence:
        """What an audit is given."""
        return Evidence(
            journal=self.journal,
            events=self.events,
            documents=tuple(self.documents),
            counters=self.counters,
            held=frozenset(self.held),
            gaps=self.gaps,
        )

    def copy(self) -> History:
        """A run to doctor without touching this one: entries and documents never change."""
        journal = Journal(self.journal.run, [], [*self.journal.messages], [], self.journal.ended)
        events = Events([*self.events.applies], [*self.events.kills], [])
        counters = {erp: dict(of_erp) for erp, of_erp in self.counters.items()}
        return History(journal, events, [*self.documents], set(self.held), self.gaps, counters)

    def replace(self, old: Document, new: Document) -> None:
        """Doctor one document."""
        self.documents[self.documents.index(old)] = new


class _Played:
    """Gateway and both ERPs, as one would wish them to be."""

    def __init__(self, seed: int, *, flips: bool) -> None:
        self.chance = Random(seed)
        self.history = History()
        self.taken: list[_Taken] = []
        self.claims: dict[tuple[str, str, str], str] = {}
        self.t = 1.0
        self.flipped_at = [self.chance.uniform(*flip) for flip in FLIPS] if flips else []

    def send(self, request: Request) -> Conclusion:
        """Take every message of a request, or lose its answer; time goes on."""
        sent = self.t
        answered = sent + self.chance.uniform(0.01, 3.0)
        lost = self.chance.random() < 0.01
        results = tuple(
            self._take(message, request.id, sent, answered, lost=lost)
            for message in request.messages
        )
        # Only registers send before their last batch is answered.
        busy_until = sent if request.process == SALE else answered
        self.t = busy_until + self.chance.uniform(0.001, 1.0)
        state: State = "unknown" if lost else "accepted"
        return Conclusion(request, state, results, None if lost else 1.0, 1)

    def _take(
        self, message: Message, request_id: str, sent: float, answered: float, *, lost: bool
    ) -> Outcome:
        identity = (message.process, message.channel, message.reference)
        replayed = identity in self.claims
        never_arrived = lost and self.chance.random() < 0.5
        if not replayed and not never_arrived:
            self.claims[identity] = f"0a-{len(self.claims):026}"
            at = self.chance.uniform(sent, answered)
            self.taken.append(_Taken(message, self.claims[identity], at))
        transaction_id = "" if lost else self.claims[identity]
        self.history.journal.add(
            MessageEntry(
                message=message,
                request=request_id,
                intended=sent - 0.002,
                sent=sent,
                answered=None if lost else answered,
                answered_wall=None if lost else "2026-11-21T10:00:00+00:00",
                attempts=1,
                gateway="http://127.0.0.1:1",
                status=0 if lost else 202,
                state="unknown" if lost else "accepted",
                transaction_id=transaction_id,
                replayed=replayed and not lost,
            )
        )
        return Outcome("unknown" if lost else "accepted", transaction_id, replayed)

    def epoch_at(self, at: float) -> int:
        """How many flips had happened."""
        return sum(at >= flip for flip in self.flipped_at)

    def book(self) -> None:
        """Pin objects in the order of acceptance; book each object's messages in that order."""
        owners: dict[str, Erp] = {}
        booked_at: dict[str, float] = {}
        orders: dict[str, Message] = {}
        queue: list[tuple[float, int, _Taken, Erp]] = []
        for number, taken in enumerate(sorted(self.taken, key=lambda one: one.at)):
            message = taken.message
            key = message.object_key
            if message.process == ORDER:
                orders[key] = message
            if key not in owners:
                owners[key] = self._owner(message, taken.at)
            owner = owners[key]
            delay = self.chance.uniform(0.1, 20.0)
            booked_at[key] = max(booked_at.get(key, 0.0), taken.at + delay)
            queue.append((booked_at[key], number, taken, owner))
        counts: dict[Erp, int] = {"legacy": 0, "cloud": 0}
        for _, _, taken, owner in sorted(queue, key=lambda one: one[:2]):
            counts[owner] += 1
            order = orders.get(taken.message.object_key)
            self.history.documents.append(self._document(taken, owner, counts[owner], order))

    def _owner(self, message: Message, at: float) -> Erp:
        if message.object_reference.startswith("OLD-"):
            return "legacy" if message.object_reference.startswith("OLD-L") else "cloud"
        return route(self.epoch_at(at), message)

    def _document(
        self, taken: _Taken, owner: Erp, sequence: int, order: Message | None
    ) -> Document:
        message = taken.message
        lines, outcome = message.lines, None
        if message.process == CANCELLATION:
            outcome = self.chance.choice(["cancelled", "partly", "too_late"])
            lines = () if outcome == "too_late" else lines or (order.lines if order else ())
        return Document(
            erp=owner,
            sequence=sequence,
            number=f"{owner[0].upper()}{sequence:06}",
            kind=KINDS[message.process],
            external_reference=f"CX-{taken.transaction_id}",
            object_reference=message.object_reference,
            legal_entity=message.legal_entity,
            currency=message.currency,
            lines=tuple(
                BookedLine(
                    one.line, one.sku, Decimal(one.quantity), one.amount or Decimal(0), one.tax
                )
                for one in lines
            ),
            total=message.total or Decimal(0),
            shipping=message.shipping,
            outcome=outcome,
        )


def route(epoch: int, message: Message) -> Erp:
    """The routing of the made-up run, written out: 0 flips, wave 1, wave 2, and back to wave 1."""
    facts = message.facts
    if message.process == SALE:
        moved = facts["store"] in MOVED_STORES and facts["business_date"] >= TODAY.isoformat()
        return "cloud" if epoch >= 1 and moved else "legacy"
    if epoch == 2 and facts["legal_entity"] == "NL01":
        return "cloud"
    if epoch >= 1 and facts["channel"] == "webshop":
        digest = sha256(b"customer_ref=" + facts["customer_ref"].encode()).hexdigest()
        return "cloud" if int(digest[:16], 16) % 10_000 < 3750 else "legacy"
    return "legacy"


def make_history(seed: int, requests: int = 400, *, flips: bool = True) -> History:
    """A run of so many requests over ``LENGTH_S`` seconds, with or without flips and a kill."""
    played = _Played(seed, flips=flips)
    world = World(SCENARIO, FIXTURES, seed, TODAY, lambda: datetime(2026, 11, 21, 12, tzinfo=UTC))
    actors = build_actors(world)
    kinds = list(actors)
    weights = [SCENARIO.users.taking_part()[kind].weight for kind in kinds]
    for number in range(requests):
        played.t = max(played.t, LENGTH_S * number / requests)
        kind = played.chance.choices(kinds, weights)[0]
        actors[kind].act(min(played.t / LENGTH_S, 1.0), played.send)
    played.book()
    history = played.history
    history.journal.add(
        Run(
            seed, 1.0, LENGTH_S, "made-up", ["http://127.0.0.1:1"], TODAY.isoformat(), 0.0, "", 1, 2
        )
    )
    history.journal.add(End(LENGTH_S + 10, ""))
    if flips:
        history.events = Events.of([*_applies(), Kill(what="worker", at=250.0, in_flight=2)])
    else:
        history.events = Events.of(_applies()[:1])
        history.counters = {}
    return history


def tampered(document: Document, **changes: Any) -> Document:
    """A copy with changes."""
    return replace(document, **changes)


def _applies() -> list[Apply]:
    sets = [DEFAULTS, WAVE_1, WAVE_2, WAVE_1]
    times = [(0.0, 0.0), *FLIPS]
    return [
        Apply(
            at_start=start,
            at_return=end,
            epoch=epoch,
            rules=tuple(rules),
            kind="initial" if epoch == 0 else "rollback" if epoch == 3 else "apply",
        )
        for epoch, (rules, (start, end)) in enumerate(zip(sets, times, strict=True))
    ]
