"""An application over its fakes: settings like the demo's, and clients for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import cast

from litestar.testing import AsyncTestClient

from gateway.api.app import create_app
from gateway.api.edge import Gateway
from gateway.api.services import Check, Services
from gateway.canonical.exchange.drifting import Surprise, Whole
from gateway.canonical.process import PROCESSES, Target
from gateway.channels.loop.intake import LoopIntake
from gateway.channels.shopify.intake import ShopifyIntake
from gateway.errors import CoexistError
from gateway.flow.accept import Acceptor
from gateway.flow.calls import Caller
from gateway.flow.enquire import Enquiries
from gateway.flow.owners import OwnerFinder
from gateway.flow.status import Statuses
from gateway.flow.store_sales import StoreIntake
from gateway.flow.versions import RuleVersions
from gateway.observe.drifts import DriftTally
from gateway.policy.windows import Windows
from gateway.ports import Erp, Ledger, Quotas, RuleBook, StoreBook
from gateway.routing.model import Rule, default_mode
from gateway.routing.ruleset import RuleSet
from gateway.settings.loop import LoopSettings
from gateway.settings.shopify import ShopifySettings
from tests.unit.api.fakes import (
    PARTITIONS,
    Buffer,
    EmptyLedger,
    FixedBook,
    FreeQuotas,
    OneItemErp,
    StoppedClock,
)


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
    shopify: ShopifySettings | None = None
    loop: LoopSettings | None = None


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
        self.drift: list[str] = []
        self.tally = DriftTally()
        self.on_answer: Callable[[tuple[str, str, int]], None] = lambda _seen: None

    def drifted(self, channel: str, payload: str, surprise: Surprise) -> None:
        self.drift.append(f"{channel} {payload} {surprise.found}")
        self.tally.note(channel, payload, surprise)

    def surprised(
        self, channel: str, payload: str, wholes: Sequence[Whole], left_out: int = 0
    ) -> None:
        self.tally.keep(channel, payload, wholes, left_out)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.seen.append((method, route, status))
        self.on_answer(self.seen[-1])


class Till:
    """Notes which orders were said to be paid, of shops whose orders wait for that."""

    def __init__(self) -> None:
        self.shops: set[str] = set()
        self.paid_ones: list[str] = []
        self.failure: CoexistError | None = None

    def concerns(self, channel: str, legal_entity: str) -> bool:
        assert legal_entity
        return channel in self.shops

    async def paid(self, channel: str, transaction_id: str) -> bool:
        assert channel in self.shops
        if self.failure is not None:
            raise self.failure
        self.paid_ones.append(transaction_id)
        return len(self.paid_ones) == 1


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
        self.payments = Till()
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
        caller = Caller(cast("Quotas", FreeQuotas()), clock, Windows())
        owners = OwnerFinder(ledger, erps, caller)
        acceptor = Acceptor(intake, versions, owners, clock, PARTITIONS)
        return Services(
            acceptor=acceptor,
            stores=StoreIntake(
                acceptor, intake, ledger, cast("StoreBook", self.ledger), clock, PARTITIONS
            ),
            shopify=ShopifyIntake(acceptor, intake, ledger, self.payments),
            loop=LoopIntake(acceptor, intake, ledger),
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
