"""The compiled rule versions one process keeps, and the marker each partition is known to be under.

During a flip partitions differ for a moment, so a gateway keeps several compiled versions and uses
the one the partition names. Reads have no partition: they decide under a *rule lease* that ends
``lease_ms`` after the last successful look at what is in force, so that once a flip has waited
that long no process can still read by the old rules.
"""

from __future__ import annotations

import asyncio
from time import sleep

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Publication
from gateway.clock import Clock
from gateway.errors import RulesUnavailable
from gateway.ports import Ledger, RuleBook
from gateway.routing.compile import Compiled, compile_rules
from gateway.routing.loader import parse

#: Compiled versions kept; a flip needs two, a rollback soon after three.
VERSIONS_MAX = 8

#: Looks at what is in force for one read. A look that takes longer than the lease has started
#: before the lease's end, so what it saw may be out of force already.
LOOKS_MAX = 3


def compile_aside(text: str, version: str) -> Compiled:
    """Compile a rule text in a thread, giving way to the others time and again."""
    return compile_rules(parse(text, version), pause=lambda: sleep(0))


class RuleVersions:
    """Rule versions by name, compiled once, and the newest marker seen."""

    def __init__(self, book: RuleBook, ledger: Ledger, clock: Clock, lease_ms: int) -> None:
        self._book = book
        self._ledger = ledger
        self._clock = clock
        self._lease_s = lease_ms / 1000
        #: Longer than it may read by what it saw.
        self._noted_ms = lease_ms * 3
        self._compiled: dict[str, Compiled] = {}
        self._partitions: dict[int, Marker] = {}
        self._current: Marker | None = None
        self._seen_s = float("-inf")
        self._gateway = ""
        self._looking: asyncio.Future[Marker] | None = None
        self._compiling: dict[str, asyncio.Future[Compiled]] = {}

    def read_as(self, gateway: str) -> None:
        """Say who reads by these rules: from now on each look notes it for whoever flips them."""
        self._gateway = gateway

    async def report(self) -> None:
        """Say what this gateway reads by now: a flip need not wait for its rule lease to end."""
        epoch = 0 if self._current is None else self._current.epoch
        await self._book.report(self._gateway, epoch, self._noted_ms)

    async def refresh(self) -> Marker:
        """Look up what is in force, get it compiled, and start a new rule lease from before that.

        While a flip is open its *new* version counts: partitions are being raised to it.
        """
        started_s = self._clock.monotonic_s()
        publication = await self._look()
        marker = publication.pending or publication.marker
        await self.compiled(marker.version)
        if self._current is None or marker.epoch >= self._current.epoch:
            # Two looks may overlap: what the later one saw must not be undone by the earlier.
            self._current, self._seen_s = marker, max(started_s, self._seen_s)
        return self._current

    async def _look(self) -> Publication:
        """Look at what is in force; who reads by it is noted before any later flip looks.

        It is noted under the epoch it still reads by: the new one is not compiled yet.
        """
        if not self._gateway:
            return await self._book.publication()
        epoch = 0 if self._current is None else self._current.epoch
        return await self._book.look(self._gateway, epoch, self._noted_ms)

    async def current(self) -> tuple[Marker, Compiled]:
        """Return what reads decide under, looking again if the lease is over.

        Requests that find it over share one look: a flood of looks would be the slower, the more
        requests wait for it.
        """
        for _ in range(LOOKS_MAX):
            marker = self._current
            if marker is not None and self._clock.monotonic_s() - self._seen_s < self._lease_s:
                return marker, await self.compiled(marker.version)
            if self._looking is None or self._looking.done():
                self._looking = asyncio.ensure_future(self.refresh())
            await asyncio.shield(self._looking)
        raise RulesUnavailable("the rules in force cannot be read within their lease; repeat")

    def known(self, partition: int) -> tuple[Marker, Compiled] | None:
        """Return the marker and rules a partition was last known to be under, if any are at hand.

        However long ago: what is written is checked against the partition's own marker.
        """
        marker = self._partitions.get(partition) or self._current
        rules = self._compiled.get(marker.version) if marker is not None else None
        return (marker, rules) if marker is not None and rules is not None else None

    async def at(self, partition: int) -> tuple[Marker, Compiled]:
        """Return what is ``known`` of a partition, after a look if that is nothing."""
        marker = self._partitions.get(partition) or self._current
        if marker is None:
            return await self.current()
        return marker, await self.compiled(marker.version)

    def learned(self, partition: int, marker: Marker) -> None:
        """Note what a partition answered it is under."""
        known = self._partitions.get(partition)
        if known is None or marker.epoch > known.epoch:
            self._partitions[partition] = marker

    async def compiled(self, version: str) -> Compiled:
        """Return a version's compiled rules; raise :class:`RulesUnavailable` if nobody has it.

        They are compiled once, in a thread that lets the event loop go on: ten thousand rules take
        half a second, and requests under the version before must not wait for that.
        """
        known = self._compiled.get(version)
        if known is not None:
            return known
        if not version:
            raise RulesUnavailable("no routing rules are in force yet; run `coexist rules apply`")
        compiling = self._compiling.get(version)
        if compiling is None:
            compiling = self._compiling[version] = asyncio.ensure_future(self._compile(version))
            compiling.add_done_callback(lambda done: self._compiled_now(version, done))
        return await asyncio.shield(compiling)

    def _compiled_now(self, version: str, done: asyncio.Future[Compiled]) -> None:
        del self._compiling[version]
        if not done.cancelled():
            done.exception()  # told to whoever waits; nobody may be left

    async def _compile(self, version: str) -> Compiled:
        text = await self._book.text(version) or await self._ledger.rules(version)
        if text is None:
            raise RulesUnavailable(
                f"rule version {version} is in force but neither store nor ledger holds its text; "
                "run `coexist rules apply` with the rule files"
            )
        compiled = await asyncio.to_thread(compile_aside, text, version)
        if len(self._compiled) >= VERSIONS_MAX:
            self._compiled.pop(next(iter(self._compiled)))
        self._compiled[version] = compiled
        return compiled
