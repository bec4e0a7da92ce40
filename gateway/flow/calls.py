"""One call to an ERP, through its quota and around its windows, for what is no delivery."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from gateway.canonical.exchange import Permit, Traffic
from gateway.canonical.process import Target
from gateway.clock import Clock
from gateway.errors import CoexistError, ErpUnavailable
from gateway.policy.windows import MARGIN_MS, Call, Windows
from gateway.ports import Quotas

T = TypeVar("T")

#: A place in the line is kept a little longer than this.
ASK_S_MAX: Final = 0.25


@dataclass(slots=True)
class _Waiting:
    until_s: float
    permit: asyncio.Future[Permit] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Caller:
    """Waits for a permit, but no longer than ``patience_ms``: a shopper is waiting too.

    Where the ERP is closed, or will be before the call could end, none is made. Those who wait at
    one time ask together, in one turn at the quota. ``writes`` says what its calls do there.
    """

    def __init__(
        self,
        quotas: Quotas,
        clock: Clock,
        windows: Windows,
        patience_ms: int = 3000,
        kind: Traffic = Traffic.READ,
        *,
        writes: bool = False,
    ) -> None:
        self._quotas = quotas
        self._clock = clock
        self._windows = windows
        self._patience_s = patience_ms / 1000
        self._kind = kind
        self._writes = writes
        self._lines: dict[Target, list[_Waiting]] = {}
        self._tasks: dict[Target, asyncio.Task[None]] = {}
        self._returning: set[asyncio.Task[None]] = set()

    async def call(
        self, erp: Target, act: Callable[[], Awaitable[T]], *, lasts_ms: int, process: str = ""
    ) -> T:
        """Make one call that lasts at most ``lasts_ms``, its deadline in ``act``.

        ``process`` is what it is about; without one, windows of single processes are not asked.
        Raises :class:`ErpUnavailable` if it may not start in time.
        """
        self._open(Call(erp, process, self._writes), lasts_ms)
        permit = await self._permit(erp)
        try:
            with permit.in_use():
                return await act()
        finally:
            self._return(erp, [permit])

    async def settled(self) -> None:
        """Wait until the ledger of calls has heard of all that ended."""
        await asyncio.gather(*self._returning)

    def _open(self, call: Call, lasts_ms: int) -> None:
        now = self._clock.now()
        longest_ms = round(self._patience_s * 1000) + lasts_ms + MARGIN_MS
        closed = self._windows.gate(call, now, longest_ms)
        if closed is not None:
            wait_s = -(-closed.wait_ms(now) // 1000)
            raise ErpUnavailable(
                "the system that answers this is under maintenance; repeat after "
                f"{closed.until:%Y-%m-%dT%H:%M:%SZ}",
                retry_after_s=wait_s,
            )

    async def _permit(self, erp: Target) -> Permit:
        waiting = _Waiting(self._clock.monotonic_s() + self._patience_s)
        self._lines.setdefault(erp, []).append(waiting)
        if erp not in self._tasks:
            self._tasks[erp] = asyncio.create_task(self._ask(erp))
        try:
            return await waiting.permit
        except asyncio.CancelledError:
            if waiting.permit.done() and not waiting.permit.cancelled():
                self._return(erp, [waiting.permit.result()])
            raise

    async def _ask(self, erp: Target) -> None:
        """Ask while anybody waits; a failure is everybody's who waits."""
        in_line = False
        try:
            while line := self._waiting(erp):
                grant = await self._quotas.acquire(erp, {self._kind: len(line)})
                in_line = len(grant.permits) < len(line)
                self._hand_out(erp, list(grant.permits))
                if in_line and self._waiting(erp):
                    wait_s = max(0.005, grant.wait_ms / 1000)
                    self._turn_away(erp, wait_s)
                    await self._clock.sleep(min(wait_s, ASK_S_MAX))
            if in_line:
                await self._quotas.acquire(erp, {})
        except Exception as error:  # noqa: BLE001 -- whoever waits must hear of it
            for waiting in self._waiting(erp):
                waiting.permit.set_exception(error)
        finally:
            del self._tasks[erp]
            if self._waiting(erp):
                self._tasks[erp] = asyncio.create_task(self._ask(erp))

    def _waiting(self, erp: Target) -> list[_Waiting]:
        line = [one for one in self._lines[erp] if not one.permit.done()]
        self._lines[erp] = line
        return line

    def _hand_out(self, erp: Target, permits: list[Permit]) -> None:
        for one in self._waiting(erp):
            if not permits:
                return
            one.permit.set_result(permits.pop())
        self._return(erp, permits)

    def _turn_away(self, erp: Target, wait_s: float) -> None:
        """Tell those at once whose patience ends before asking again is worth it."""
        now_s = self._clock.monotonic_s()
        for one in self._waiting(erp):
            if now_s + wait_s > one.until_s:
                one.permit.set_exception(
                    ErpUnavailable(
                        "the system that answers this is busy; repeat later",
                        retry_after_s=max(1, round(wait_s)),
                    )
                )

    def _return(self, erp: Target, permits: list[Permit]) -> None:
        """Give permits back without keeping anybody waiting; what fails runs out by itself."""
        if not permits:
            return
        task = asyncio.create_task(self._give_back(erp, permits))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    async def _give_back(self, erp: Target, permits: list[Permit]) -> None:
        try:
            await self._quotas.give_back(erp, permits)
        except CoexistError:
            return
