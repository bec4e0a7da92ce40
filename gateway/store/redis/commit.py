"""Group commit: concurrent accepts of one process stream through one connection.

A call joins what is being gathered in this turn of the event loop and leaves with it; answers come
back in the order of the calls. There is no timer and no waiting for earlier calls: alone, a call
leaves at once; under load, the store reads many calls at a time and syncs them to disk together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from redis.exceptions import NoScriptError

from gateway.errors import StoreUnavailable
from gateway.store.redis.client import TIMEOUT_S, Call, Client, Reply, answer_of, translated

#: Calls without an answer at which new ones wait: what the store could not take in seconds.
PENDING_MAX: Final = 10_000

_Pending = tuple[Call, "asyncio.Future[Any]"]


class GroupCommit:
    """Streams script calls through a connection of its own, opened when it is needed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._outbox: list[_Pending] = []
        self._stream: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._left = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, name: str, keys: Sequence[str | bytes], *args: object) -> Reply:
        """Run one script and return its answer."""
        if len(self._outbox) >= PENDING_MAX:
            raise StoreUnavailable("the store does not keep up; repeat with the same key")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._outbox.append(((name, keys, args), answer))
        self._wake.set()
        if self._stream is None:
            self._stream = asyncio.create_task(self._serve())
        return await answer

    async def _serve(self) -> None:
        """Send and receive on one connection until it breaks; then fail what was sent on it."""
        sent: deque[_Pending] = deque()
        connection = None
        try:
            connection = await self._client.connection()
            async with asyncio.TaskGroup() as both:
                both.create_task(self._send(connection, sent))
                both.create_task(self._receive(connection, sent))
        except BaseException as error:
            cause = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
            self._fail([*sent, *self._outbox], translated(cause))
            self._outbox.clear()
            if not isinstance(cause, Exception):
                raise
        finally:
            self._stream = None
            if connection is not None:
                await self._client.give_up(connection)

    async def _send(self, connection: Reply, sent: deque[_Pending]) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(0)  # one turn of the loop: whatever else has arrived rides along
            self._wake.clear()
            batch, self._outbox = self._outbox, []
            if batch:
                sent.extend(batch)
                packed = self._client.packed([call for call, _ in batch])
                await connection.send_packed_command(packed, check_health=False)
                self._left.set()

    async def _receive(self, connection: Reply, sent: deque[_Pending]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if not sent:
                self._left.clear()
                await self._left.wait()
            async with asyncio.timeout(TIMEOUT_S) as deadline:
                while sent:
                    answer = await answer_of(connection)
                    self._settle(*sent.popleft(), answer)
                    deadline.reschedule(loop.time() + TIMEOUT_S)

    def _settle(self, call: Call, waiter: asyncio.Future[Any], answer: Reply) -> None:
        if waiter.done():  # the request was cancelled; what it asked for has happened
            return
        if isinstance(answer, NoScriptError):  # it did not run: the store has forgotten scripts
            task = asyncio.create_task(self._again(call, waiter))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif isinstance(answer, BaseException):
            waiter.set_exception(translated(answer))
        else:
            waiter.set_result(answer)

    async def _again(self, call: Call, waiter: asyncio.Future[Any]) -> None:
        name, keys, args = call
        try:
            answer = await self._client.script(name, keys, *args)
        except Exception as error:  # noqa: BLE001 -- whoever waits must hear of it
            if not waiter.done():
                waiter.set_exception(error)
            return
        if not waiter.done():
            waiter.set_result(answer)

    def _fail(self, calls: Sequence[_Pending], error: BaseException) -> None:
        for _, waiter in calls:
            if not waiter.done():
                waiter.set_exception(error)
