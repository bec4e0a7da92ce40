"""Precede: what a create would begin may be there already.

The sentence the code follows: *before a create is tried for the first time, the ledger is asked,
for all that were taken together, whether its object is older; one that is becomes an exception, and
no ERP hears of it.*

A repeat is known by its claim, which is kept for some weeks. An order that is sent again after
years has no claim any more and may have no owner in the buffer either: only the ledger knows that
an ERP has it. While the ledger does not answer, deliveries go on unasked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.canonical.exchange import Taken
from gateway.canonical.exchange.owning import Before
from gateway.canonical.outcome import Cause
from gateway.canonical.process import PROCESSES, Kind
from gateway.clock import Clock
from gateway.errors import CoexistError
from gateway.ports import Lanes, Observer, Precedents

#: How long deliveries wait for the ledger's answer, and how long it is left alone after none.
ANSWER_S_MAX: Final = 2.0
LEFT_ALONE_S: Final = 10.0


class _Head(msgspec.Struct):
    """What is wanted of an envelope."""

    process: str


_head: Final = msgspec.json.Decoder(_Head).decode


class Precedence:
    """Lets only those go on that come first."""

    def __init__(
        self, precedents: Precedents, lanes: Lanes, observer: Observer, clock: Clock
    ) -> None:
        self._precedents = precedents
        self._lanes = lanes
        self._observer = observer
        self._clock = clock
        self._asks_from_s = float("-inf")

    async def first(self, taken: Sequence[Taken]) -> list[Taken]:
        """Hold creates of objects that were there before; return what may go on."""
        asked = {one.transaction_id: one.object_key for one in taken if _begins(one)}
        found = await self._asked(asked) if asked else {}
        for one in taken:
            if one.transaction_id in found:
                detail = _told(found[one.transaction_id])
                await self._lanes.hold(one, Cause.TAKEN_BEFORE, detail)
        return [one for one in taken if one.transaction_id not in found]

    async def _asked(self, creates: dict[str, str]) -> dict[str, Before]:
        if self._clock.monotonic_s() < self._asks_from_s:
            return {}
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                return dict(await self._precedents.taken_before(creates))
        except (CoexistError, TimeoutError) as error:
            self._observer.trouble("precede", error)
            self._asks_from_s = self._clock.monotonic_s() + LEFT_ALONE_S
            return {}


def _begins(taken: Taken) -> bool:
    """Say whether this would be the first anybody tries of an object that one create begins.

    What staff let go again was looked at by them; what was tried is asked for in the ERP itself.
    """
    if taken.attempts or taken.released or taken.open_ms is not None:
        return False
    try:
        process = PROCESSES.get(_head(taken.payload).process)
    except msgspec.DecodeError:
        return False  # the deliverer says what is wrong with it
    return process is not None and process.kind is Kind.CREATE and not process.pipelined


def _told(before: Before) -> str:
    at = f"{before.at:%Y-%m-%d}"
    what = f"transaction {before.transaction_id}" if before.transaction_id else before.source
    return (
        f"the {before.owner} ERP has this order since {at} ({what}): it was sent again, or its "
        "reference is used again; nothing was sent to any ERP"
    )
