"""Pressure: what waits is measured each second, and more of a class is refused above its mark.

The sentence the code follows: *a class is refused while what waits is above what it may fill, and
told when enough will have drained at the rate of the last minute.* A reading is up to a second old:
marks lie below what the store can hold, so what arrives meanwhile finds room.
"""

from __future__ import annotations

from typing import Final

from gateway.canonical.exchange import Backlog
from gateway.canonical.process import Priority
from gateway.clock import Clock
from gateway.errors import Overloaded
from gateway.policy.pressure import DrainRate, Marks, Refusal, refusals
from gateway.ports import Backlogs

_WHAT: Final = {
    "messages": "more waits to be delivered than may",
    "events": "the record does not keep up",
    "memory": "the buffer is nearly full",
    "age": "what waits has been waiting for too long",
}


class Pressure:
    """Knows what is refused now. Until the first reading nothing is."""

    def __init__(self, backlogs: Backlogs, marks: Marks, clock: Clock) -> None:
        self._backlogs = backlogs
        self._marks = marks
        self._clock = clock
        self._rate = DrainRate()
        self.refused: tuple[Refusal | None, ...] = (None,) * len(Priority)

    async def measure(self) -> Backlog:
        """Read what waits and work out what is refused."""
        backlog = await self._backlogs.read()
        per_s = self._rate.seen(self._clock.monotonic_s(), backlog.booked)
        self.refused = refusals(backlog, self._marks, per_s)
        return backlog

    @property
    def booked_per_s(self) -> float:
        """The rate of the last minute."""
        return self._rate.per_s

    def admit(self, priority: Priority) -> None:
        """Raise :class:`~gateway.errors.Overloaded` if the class is refused now."""
        refusal = self.refused[priority]
        if refusal is not None:
            raise Overloaded(
                f"{_WHAT[refusal.mark]}; this was not taken: repeat it later, with the same key",
                retry_after_s=refusal.retry_after_s,
            )
