"""Group commit: concurrent accepts of one process ride in one pipeline.

A call joins the batch that is being gathered while the previous one is in flight. There is no
timer: alone, a call leaves at once; under load, batches grow by themselves to whatever arrives
during one round trip and its fsync.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from gateway.store.redis.client import Call, Client, Reply

BATCH_MAX: Final = 256


class GroupCommit:
    """Runs script calls in pipelines, one pipeline in flight at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: list[tuple[Call, asyncio.Future[Any]]] = []
        self._flying: asyncio.Task[None] | None = None

    async def run(self, name: str, keys: Sequence[str | bytes], *args: object) -> Reply:
        """Run one script in the next batch and return its answer."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(((name, keys, args), answer))
        if self._flying is None:
            self._flying = asyncio.create_task(self._fly())
        return await answer

    async def _fly(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)
                batch = self._waiting[:BATCH_MAX]
                del self._waiting[:BATCH_MAX]
                await self._run(batch)
        finally:
            self._flying = None

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
