"""Whose object is it? For follow-ups on objects the buffer knows no owner of.

The ledger is asked first, then both ERPs, through their quotas: an order may be older than the
gateway. Exactly one of them must have it. What cannot be decided waits, and is never sent by
default: a return credited in the wrong ERP is worse than one that comes late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.canonical.process import Target
from gateway.errors import ErpUnavailable, NotFound, Unavailable
from gateway.flow.calls import Caller
from gateway.ports import Erp, Ledger


@dataclass(frozen=True, slots=True)
class Found:
    """Who owns an order, and the legal entity it is booked in there ("" if nobody said)."""

    owner: Target
    legal_entity: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """Nobody can say now who owns an order, and why; ``lasts``: until staff put something right."""

    why: str
    lasts: bool = False


class OwnerFinder:
    """Finds the owner of an order outside the buffer."""

    def __init__(self, ledger: Ledger, erps: Mapping[Target, Erp], caller: Caller) -> None:
        self._ledger = ledger
        self._erps = erps
        self._caller = caller

    async def find(
        self, object_key: str, order_channel: str, order_ref: str, entities: Sequence[str]
    ) -> Found | Undecided:
        """Return the one owner; ``entities`` are the legal entities the order may belong to.

        Raises:
            NotFound: no system has the order.
        """
        try:
            recorded = await self._ledger.owner(object_key)
        except Unavailable:
            return Undecided("the ledger does not answer")
        if recorded is not None:
            return Found(recorded, entities[0] if len(entities) == 1 else "")
        places = [(target, entity) for target in self._erps for entity in entities]
        answers = await asyncio.gather(
            *(self._asked(target, order_channel, order_ref, entity) for target, entity in places)
        )
        having = [place for place, has in zip(places, answers, strict=True) if has]
        owners = {target for target, _ in having}
        if None in answers:
            silent = {it for (it, _), has in zip(places, answers, strict=True) if has is None}
            names = " and ".join(sorted(silent))
            return Undecided(f"order {order_ref!r} is not known here and {names} does not answer")
        if len(owners) > 1:
            return Undecided(f"order {order_ref!r} exists in both ERPs", lasts=True)
        if not having:
            raise NotFound(
                f"no order {order_ref!r} of channel {order_channel!r} is known; check order_ref"
            )
        return Found(*having[0])

    async def _asked(
        self, target: Target, order_channel: str, order_ref: str, legal_entity: str
    ) -> bool | None:
        erp = self._erps[target]
        try:
            return await self._caller.call(
                target, lambda: erp.has_order(order_channel, order_ref, legal_entity),
                lasts_ms=erp.timing.enquiry_ms,
            )  # fmt: skip
        except ErpUnavailable:
            return None
