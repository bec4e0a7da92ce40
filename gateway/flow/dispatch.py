"""Dispatch: match what is due with permits, and never wait while holding a message.

One dispatcher per ERP and worker. It first asks what is due, then for permits, and takes only as
many messages as it has permits for: a message that waits for quota waits in its lane, where any
worker may take it, not in this worker's hands.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Final

from gateway.canonical.exchange import Lease, Ready, Taken
from gateway.canonical.process import Target
from gateway.errors import CoexistError, FencedOut, StoreUnavailable
from gateway.flow.confirm import DOCUMENTS_MAX, Confirmer
from gateway.flow.deliver import Deliverer
from gateway.flow.workplace import Workplace
from gateway.policy.windows import Call

IDLE_S: Final = 0.05
WAIT_S_MAX: Final = 0.5
TROUBLE_S: Final = 0.5


class Dispatcher:
    """Keeps one ERP busy with what this worker's partitions have for it."""

    def __init__(self, erp: Target, at: Workplace, in_flight_max: int) -> None:
        self._erp = erp
        self._lanes = at.lanes
        self._quotas = at.quotas
        self._keeper = at.keeper
        self._observer = at.observer
        self._chance = at.chance
        self._clock = at.clock
        self._windows = at.windows
        self._timing = at.erps[erp].timing
        self._deliverer = Deliverer(at)
        self._confirmer = Confirmer(at)
        self._in_flight_max = in_flight_max
        self._flying: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Dispatch until ``stop``, then wait for what is in flight."""
        while not stop.is_set():
            try:
                wait_s = await self._round()
            except FencedOut as error:
                self._observer.trouble("dispatch", error)
                wait_s = 0.0
            except CoexistError as error:
                self._observer.trouble("dispatch", error)
                wait_s = TROUBLE_S
            if wait_s:
                await self._pause(wait_s)
        await asyncio.gather(*self._flying, return_exceptions=True)

    async def _round(self) -> float:
        """Start what can be started; return how long there is nothing more to do."""
        room = self._in_flight_max - len(self._flying)
        leases = self._keeper.held()
        if room <= 0 or not leases:
            return IDLE_S
        ready = self._allowed(await self._lanes.ready(leases, self._erp))
        want = _calls(ready.values())
        if want == 0:
            return IDLE_S
        grant = await self._quotas.acquire(self._erp, min(room, want))
        if not grant.permits:
            return min(WAIT_S_MAX, max(0.005, grant.wait_ms / 1000))
        await self._spend(list(grant.permits), ready)
        return 0.0

    def _allowed(self, ready: Mapping[Lease, Ready]) -> Mapping[Lease, Ready]:
        """Leave out what a window of the ERP forbids: it waits in its lane, not in our hands."""
        now, timing = self._clock.now(), self._timing
        write, read = Call(self._erp, writes=True), Call(self._erp)
        takes = self._windows.gate(write, now, timing.request_ms_min) is None
        polls = self._windows.gate(read, now, timing.request_ms) is None
        if takes and polls:
            return ready
        return {
            lease: Ready(it.by_class if takes else (0, 0, 0, 0), it.polls if polls else 0)
            for lease, it in ready.items()
        }

    async def _spend(self, permits: list[str], ready: Mapping[Lease, Ready]) -> None:
        try:
            polls = [lease for lease, work in ready.items() if work.polls]
            if polls:
                self._start(self._confirmer.confirm(polls, self._erp, permits.pop()))
            await self._take(permits, ready)
        finally:
            await self._quotas.unused(self._erp, permits)

    async def _take(self, permits: list[str], ready: Mapping[Lease, Ready]) -> None:
        leases = [lease for lease, work in ready.items() if work.objects]
        self._chance.shuffle(leases)  # no partition is always the last to get a permit
        for lease in leases:
            if not permits:
                return
            try:
                taken = await self._lanes.take(lease, self._erp, len(permits))
            except (FencedOut, StoreUnavailable):
                # Whether objects were taken is unknown: under a new token they come back.
                self._keeper.lost(lease)
                raise
            for one in taken:
                self._start(self._guarded(one, permits.pop()))

    async def _guarded(self, taken: Taken, permit: str) -> None:
        """Deliver; what fails for a reason nobody foresaw goes back, still counted as taken."""
        try:
            await self._deliverer.deliver(taken, permit)
        except FencedOut as error:
            self._observer.trouble("deliver", error)
        except Exception as error:  # noqa: BLE001 -- one message must not stop the others
            self._observer.trouble("deliver", error)
            await self._put_back(taken, error)

    async def _put_back(self, taken: Taken, error: Exception) -> None:
        reason = f"worker: {error!r}"
        try:
            await self._lanes.defer(taken, 1000, unknown=True, reason=reason, outcome=False)
        except CoexistError as trouble:
            self._observer.trouble("deliver", trouble)
            self._keeper.lost(taken.lease)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._flying.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._ended.set()
        if not task.cancelled() and task.exception() is not None:
            self._observer.trouble("dispatch", task.exception() or RuntimeError())

    async def _pause(self, seconds: float) -> None:
        """Wait, but wake when a delivery ends: its object's next message may be due."""
        self._ended.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return


def _calls(work: Iterable[Ready]) -> int:
    """How many calls the work takes: one an object, one for many polls."""
    objects = polls = 0
    for row in work:
        objects += row.objects
        polls += row.polls
    return objects + math.ceil(polls / DOCUMENTS_MAX)
