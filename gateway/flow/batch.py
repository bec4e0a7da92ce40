"""Batch: several taken messages in one call, and an outcome for each.

The sentence the code follows: *once all are prepared, each message's attempt is recorded before the
one call that carries them all; each is settled by its own outcome; and what the whole call left
unknown is unknown of each, and each is looked up before it is sent again.*
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from gateway.canonical.envelope import Envelope, Shaped
from gateway.canonical.exchange import Permit, Taken
from gateway.canonical.outcome import Unknown
from gateway.flow.deliver import Deliverer
from gateway.ports import Batches

Item = tuple[Taken, Envelope]
Ready = tuple[Taken, Envelope, Shaped]
T = TypeVar("T")

#: What became of a message that the call does not answer for.
SILENT = Unknown("no outcome of its own in the batch")


class BatchDeliverer(Deliverer):
    """Brings messages to an ERP that takes several in one call."""

    async def deliver_many(
        self, together: Sequence[Taken], permit: Permit, batches: Batches
    ) -> list[tuple[Taken, Exception]]:
        """Bring messages of one ERP one step on, all of them sends or all of them look-ups.

        Returns those whose step failed for a reason nobody foresaw; the others went on.
        """
        failed: list[tuple[Taken, Exception]] = []
        read: list[Item] = []

        async def look(taken: Taken) -> None:
            envelope = await self._readable(taken)
            if envelope is not None:
                read.append((taken, envelope))

        failed += await _each(look, together, of=lambda taken: taken)
        items = await self._open(read, failed)
        if items and items[0][0].open_ms is not None:
            with permit.in_use():
                failed += await self._probe_many(items, batches)
        elif ready := await self._attempts(items, failed):
            with permit.in_use():
                failed += await self._send_many(ready, batches)
        return failed

    async def _open(
        self, read: Sequence[Item], failed: list[tuple[Taken, Exception]]
    ) -> list[Item]:
        """Put back what a window forbids, and what may take longer, or less long, than the first.

        A call lasts as long as the longest of its messages may: one with a long deadline would
        carry the others into a window.
        """
        items: list[Item] = []

        async def gate(item: Item) -> None:
            lasts_ms = self._lasts_ms(*item)
            if await self._closed(*item, lasts_ms):
                return
            if items and lasts_ms != self._lasts_ms(*items[0]):
                await self._lanes.untake(item[0])
            else:
                items.append(item)

        failed += await _each(gate, read, of=_taken)
        return items

    async def _attempts(
        self, items: Sequence[Item], failed: list[tuple[Taken, Exception]]
    ) -> list[Ready]:
        """Prepare all, and only then record the attempts.

        An attempt that waited for others to be prepared would be older than its request, and
        "absent" be final before that request can arrive no more.
        """
        prepared: list[Ready] = []
        begun: list[Ready] = []

        async def prepare(item: Item) -> None:
            shaped = await self._prepare(*item)
            if shaped is not None:
                prepared.append((*item, shaped))

        async def begin(one: Ready) -> None:
            taken, _, shaped = one
            if await self._begun(taken, shaped):
                begun.append(one)

        failed += await _each(prepare, items, of=_taken)
        failed += await _each(begin, prepared, of=lambda one: one[0])
        return begun

    async def _send_many(
        self, ready: Sequence[Ready], batches: Batches
    ) -> list[tuple[Taken, Exception]]:
        going = [it for it in ready if self._keeper.holds(it[0].lease)]
        for taken, _, _ in ready:
            if not self._keeper.holds(taken.lease):
                # Too late to send. Taken anew, the partition brings the object back to be probed.
                self._keeper.lost(taken.lease)
        if not going:
            return []
        started_s = self._clock.monotonic_s()
        outcomes = await batches.send_many([prepared for _, _, prepared in going])

        async def settle(one: Ready) -> None:
            taken, envelope, _ = one
            outcome = outcomes.get(taken.transaction_id, SILENT)
            self._observe("send", taken, envelope, outcome, started_s)
            self._delivered(envelope, outcome)
            await self._settled(lambda: self._settle(taken, outcome))

        return await _each(settle, going, of=lambda one: one[0])

    async def _probe_many(
        self, items: Sequence[Item], batches: Batches
    ) -> list[tuple[Taken, Exception]]:
        started_s = self._clock.monotonic_s()
        answers = await batches.probe_many([envelope for _, envelope in items])

        async def settle(item: Item) -> None:
            taken, envelope = item
            probed = answers.get(taken.transaction_id, SILENT)
            self._observe("probe", taken, envelope, probed, started_s)
            open_ms = taken.open_ms or 0
            await self._settled(lambda: self._settle_probe(taken, probed, open_ms))

        return await _each(settle, items, of=_taken)


def _taken(item: Item) -> Taken:
    return item[0]


async def _each(
    act: Callable[[T], Awaitable[None]], items: Sequence[T], of: Callable[[T], Taken]
) -> list[tuple[Taken, Exception]]:
    """Act on all at once; return the messages for which it failed. One stops no other."""
    results = await asyncio.gather(*(act(item) for item in items), return_exceptions=True)
    failed: list[tuple[Taken, Exception]] = []
    for item, result in zip(items, results, strict=True):
        if isinstance(result, Exception):
            failed.append((of(item), result))
        elif isinstance(result, BaseException):
            raise result
    return failed
