"""Stand-ins for what lies behind the ports, as small as they can be.

Acceptor, enquiries, statuses, rules and their compilation are the real ones: only the buffer, the
ledger and the ERPs are replaced. The real buffer is tested against the real server elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.canonical.enquiry import Availability, Price, Product
from gateway.canonical.envelope import Envelope, Marker, partition_of_transaction
from gateway.canonical.exchange import (
    AcceptAnswer,
    Accepted,
    Clash,
    Entry,
    Grant,
    Ownerless,
    Permit,
    Progress,
    Publication,
    Record,
    Replay,
    Timing,
    Traffic,
)
from gateway.canonical.exchange.stores import DayClosed, NumberUsed
from gateway.canonical.lifecycle import State
from gateway.canonical.process import Target
from gateway.errors import CoexistError
from gateway.routing.ruleset import RuleSet

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
PARTITIONS = 16


class StoppedClock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic_s(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Buffer:
    """The intake as dictionaries. ``failure`` is raised by every call while it is set."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, bytes]] = {}
        self.claims: dict[str, tuple[str, bytes]] = {}
        self.owners: dict[str, Target] = {}
        self.entries: dict[str, Entry] = {}
        self.states: dict[str, Progress] = {}
        self.failure: CoexistError | None = None
        self.failing_claims: dict[str, CoexistError] = {}
        self.books_at_once = False

    async def reserve(
        self, key: str, transaction_id: str, digest: bytes
    ) -> Accepted | Replay | Clash:
        self._fail()
        return _claimed(self.keys, key, transaction_id, digest)

    async def accept(self, entry: Entry) -> AcceptAnswer:
        self._fail()
        if entry.claim in self.failing_claims:
            raise self.failing_claims[entry.claim]
        if entry.claim not in self.claims and entry.follow_up:
            owner = self.owners.get(entry.object_key) or entry.owner_found
            if owner is None and not entry.undecided:
                return Ownerless()
        answer = _claimed(self.claims, entry.claim, entry.transaction_id, entry.digest)
        if isinstance(answer, Accepted):
            self.owners.setdefault(
                entry.object_key, entry.target or entry.owner_found or Target.LEGACY
            )
            self.entries[entry.transaction_id] = entry
            envelope = Envelope.model_validate_json(entry.payload)
            state = State.BOOKED if self.books_at_once else State.WAITING
            self.states[entry.transaction_id] = Progress(envelope, state, None, "", "", "", 0)
        return answer

    async def progress(self, transaction_id: str) -> Progress | None:
        self._fail()
        # The real buffer has an array of partitions too: an id of none of them would break it.
        assert partition_of_transaction(transaction_id) < PARTITIONS
        return self.states.get(transaction_id)

    async def progress_of(self, object_key: str) -> Sequence[Progress]:
        self._fail()
        return [p for p in self.states.values() if p.envelope.object_key == object_key]

    async def claimed(self, object_key: str, claim: str) -> str | None:
        del object_key
        return self.claims.get(claim, (None,))[0]

    async def owner(self, object_key: str) -> Target | None:
        return self.owners.get(object_key)

    def settle(
        self, transaction_id: str, state: State, *, result: str = "", cause: str = ""
    ) -> None:
        """Let a transaction come to its end, at :data:`NOW`."""
        self.states[transaction_id] = replace(
            self.states[transaction_id],
            state=state,
            result=result,
            cause=cause,
            settled_ms=int(NOW.timestamp() * 1000),
            document="4500012345",
        )

    def body(self, transaction_id: str) -> dict[str, Any]:
        """Return the body a message was enqueued with."""
        envelope: dict[str, Any] = json.loads(self.entries[transaction_id].payload)
        body: dict[str, Any] = envelope["body"]
        return body

    def facts(self, transaction_id: str) -> dict[str, str]:
        """Return the facts a message was decided by."""
        envelope: dict[str, Any] = json.loads(self.entries[transaction_id].payload)
        facts: dict[str, str] = envelope["facts"]
        return facts

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class EmptyLedger:
    """A ledger nothing was projected into, except what ``records`` says."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.failure: CoexistError | None = None
        self.numbers: list[NumberUsed] = []
        self.closed: list[DayClosed] = []

    async def note_numbers(self, used: Sequence[NumberUsed], closed: Sequence[DayClosed]) -> None:
        self._fail()
        self.numbers += used
        self.closed += closed

    async def transaction(self, transaction_id: str) -> Record | None:
        self._fail()
        return next((r for r in self.records if r.transaction_id == transaction_id), None)

    async def transactions_of(self, object_key: str) -> Sequence[Record]:
        self._fail()
        return [record for record in self.records if record.object_key == object_key]

    async def owner(self, object_key: str) -> Target | None:
        del object_key
        self._fail()
        return None

    async def rules(self, version: str) -> str | None:
        del version
        self._fail()
        return None

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class FixedBook:
    """A rule book under one marker; ``failure`` is raised while it is set."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self.failure: CoexistError | None = None

    async def publication(self) -> Publication:
        if self.failure is not None:
            raise self.failure
        return Publication(Marker(1, self._rules.version), None, "test", "apply")

    async def text(self, version: str) -> str | None:
        return self._rules.text if version == self._rules.version else None


class FreeQuotas:
    """A quota that is never used up."""

    async def acquire(
        self, erp: Target, want: Mapping[Traffic, int], back: Sequence[Permit] = ()
    ) -> Grant:
        wanted = [kind for kind, count in want.items() for _ in range(count)]
        return Grant(tuple(Permit(f"{erp}", kind, 0, 1, lambda: 0) for kind in wanted), 0)

    async def give_back(self, erp: Target, permits: Sequence[Permit]) -> None:
        """Nothing is counted."""


class OneItemErp:
    """An ERP with one item and the orders of ``orders``."""

    def __init__(self, name: Target) -> None:
        self.name = name
        self.timing = Timing(request_ms=1000, absent_final_ms=10_000, poll_ms=500)
        self.orders: set[str] = set()
        self.failure: CoexistError | None = None
        self.asked: list[str] = []

    async def has_order(self, channel: str, order_ref: str, legal_entity: str) -> bool:
        self._ask(f"{channel} {order_ref} {legal_entity}")
        return order_ref in self.orders

    async def availability(self, sku: str, legal_entity: str) -> Availability | None:
        self._ask(sku)
        if sku != "TEE-BLK-M":
            return None
        return Availability(sku=sku, legal_entity=legal_entity, available=12, unit="EA", as_of=NOW)

    async def price(self, sku: str, legal_entity: str) -> Price | None:
        self._ask(sku)
        return Price.model_validate(
            {
                "sku": sku,
                "legal_entity": legal_entity,
                "currency": "EUR",
                "unit_price": "19.95",
                "tax_included": True,
                "as_of": NOW,
            }
        )

    async def product(self, sku: str, legal_entity: str) -> Product | None:
        self._ask(f"{sku} {legal_entity}")
        return Product(
            sku=sku, name="T-shirt black M", ean="4006381333931", tax_category="standard", unit="EA"
        )

    def _ask(self, question: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.asked.append(question)


def _claimed(
    claims: dict[str, tuple[str, bytes]], claim: str, transaction_id: str, digest: bytes
) -> Accepted | Replay | Clash:
    known = claims.setdefault(claim, (transaction_id, digest))
    at_ms = int(NOW.timestamp() * 1000)
    if known[1] != digest:
        return Clash(known[0])
    return Accepted(known[0], at_ms) if known[0] == transaction_id else Replay(known[0], at_ms)
