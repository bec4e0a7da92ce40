"""Succeed: what was declared to come after an order waits until that order is done.

The sentence the code follows: *before a message is tried for the first time, each order it names in
``after`` is looked up; while one of them is neither booked nor given up, the message goes back into
its lane, untried, with the reason.*

Business objects do not wait for each other otherwise. A message can only name what was accepted
before it (the API refuses what it does not know), so nothing can wait for itself in a circle. An
order that is held makes what follows it wait, too: whoever lets it go, or gives it up, frees both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.canonical.envelope import order_key
from gateway.canonical.exchange import Taken
from gateway.canonical.process import PROCESSES, Kind
from gateway.clock import Clock
from gateway.errors import CoexistError
from gateway.flow.status import SETTLED, Statuses
from gateway.policy.backoff import follow_ms
from gateway.ports import Lanes, Observer

#: Public states of an order that nobody has to wait for any more.
DONE: Final = SETTLED - {"held"}


class _Body(msgspec.Struct):
    after: tuple[str, ...] = ()


class _Head(msgspec.Struct):
    """What is wanted of an envelope."""

    channel: str
    accepted_at: datetime
    body: _Body


_head: Final = msgspec.json.Decoder(_Head).decode

#: In the text of each message that names a predecessor: others need not be read for it.
_NAMED: Final = b'"after":["'


class Succession:
    """Lets only those go on whose predecessors are done."""

    def __init__(self, statuses: Statuses, lanes: Lanes, observer: Observer, clock: Clock) -> None:
        self._statuses = statuses
        self._lanes = lanes
        self._observer = observer
        self._clock = clock

    async def due(self, taken: Sequence[Taken]) -> list[Taken]:
        """Put back what comes too early; return what may go on."""
        asked = [one for one in taken if one.open_ms is None and _NAMED in one.payload]
        if not asked:
            return list(taken)
        early = dict(zip(asked, await asyncio.gather(*map(self._why, asked)), strict=True))
        for one, why in early.items():
            if why is not None:
                await self._lanes.defer(one, why[0], unknown=False, reason=why[1])
        return [one for one in taken if early.get(one) is None]

    async def _why(self, one: Taken) -> tuple[int, str] | None:
        """Return for how long (ms) and why a message has to wait; None if it need not."""
        try:
            head = _head(one.payload)
        except msgspec.DecodeError:
            return None  # the deliverer says what is wrong with it
        waited_ms = (self._clock.now() - head.accepted_at).total_seconds() * 1000
        wait_ms = follow_ms(round(waited_ms))
        for order_ref in head.body.after:
            try:
                found = await self._statuses.of_object(order_key(head.channel, order_ref))
            except CoexistError as error:
                self._observer.trouble("succeed", error)
                return wait_ms, f"whether order {order_ref!r} is booked cannot be asked now"
            begun = [it for it in found if PROCESSES[it.process].kind is Kind.CREATE]
            if any(it.status not in DONE for it in begun):
                return wait_ms, f"comes after order {order_ref!r}, which is not booked yet"
        return None
