"""One worker's deliveries in this process, on messages put straight into the buffer.

The parts are the real ones: accept script, lanes, quota, dispatcher, dialect, and the simulated
cloud ERP in a process of its own. Only the projector is left out, so that events can be read.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import httpx

from gateway.canonical.envelope import Envelope, new_transaction_id, order_key, partition_of
from gateway.canonical.exchange import Accepted, Entry
from gateway.canonical.process import Priority, Target
from gateway.clock import SystemClock, token_bits
from gateway.flow.dispatch import Dispatcher
from gateway.flow.leases import LeaseKeeper
from gateway.flow.workplace import Workplace
from gateway.settings import load
from gateway.wiring import Parts, fairness, opened
from tests.bench.installation import environment, gateways
from tests.bench.quota import Setting, accepted, erp_of

#: Accepts under way at once while a backlog is loaded.
AT_ONCE: Final = 500


@dataclass
class Bench:
    """A buffer that can be filled and served."""

    parts: Parts
    template: Envelope
    epochs: dict[int, int]

    async def put(self, ref: str, priority: Priority, *, about: str = "") -> Accepted:
        """Accept one order; ``about`` names another object than its own."""
        object_key = order_key("webshop", about or ref)
        partitions = self.parts.settings.partitions
        partition, now = partition_of(object_key, partitions), SystemClock().now()
        made = new_transaction_id(partition, now, token_bits())
        envelope = self.template.model_copy(
            update={
                "transaction_id": made,
                "object_key": object_key,
                "reference": ref,
                "body": {**self.template.body, "order_ref": ref},
            }
        )
        answer = await self.parts.intake.accept(
            Entry(
                transaction_id=made,
                object_key=object_key,
                claim=f"webshop|order.intake|{ref}",
                digest=bytes(15) + b"1",
                epoch=self.epochs[partition],
                target=Target.CLOUD,
                priority=int(priority),
                channel="webshop",
                payload=envelope.model_dump_json().encode(),
            )
        )
        if not isinstance(answer, Accepted):
            raise TypeError(f"{ref} was answered {answer}")
        return answer

    async def fill(self, prefix: str, count: int, priority: Priority, about: str = "") -> None:
        """Accept many orders, as fast as the store takes them."""
        for first in range(0, count, AT_ONCE):
            some = range(first, min(count, first + AT_ONCE))
            await asyncio.gather(*(self.put(f"{prefix}-{n}", priority, about=about) for n in some))

    @asynccontextmanager
    async def working(self, in_flight_max: int) -> AsyncIterator[None]:
        """Serve the cloud's lanes meanwhile."""
        parts, clock, chance = self.parts, SystemClock(), Random(1)
        settings = parts.settings
        parts.lanes.favour(fairness(settings, peak=False))
        keeper = LeaseKeeper(
            parts.lanes, clock, "bench", settings.partitions, settings.lease_ms, chance
        )
        at = Workplace(
            parts.lanes, parts.quotas, parts.erps, keeper, parts.observer, clock, chance,
            parts.windows,
        )  # fmt: skip
        await keeper.tick()
        stop = asyncio.Event()

        async def renew() -> None:
            while True:
                await asyncio.sleep(settings.lease_ms / 4000)
                await keeper.tick()

        leasing = asyncio.create_task(renew())
        serving = asyncio.create_task(Dispatcher(Target.CLOUD, at, in_flight_max).run(stop))
        try:
            yield
        finally:
            stop.set()
            await serving
            leasing.cancel()
            with suppress(asyncio.CancelledError):
                await leasing
            await keeper.leave()


@asynccontextmanager
async def bench(setting: Setting, places: int) -> AsyncIterator[Bench]:
    """An installation whose cloud ERP has ``places`` and no other limit that matters."""
    with ExitStack() as stack:
        erp = stack.enter_context(erp_of(setting, places=places))
        free = {
            "COEXIST_ERPS__CLOUD__URL": erp,
            "COEXIST_ERPS__CLOUD__QUOTA__PROFILE": "custom",
            "COEXIST_ERPS__CLOUD__QUOTA__CONCURRENT_MAX": str(places),
        }
        servers, keys, folder = stack.enter_context(gateways(1, **free))
        os.environ.update(environment(folder, (folder / "redis_url").read_text(), **free))
        first = await _first(servers[0].url, keys["webshop"], folder)
        async with opened(load()) as parts:
            progress = await parts.intake.progress(first)
            if progress is None:
                raise RuntimeError("the first order is gone")
            epochs = {
                n: (await parts.book.partition(n)).epoch for n in range(parts.settings.partitions)
            }
            yield Bench(parts, progress.envelope, epochs)


async def _first(url: str, key: str, folder: Path) -> str:
    """Let the gateway take some orders, and look one of them up."""
    await accepted(url, key, folder, 50)
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) as it:
        answer = await it.get("/v1/orders/QUOTA-0")
        found = json.loads(answer.text)
        return str(found["transactions"][0]["transaction_id"])
