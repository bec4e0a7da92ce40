"""Whose object is it? For follow-ups on objects the buffer knows no owner of.

The ledger is asked first, then both ERPs, through their quotas: an order may be older than the
gateway. Exactly one of them must have it. What cannot be decided is refused, never sent by
default: a return credited in the wrong ERP is worse than one that is asked to come again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gateway.canonical.process import Target
from gateway.errors import ErpUnavailable, NotFound, OwnerUndecidable
from gateway.flow.calls import Caller
from gateway.ports import Erp, Ledger


class OwnerFinder:
    """Finds the owner of an order outside the buffer."""

    def __init__(self, ledger: Ledger, erps: Mapping[Target, Erp], caller: Caller) -> None:
        self._ledger = ledger
        self._erps = erps
        self._caller = caller

    async def find(
        self, object_key: str, order_channel: str, order_ref: str, legal_entity: str
    ) -> Target:
        """Return the one owner.

        Raises:
            NotFound: no system has the order.
            OwnerUndecidable: one could not be asked, or both have it.
        """
        recorded = await self._ledger.owner(object_key)
        if recorded is not None:
            return recorded
        answers = await asyncio.gather(
            *(
                self._asked(erp, order_channel, order_ref, legal_entity)
                for erp in self._erps.values()
            )
        )
        having = [target for target, has in zip(self._erps, answers, strict=True) if has]
        if len(having) == 1 and None not in answers:
            return having[0]
        if None in answers:
            raise OwnerUndecidable(
                f"order {order_ref!r} is not known here and one of the systems that may hold it "
                "does not answer; repeat with the same reference",
                retry_after_s=5,
            )
        if having:
            raise OwnerUndecidable(
                f"order {order_ref!r} exists in more than one system; staff must say which owns it",
                retry_after_s=300,
            )
        raise NotFound(
            f"no order {order_ref!r} of channel {order_channel!r} is known; check order_ref"
        )

    async def _asked(
        self, erp: Erp, order_channel: str, order_ref: str, legal_entity: str
    ) -> bool | None:
        try:
            return await self._caller.call(
                erp.name, lambda: erp.has_order(order_channel, order_ref, legal_entity)
            )
        except ErpUnavailable:
            return None
