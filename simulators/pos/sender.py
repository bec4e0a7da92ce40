"""Sends what stores did, each store by itself: in batches, again and again until it is answered.

A store without a network keeps what it did and sends it when it is back: an offline spell ends in
a replay.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from random import Random
from typing import Any

import aiohttp

from simulators.channel import Channel
from simulators.pos.estate import Estate, Store
from simulators.pos.options import PosOptions

TOTAL_S = 30.0
#: How often a store that has nothing to send looks whether it has.
LOOK_S = 0.05

_FINAL = ("accepted", "replayed", "noted", "held", "rejected")


class Sender:
    """One loop per store, over one pool of connections."""

    def __init__(self, channel: Channel[PosOptions], estate: Estate) -> None:
        self._channel = channel
        self._estate = estate
        self._chance: Random = channel.chance("sending")
        self._session: aiohttp.ClientSession | None = None
        #: When each receipt that was not answered yet was sent first.
        self._first: dict[str, datetime] = {}
        self._told: set[str] = set()

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()

    async def live(self, store: Store) -> None:
        """Send what a store did, for as long as the estate is open."""
        again: list[dict[str, object]] = []
        while True:
            options, faults = self._channel.options, self._channel.faults
            if not store.online or not (store.unsent or again) or not options.gateway:
                await asyncio.sleep(LOOK_S)
                continue
            spell = faults.fires("offline_store")
            if spell is not None:
                self._channel.counters.add("offline_spells")
                await asyncio.sleep(spell.delay_s)
                continue
            new = min(options.batch - len(again), len(store.unsent))
            batch = [*again, *(store.unsent.popleft() for _ in range(new))]
            again = []
            if faults.fires("disordered_batch") is not None:
                self._channel.counters.add("disordered")
                self._chance.shuffle(batch)
            left = await self._sent(store, batch)
            store.unsent.extendleft(reversed(left))
            if not left and faults.fires("duplicate_receipt") is not None:
                self._channel.counters.add("duplicates")
                self._channel.counters.add("unsent")
                again = [self._chance.choice(batch)]

    async def _sent(self, store: Store, batch: list[dict[str, object]]) -> list[dict[str, object]]:
        """Send a batch; return what has to be sent again."""
        options, counters = self._channel.options, self._channel.counters
        for item in batch:
            if (name := _name(store, item)) not in self._told:
                self._first.setdefault(name, self._channel.clock.now())
        results = await self._answered(store, batch)
        if results is None:
            counters.add("batches_failed")
            await asyncio.sleep(options.retry_s)
            return batch
        counters.add("batches")
        if self._channel.faults.fires("lost_answer") is not None:
            counters.add("answers_lost")
            return batch
        left = []
        for item, result in zip(batch, results, strict=True):
            status = result.get("status")
            if status in _FINAL:
                counters.add(status)
                counters.add("unsent", -1)
                self._answer(store, item, result)
                if status == "rejected":
                    self._channel.books.enter("rejected", item=item, problem=result.get("problem"))
            else:
                left.append(item)
        if left:
            await asyncio.sleep(options.retry_s)
        return left

    def _answer(self, store: Store, item: dict[str, object], result: dict[str, Any]) -> None:
        """Enter what the gateway said, the first time it is said of a receipt.

        A number used for two receipts is one name, and both may be in one batch.
        """
        name = _name(store, item)
        if name in self._told or "transaction_id" not in result:
            return
        self._told.add(name)
        self._channel.books.enter(
            "answer", name=name, first_sent_at=self._first.pop(name).isoformat(),
            status=result["status"], transaction_id=result["transaction_id"],
        )  # fmt: skip

    async def _answered(
        self, store: Store, batch: list[dict[str, object]]
    ) -> list[dict[str, Any]] | None:
        """Return a result for each item, None if there is no answer."""
        options = self._channel.options
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TOTAL_S)
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        try:
            async with self._session.post(
                f"{options.gateway}/v1/store-sales",
                json={"store": store.name, "transactions": batch},
                headers={"Authorization": f"Bearer {options.api_key}"},
            ) as answer:
                if answer.status != 207:
                    return await self._refused(answer, batch)
                body = await answer.json()
                results: list[dict[str, Any]] = body["results"]
                return results
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError):
            return None

    async def _refused(
        self, answer: aiohttp.ClientResponse, batch: list[dict[str, object]]
    ) -> list[dict[str, Any]] | None:
        """A whole batch was refused: for good, or for now."""
        if answer.status >= 500 or answer.status in (401, 429):
            return None
        problem = await answer.text()
        return [{"status": "rejected", "problem": problem[:500]} for _ in batch]


def _name(store: Store, item: dict[str, object]) -> str:
    """A receipt's natural key, as the books have it."""
    return f"{store.name}/{item['business_date']}/{item['register']}/{item['sequence']}"
