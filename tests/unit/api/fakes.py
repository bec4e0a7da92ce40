"""Stand-ins for what lies behind the ports, as small as they can be.

Acceptor, enquiries, statuses, rules and their compilation are the real ones: only the buffer, the
ledger and the ERPs are replaced. The real buffer is tested against the real server elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, cast

from litestar.testing import AsyncTestClient

from gateway.api.app import create_app
from gateway.api.edge import Gateway
from gateway.api.services import Check, Services
from gateway.canonical.enquiry import Availability, Price, Product
from gateway.canonical.envelope import Envelope, Marker, partition_of_transaction
from gateway.canonical.lifecycle import State
from gateway.canonical.process import PROCESSES, Target
from gateway.errors import CoexistError
from gateway.flow.accept import Acceptor
from gateway.flow.calls import Caller
from gateway.flow.enquire import Enquiries
from gateway.flow.owners import OwnerFinder
from gateway.flow.status import Statuses
from gateway.flow.versions import RuleVersions
from gateway.ports import (
    AcceptAnswer,
    Accepted,
    Clash,
    Entry,
    Erp,
    Grant,
    Ledger,
    Ownerless,
    Progress,
    Publication,
    Quotas,
    Record,
    Replay,
    RuleBook,
)
from gateway.routing.model import Rule, default_mode
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
            if owner is None:
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

    async def acquire(self, erp: Target, want: int) -> Grant:
        return Grant((f"{erp}",) * want, 0)

    async def used(self, erp: Target, permits: Sequence[str]) -> None:
        """Nothing is counted."""


class OneItemErp:
    """An ERP with one item and the orders of ``orders``."""

    def __init__(self, name: Target) -> None:
        self.name = name
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


@dataclass(frozen=True)
class Entity:
    """A legal entity of the test's settings."""

    currencies: tuple[str, ...]


@dataclass(frozen=True)
class Shop:
    """A store of the test's settings."""

    legal_entity: str


@dataclass(frozen=True)
class Sender:
    """A channel of the test's settings; its key is ``key-of-<name>``."""

    key_sha256: tuple[str, ...]
    scopes: tuple[str, ...]
    legal_entities: tuple[str, ...] = ()


def sender(name: str, scopes: tuple[str, ...], entities: tuple[str, ...] = ()) -> Sender:
    """Return a channel whose key is ``key-of-<name>``."""
    return Sender((sha256(key_of(name).encode()).hexdigest(),), scopes, entities)


def client_of(world: World) -> AsyncTestClient[Gateway]:
    """Return a client of an application over ``world``; use it with ``async with``."""
    return AsyncTestClient(create_app(world.services()))


def sent_by(channel: str, **more: str) -> dict[str, str]:
    """Return the headers of a JSON request by ``channel``; ``more`` has ``_`` for ``-``."""
    others = {name.replace("_", "-"): value for name, value in more.items()}
    return {
        "authorization": f"Bearer {key_of(channel)}",
        "content-type": "application/json",
    } | others


def key_of(channel: str) -> str:
    """Return the API key of a channel."""
    return f"key-of-{channel}"


@dataclass
class Plan:
    """Settings as the API reads them; the demo's, with a yen to have a currency without cents."""

    partitions: int = PARTITIONS
    body_bytes_max: int = 20_000
    wait_s_max: float = 30
    future_s_max: int = 86_400
    legal_entities: Mapping[str, Entity] = field(
        default_factory=lambda: {
            "NL01": Entity(("EUR",)),
            "DE01": Entity(("EUR", "CHF")),
            "JP01": Entity(("JPY",)),
        }
    )
    stores: Mapping[str, Shop] = field(
        default_factory=lambda: {"NL-001": Shop("NL01"), "DE-001": Shop("DE01")}
    )
    channels: Mapping[str, Sender] = field(
        default_factory=lambda: {
            "webshop": sender("webshop", ("orders", "returns", "read")),
            "outlet": sender("outlet", ("orders", "returns", "read"), ("NL01",)),
            "pos": sender("pos", ("store-sales", "read"), ("NL01",)),
            "returns-desk": sender("returns-desk", ("returns", "read")),
            "ops": sender("ops", ("ops",)),
        }
    )


class Counting:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, int]] = []

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.seen.append((method, route, status))


class World:
    """Everything behind one application, open to be set up and looked into."""

    def __init__(self, rules: RuleSet | None = None, plan: Plan | None = None) -> None:
        self.clock = StoppedClock()
        self.plan = plan or Plan()
        self.buffer = Buffer()
        self.ledger = EmptyLedger()
        self.legacy = OneItemErp(Target.LEGACY)
        self.cloud = OneItemErp(Target.CLOUD)
        self.book = FixedBook(rules or all_legacy())
        self.observer = Counting()
        self.health: dict[str, Check] = {
            "store": self._healthy,
            "ledger": self._healthy,
            "rules": self._healthy,
        }

    def services(self) -> Services:
        """Compose what the API is given, as the composition root does."""
        intake, ledger, clock = self.buffer, cast("Ledger", self.ledger), self.clock
        erps = cast("dict[Target, Erp]", {Target.LEGACY: self.legacy, Target.CLOUD: self.cloud})
        versions = RuleVersions(cast("RuleBook", self.book), ledger, clock, lease_ms=1000)
        caller = Caller(cast("Quotas", FreeQuotas()), clock)
        owners = OwnerFinder(ledger, erps, caller)
        return Services(
            acceptor=Acceptor(intake, versions, owners, clock, PARTITIONS),
            enquiries=Enquiries(versions, erps, caller),
            statuses=Statuses(intake, ledger, clock),
            settings=self.plan,
            clock=clock,
            health=self.health,
            metrics=lambda: b"coexist_up 1\n",
            observer=self.observer,
            version="0.0.0",
        )

    async def _healthy(self) -> None:
        """Everything answers, until a test says otherwise."""


def all_legacy(*more: Rule) -> RuleSet:
    """Return the defaults of all processes, everything legacy, and ``more`` rules."""
    defaults = [
        Rule(f"{process.name}-default", process.name, default_mode(process))
        for process in PROCESSES.values()
    ]
    return RuleSet.of([*defaults, *more])


def _claimed(
    claims: dict[str, tuple[str, bytes]], claim: str, transaction_id: str, digest: bytes
) -> Accepted | Replay | Clash:
    known = claims.setdefault(claim, (transaction_id, digest))
    at_ms = int(NOW.timestamp() * 1000)
    if known[1] != digest:
        return Clash(known[0])
    return Accepted(known[0], at_ms) if known[0] == transaction_id else Replay(known[0], at_ms)
