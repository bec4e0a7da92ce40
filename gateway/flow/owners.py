"""Whose object is it? For follow-ups on objects the buffer knows no owner of.

The ledger is asked first, then both ERPs, through their quotas: an order may be older than the
gateway. Exactly one of them must have it. What cannot be decided is refused, never sent by
default: a return credited in the wrong ERP is worse than one that is asked to come again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.canonical.process import Target
from gateway.errors import ErpUnavailable, NotFound, OwnerUndecidable
from gateway.flow.calls import Caller
from gateway.ports import Erp, Ledger


@dataclass(frozen=True, slots=True)
class Found:
    """Who owns an order, and the legal entity it is booked in there ("" if nobody said)."""

    owner: Target
    legal_entity: str


class OwnerFinder:
    """Finds the owner of an order outside the buffer."""

    def __init__(self, ledger: Ledger, erps: Mapping[Target, Erp], caller: Caller) -> None:
        self._ledger = ledger
        self._erps = erps
        self._caller = caller

    async def find(
        self, object_key: str, order_channel: str, order_ref: str, entities: Sequence[str]
    ) -> Found:
        """Return the one owner; ``entities`` are the legal entities the order may belong to.

        Raises:
            NotFound: no system has the order.
            OwnerUndecidable: one could not be asked, or both have it.
        """
        recorded = await self._ledger.owner(object_key)
        if recorded is not None:
            return Found(recorded, entities[0] if len(entities) == 1 else "")
        places = [(target, entity) for target in self._erps for entity in entities]
        answers = await asyncio.gather(
            *(self._asked(target, order_channel, order_ref, entity) for target, entity in places)
        )
        having = [place for place, has in zip(places, answers, strict=True) if has]
        owners = {target for target, _ in having}
        if None in answers:
            raise OwnerUndecidable(
                f"order {order_ref!r} is not known here and one of the systems that may hold it "
                "does not answer; repeat with the same reference",
                retry_after_s=5,
            )
        if len(owners) > 1:
            raise OwnerUndecidable(
                f"order {order_ref!r} exists in more than one system; staff must say which owns it",
                retry_after_s=300,
            )
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
                target, lambda: erp.has_order(order_channel, order_ref, legal_entity)
            )
        except ErpUnavailable:
            return None
