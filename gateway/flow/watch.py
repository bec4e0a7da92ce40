"""Watch: of all gateways and workers that live, one looks after schedules and guardrails.

The sentence the code follows: *every process asks for the duty every second; whoever has it does
what is due; who dies loses it after a few.* The store gives the duty out under a rising token, and
opens no flip for an older one: a process that slept through the loss of its duty changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from gateway.canonical.exchange import Duty
from gateway.clock import Clock
from gateway.errors import CoexistError, FencedOut
from gateway.ports import Observer, RuleBook

#: How long somebody silent keeps the duty.
DUTY_MS: Final = 5_000
#: Between two looks.
TICK_S: Final = 1.0

Work: TypeAlias = Callable[[Duty], Awaitable[object]]


class Watch:
    """One process's part in it; ``works`` is what is done on duty, in order."""

    def __init__(
        self,
        book: RuleBook,
        holder: str,
        works: Sequence[Work],
        observer: Observer,
        clock: Clock,
    ) -> None:
        self._book = book
        self._holder = holder
        self._works = works
        self._observer = observer
        self._clock = clock

    async def run(self) -> None:
        """Look every second, until cancelled."""
        while True:
            await self.tick()
            await self._clock.sleep(TICK_S)

    async def tick(self) -> bool:
        """Look once; return whether this process was on duty to the end.

        What one work fails at neither stops the others nor this process.
        """
        try:
            duty = await self._book.on_duty(self._holder, DUTY_MS)
        except CoexistError as error:
            self._observer.trouble("watch", error)
            return False
        if duty is None:
            return False
        for work in self._works:
            try:
                await work(duty)
            except FencedOut:
                return False
            except CoexistError as error:
                self._observer.trouble(f"watch: {getattr(work, '__qualname__', work)}", error)
        return True
