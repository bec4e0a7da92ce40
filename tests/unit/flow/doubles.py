"""An ERP whose answers a test scripts, a clock it owns, and an observer that takes notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gateway.canonical.enquiry import Availability, Price, Product
from gateway.canonical.envelope import Envelope, Shaped
from gateway.canonical.exchange import Grant, Permit, QuotaUse, Timing, Traffic
from gateway.canonical.outcome import Busy, Cause, Delayed, Outcome, Probed, Refused, Unknown
from gateway.canonical.process import Target
from gateway.canonical.validation import Validated
from gateway.ports import Batches
from gateway.store.redis.quotas import RedisQuotas


class ScriptedErp:
    """Answers from lists, and remembers what it was asked."""

    batches: Batches | None = None

    def __init__(self, name: Target = Target.LEGACY, absent_final_ms: int = 10_000) -> None:
        self.name = name
        self.timing = Timing(request_ms=1000, absent_final_ms=absent_final_ms, poll_ms=500)
        self.sends: list[Outcome] = []
        self.probes: list[Probed] = []
        self.posted: dict[str, Outcome] = {}
        self.orders: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.found: list[Sequence[str] | Busy | Unknown] = []
        self.fails: BaseException | None = None
        self.shaped_by = ""
        self.refuses: set[str] = set()
        self.delays: list[Delayed] = []

    async def prepare(self, envelope: Envelope) -> Shaped | Refused | Delayed:
        if self.delays:
            return self.delays.pop(0)
        if envelope.transaction_id in self.refuses:
            return Refused(Cause.CROSSWALK_GAP, "no code")
        return Shaped.of(envelope, self.shaped_by)

    async def send(self, envelope: Envelope) -> Outcome:
        self.asked.append(("send", envelope.transaction_id))
        if self.fails is not None:
            raise self.fails
        return self.sends.pop(0)

    async def probe(self, envelope: Envelope) -> Probed:
        self.asked.append(("probe", envelope.transaction_id))
        return self.probes.pop(0)

    async def documents(self, envelope: Envelope) -> Sequence[str] | Busy | Unknown:
        self.asked.append(("documents", envelope.transaction_id))
        return self.found.pop(0)

    async def validate(self, envelope: Envelope) -> Validated:
        raise AssertionError("not asked in these tests")

    async def confirm(self, documents: Sequence[str]) -> Mapping[str, Outcome]:
        self.asked.append(("confirm", ",".join(documents)))
        return {it: self.posted[it] for it in documents if it in self.posted}

    async def has_order(self, channel: str, order_ref: str, legal_entity: str) -> bool:
        self.asked.append(("has_order", order_ref))
        if self.fails is not None:
            raise self.fails
        return order_ref in self.orders

    async def availability(self, sku: str, legal_entity: str) -> Availability | None:
        raise AssertionError("not asked in these tests")

    async def price(self, sku: str, legal_entity: str) -> Price | None:
        raise AssertionError("not asked in these tests")

    async def product(self, sku: str, legal_entity: str) -> Product | None:
        raise AssertionError("not asked in these tests")

    async def close(self) -> None:
        return None


class OpenQuotas(RedisQuotas):
    """The quota of an installation that is new, so that nothing was called before."""

    async def acquire(
        self,
        erp: Target,
        want: Mapping[Traffic, int],
        back: Sequence[Permit] = (),
        units: int = 1,
    ) -> Grant:
        await self.open(erp, anew=False)
        return await super().acquire(erp, want, back, units)

    async def usage(self, erp: Target) -> QuotaUse:
        await self.open(erp, anew=False)
        return await super().usage(erp)

    async def one(self, erp: Target) -> Permit:
        (permit,) = (await self.acquire(erp, {Traffic.HIGH: 1})).permits
        return permit


class StillClock:
    """Time passes only by ``sleep``."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(1_795_000_000 + self.passed_s, UTC)

    def monotonic_s(self) -> float:
        return self.passed_s

    async def sleep(self, seconds: float) -> None:
        self.passed_s += seconds


class Notes:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.attempts: list[str] = []
        self.troubles: list[str] = []
        self.faults: list[str] = []
        self.doubles: list[tuple[str, ...]] = []

    def attempt(self, *, call: str, outcome: str, **_: object) -> None:
        self.attempts.append(f"{call}:{outcome}")

    def booked_twice(self, erp: str, transaction_id: str, documents: Sequence[str]) -> None:
        self.doubles.append((erp, transaction_id, *documents))

    def misconfigured(self, erp: str, detail: str) -> None:
        self.faults.append(f"{erp}: {detail}")

    def trouble(self, where: str, error: BaseException) -> None:
        self.troubles.append(f"{where}: {error!r}")
