"""Group commit: concurrent accepts of one process ride in one pipeline.

A call joins the batch that is being gathered while earlier ones are in flight. There is no timer:
alone, a call leaves at once; under load, batches grow by themselves to whatever arrives
during one round trip and its fsync.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from gateway.store.redis.client import Call, Client, Reply

BATCH_MAX: Final = 256

#: Pipelines in flight at a time. While the store writes and syncs one batch, the process makes the
#: next; a third would only make batches smaller.
FLIGHTS_MAX: Final = 2


class GroupCommit:
    """Runs script calls in pipelines, few of them in flight at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: list[tuple[Call, asyncio.Future[Any]]] = []
        self._flights = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, name: str, keys: Sequence[str | bytes], *args: object) -> Reply:
        """Run one script in the next batch and return its answer."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(((name, keys, args), answer))
        if self._flights < FLIGHTS_MAX:
            self._flights += 1
            task = asyncio.create_task(self._fly())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _fly(self) -> None:
        try:
            # One turn of the loop: whatever else has arrived by now rides along.
            await asyncio.sleep(0)
            while self._waiting:
                batch = self._waiting[:BATCH_MAX]
                del self._waiting[:BATCH_MAX]
                await self._run(batch)
        finally:
            # Here, not when the task is done: a call in between would wait for nobody.
            self._flights -= 1

    async def _run(self, batch: list[tuple[Call, asyncio.Future[Any]]]) -> None:
        answers: Sequence[Any]
        try:
            answers = await self._client.scripts([call for call, _ in batch])
        except Exception as error:  # noqa: BLE001 -- every waiter of the batch must hear of it
            answers = [error] * len(batch)
        for (_, waiter), answer in zip(batch, answers, strict=True):
            if waiter.done():  # the request was cancelled; what it asked for has happened
                continue
            if isinstance(answer, BaseException):
                waiter.set_exception(answer)
            else:
                waiter.set_result(answer)
