"""Release: what waits under a hold route is decided again when the rules change."""

from __future__ import annotations

from typing import Final

from gateway.canonical.envelope import Envelope, Marker
from gateway.canonical.process import PROCESSES, Kind, Target
from gateway.ports import Lanes, Lease, Parked, RuleBook
from gateway.routing.facts import Facts
from gateway.flow.versions import RuleVersions

PAGE: Final = 100


class Releaser:
    """Passes over a partition's parked objects once after each change of its marker."""

    def __init__(self, lanes: Lanes, book: RuleBook, versions: RuleVersions) -> None:
        self._lanes = lanes
        self._book = book
        self._versions = versions
        self._passed: dict[Lease, Marker] = {}

    async def release(self, lease: Lease) -> int:
        """Send on what the rules in force send on; return how many objects that was.

        Objects parked later are parked under those same rules, so one pass is enough.
        """
        marker = await self._book.partition(lease.partition)
        if self._passed.get(lease) == marker or not marker.version:
            return 0
        released = await self._pass(lease, marker)
        self._passed[lease] = marker
        return released

    async def _pass(self, lease: Lease, marker: Marker) -> int:
        first = released = 0
        while page := await self._lanes.parked(lease, first, PAGE):
            for parked in page:
                if await self._sent_on(parked, marker):
                    released += 1
                else:
                    first += 1
        return released

    async def _sent_on(self, parked: Parked, marker: Marker) -> bool:
        envelope = Envelope.model_validate_json(parked.payload)
        rules = await self._versions.compiled(marker.version)
        decision = rules.decide(Facts(**envelope.facts))
        if decision.target is Target.HOLD:
            return False
        follows = PROCESSES[envelope.process].kind is Kind.FOLLOW_UP
        target = None if follows else decision.target
        return await self._lanes.reroute(parked, marker.epoch, target)
