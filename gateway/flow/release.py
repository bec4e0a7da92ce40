"""Release: what waits under a hold route is decided again when the rules change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.canonical.envelope import Envelope, Marker
from gateway.canonical.exchange import Lease, Parked
from gateway.canonical.process import PROCESSES, Kind, Target
from gateway.flow.versions import RuleVersions
from gateway.ports import Lanes, RuleBook
from gateway.routing.facts import Facts

PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class _Pass:
    """What was passed over: everything parked before ``since_ms``, under ``marker``."""

    marker: Marker
    since_ms: int


class Releaser:
    """Passes over a partition's parked objects.

    All of them after a change of its marker, and then those parked since: a message taken under
    hold may become the head much later.
    """

    def __init__(self, lanes: Lanes, book: RuleBook, versions: RuleVersions) -> None:
        self._lanes = lanes
        self._book = book
        self._versions = versions
        self._passed: dict[Lease, _Pass] = {}

    async def release(self, lease: Lease) -> int:
        """Send on what the rules in force send on; return how many objects that was."""
        marker = await self._book.partition(lease.partition)
        if not marker.version:
            return 0
        last = self._passed.get(lease)
        since_ms = last.since_ms if last is not None and last.marker == marker else 0
        released, upto_ms = await self._pass(lease, marker, since_ms)
        self._passed[lease] = _Pass(marker, upto_ms)
        return released

    async def _pass(self, lease: Lease, marker: Marker, since_ms: int) -> tuple[int, int]:
        first = released = 0
        upto_ms = since_ms
        while page := await self._lanes.parked(lease, since_ms, first, PAGE):
            for parked in page:
                upto_ms = parked.since_ms
                if await self._sent_on(parked, marker):
                    released += 1
                else:
                    first += 1
        return released, upto_ms

    async def _sent_on(self, parked: Parked, marker: Marker) -> bool:
        envelope = Envelope.model_validate_json(parked.payload)
        rules = await self._versions.compiled(marker.version)
        decision = rules.decide(Facts(**envelope.facts))
        if decision.target is Target.HOLD:
            return False
        follows = PROCESSES[envelope.process].kind is Kind.FOLLOW_UP
        target = None if follows else decision.target
        return await self._lanes.reroute(parked, marker.epoch, target)
