"""Dispatch: match what is due with permits, and never wait while holding a message.

One dispatcher per ERP and worker. It knows what is due by class, takes its turn at the quota, where
it gives back the permits of calls that ended and asks for others, and takes only as many messages
as it has permits for: a message that waits for quota waits in its lane, where any worker may take
it, not in this worker's hands.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from gateway.canonical.exchange import Lease, Permit, Ready, Taken, Traffic
from gateway.canonical.process import Target
from gateway.errors import CoexistError, FencedOut, StoreUnavailable
from gateway.flow.batch import BatchDeliverer
from gateway.flow.confirm import DOCUMENTS_MAX, Confirmer
from gateway.flow.precede import Precedence
from gateway.flow.succeed import Succession
from gateway.flow.workplace import Workplace
from gateway.policy.batching import Plan, calls, together
from gateway.policy.quotas import CLASSES, POLLS, planned, wanted
from gateway.policy.windows import MARGIN_MS, Call

#: Between two looks at the lanes while nothing ends and nobody rings.
IDLE_S: Final = 0.05
#: Below the time a place in the line at the quota is kept.
WAIT_S_MAX: Final = 0.25
TROUBLE_S: Final = 0.5
LISTEN_MS: Final = 2_000

#: Returns what may be sent of what was taken.
Gate: TypeAlias = Callable[[Sequence[Taken]], Awaitable[list[Taken]]]


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
        self._deliverer = BatchDeliverer(at)
        self._batches = at.erps[erp].batches
        self._plan = at.batching.get(erp, Plan())
        self._confirmer = Confirmer(at)
        self._gates = tuple(_gates(at))
        self._in_flight_max = in_flight_max
        self._flying: set[asyncio.Task[None]] = set()
        self._spent: list[Permit] = []
        self._in_line = False
        self._due: dict[Lease, Ready] = {}
        self._due_until_s = 0.0
        self._awake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Dispatch until ``stop``, then wait for what is in flight."""
        listening = asyncio.create_task(self._listen())
        try:
            while not stop.is_set():
                self._awake.clear()
                wait_s = await self._guarded_round()
                if wait_s:
                    await self._pause(wait_s)
            await asyncio.gather(*self._flying, return_exceptions=True)
        finally:
            listening.cancel()
            await self._leave()

    async def _guarded_round(self) -> float:
        try:
            return await self._round()
        except FencedOut as error:
            self._observer.trouble("dispatch", error)
            return 0.0
        except CoexistError as error:
            self._observer.trouble("dispatch", error)
            return TROUBLE_S

    async def _round(self) -> float:
        """Start what can be started; return how long there is nothing more to do."""
        room = max(0, self._in_flight_max - len(self._flying))
        leases = self._keeper.held()
        most = self._plan.documents_max if self._batches and self._batches.offered else 1
        due = await self._look(leases, room * most) if room and leases else {}
        objects = wanted(due.values(), room * most, DOCUMENTS_MAX)
        polls = any(it.polls for it in due.values())  # each a call of its own
        size = 1 if polls else max(1, min(most, max(objects.values())))
        want = calls(objects, size, room)
        asked = sum(want.values())
        back = list(self._spent)
        if not (asked or back or self._in_line):
            return IDLE_S
        grant = await self._quotas.acquire(self._erp, want, back, self._plan.units(size))
        self._spent = self._spent[len(back) :]
        self._in_line = len(grant.permits) < asked
        if grant.permits:
            await self._spend(list(grant.permits), due, size)
        return min(WAIT_S_MAX, max(0.002, grant.wait_ms / 1000)) if self._in_line else IDLE_S

    async def _look(self, leases: Sequence[Lease], room: int) -> dict[Lease, Ready]:
        """Return what is due: of a moment ago, less what was taken, while that fills the room."""
        now_s = self._clock.monotonic_s()
        known = sum(it.objects for lease, it in self._due.items() if lease in leases)
        if known < room or now_s > self._due_until_s or len(self._due) != len(leases):
            self._due = self._allowed(await self._lanes.ready(leases, self._erp))
            self._due_until_s = now_s + IDLE_S
        return self._due

    def _allowed(self, ready: Mapping[Lease, Ready]) -> dict[Lease, Ready]:
        """Leave out what a window of the ERP forbids: it waits in its lane, not in our hands."""
        now, timing = self._clock.now(), self._timing
        write, read = Call(self._erp, writes=True), Call(self._erp)
        takes = self._windows.gate(write, now, timing.request_ms_min) is None
        # Nobody looks again before a poll is sent, so what the others are given later is in it.
        polls = self._windows.gate(read, now, timing.request_ms + MARGIN_MS) is None
        if takes and polls:
            return dict(ready)
        return {
            lease: replace(
                it,
                by_class=it.by_class if takes else (0, 0, 0, 0),
                polls=it.polls if polls else 0,
            )
            for lease, it in ready.items()
        }

    async def _spend(self, permits: list[Permit], due: Mapping[Lease, Ready], size: int) -> None:
        polls = [lease for lease, work in due.items() if work.polls]
        if polls:
            permit = next((it for it in permits if it.kind is POLLS), permits[0])
            permits.remove(permit)
            self._start(self._confirm(polls, permit))
        rows = [(lease, work) for lease, work in due.items() if work.objects]
        self._chance.shuffle(rows)  # of partitions whose time is not known, none is always last
        counts = Counter(it.kind for it in permits)
        plan = planned({kind: n * size for kind, n in counts.items()}, rows)
        try:
            found = await asyncio.gather(*(self._take(it, sum(n)) for it, n in plan.items()))
            taken = await self._first(_by_class(plan.values(), found))
            for group in together(taken, size):
                if permits:
                    self._start(self._deliver(group, permits.pop()))
                else:  # more kinds of calls than there are permits: another turn
                    self._start(self._untake(group))
        finally:
            self._spent += permits  # as they are: unused
        self._less(plan, polls)

    async def _first(self, rows: list[tuple[Traffic, Taken]]) -> list[tuple[Traffic, Taken]]:
        """Leave out what must not be sent, or not yet: whoever says so held it or put it back."""
        going = [taken for _, taken in rows]
        try:
            for gate in self._gates:
                going = await gate(going)
        except (FencedOut, StoreUnavailable) as error:
            # What was held is unknown: under a new token all of it comes back.
            self._observer.trouble("gate", error)
            for lease in {taken.lease for _, taken in rows}:
                self._keeper.lost(lease)
            return []
        kept = {one.transaction_id for one in going}
        return [row for row in rows if row[1].transaction_id in kept]

    def _less(self, plan: Mapping[Lease, Sequence[int]], polls: Sequence[Lease]) -> None:
        """Remember what is left of what was due; since when the rest is, the next look tells."""
        for lease in {*plan, *polls}:
            known = self._due.get(lease)
            if known is not None:
                a, b, c, d = known.by_class
                w, x, y, z = plan.get(lease, (0, 0, 0, 0))
                self._due[lease] = Ready((a - w, b - x, c - y, d - z), 0)

    async def _take(self, lease: Lease, count: int) -> Sequence[Taken]:
        try:
            taken = await self._lanes.take(lease, self._erp, count)
        except (FencedOut, StoreUnavailable) as error:
            # Whether objects were taken is unknown: under a new token they come back.
            self._observer.trouble("take", error)
            self._keeper.lost(lease)
            return ()
        if len(taken) < count:
            self._due_until_s = 0.0  # others were here: look anew
        return taken

    async def _deliver(self, group: Sequence[Taken], permit: Permit) -> None:
        """Deliver; what fails for a reason nobody foresaw goes back, still counted as taken."""
        try:
            if self._batches is None or len(group) == 1:
                await self._deliverer.deliver(group[0], permit)
                return
            for taken, error in await self._deliverer.deliver_many(group, permit, self._batches):
                await self._failed(taken, error)
        except Exception as error:  # noqa: BLE001 -- one message must not stop the others
            for taken in group:  # what of them was settled is not touched
                await self._failed(taken, error)
        finally:
            self._spent.append(permit)

    async def _failed(self, taken: Taken, error: Exception) -> None:
        self._observer.trouble("deliver", error)
        if not isinstance(error, FencedOut):
            await self._put_back(taken, error)

    async def _untake(self, group: Sequence[Taken]) -> None:
        for taken in group:
            try:
                await self._lanes.untake(taken)
            except CoexistError as error:
                self._observer.trouble("untake", error)
                self._keeper.lost(taken.lease)

    async def _put_back(self, taken: Taken, error: Exception) -> None:
        reason = f"worker: {error!r}"
        try:
            await self._lanes.defer(taken, 1000, unknown=True, reason=reason, outcome=False)
        except CoexistError as trouble:
            self._observer.trouble("deliver", trouble)
            self._keeper.lost(taken.lease)

    async def _confirm(self, polls: Sequence[Lease], permit: Permit) -> None:
        try:
            await self._confirmer.confirm(polls, self._erp, permit)
        finally:
            self._spent.append(permit)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._flying.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._awake.set()
        if not task.cancelled() and task.exception() is not None:
            self._observer.trouble("dispatch", task.exception() or RuntimeError())

    async def _listen(self) -> None:
        """Wake when other workers have left permits for those in line."""
        while True:
            try:
                if await self._quotas.rung(self._erp, LISTEN_MS):
                    self._awake.set()
            except CoexistError:
                await asyncio.sleep(TROUBLE_S)

    async def _pause(self, seconds: float) -> None:
        """Wait, but wake when a delivery ends: its object's next message may be due."""
        try:
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            return

    async def _leave(self) -> None:
        """Give everything back; what the store does not hear of runs out by itself."""
        try:
            await self._quotas.acquire(self._erp, {}, self._spent)
        except CoexistError as error:
            self._observer.trouble("dispatch", error)


def _gates(at: Workplace) -> Iterator[Gate]:
    if at.precedents is not None:
        yield Precedence(at.precedents, at.lanes, at.observer, at.clock).first
    if at.statuses is not None:
        yield Succession(at.statuses, at.lanes, at.observer, at.clock).due


def _by_class(
    plan: Iterable[Sequence[int]], found: Iterable[Sequence[Taken]]
) -> list[tuple[Traffic, Taken]]:
    """Return what was taken with its class, the most urgent first, as each partition gave it."""
    rows: list[tuple[Traffic, Taken]] = []
    for counts, taken in zip(plan, found, strict=True):
        kinds = [kind for kind, n in zip(CLASSES, counts, strict=True) for _ in range(n)]
        rows += zip(kinds, taken, strict=False)
    return sorted(rows, key=lambda row: row[0])
