"""Group commit: concurrent calls of one process stream through one connection.

A call joins what is being gathered in this turn of the event loop and leaves with it; answers come
back in the order of the calls. There is no timer and no waiting for earlier calls: alone, a call
leaves at once; under load, the store reads many calls at a time and syncs them to disk together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, Final

from redis.exceptions import NoScriptError, RedisError

from gateway.errors import StoreUnavailable
from gateway.store.redis.client import TIMEOUT_S, Call, Client, Reply, translated
from gateway.store.redis.stream import Settle, Stream

#: Calls without an answer at which new ones are refused: what the store could not take in seconds.
PENDING_MAX: Final = 10_000


class GroupCommit:
    """Streams script calls through a connection of its own, opened when it is needed.

    It belongs to the event loop that uses it first.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls: list[Call] = []
        self._settles: list[Settle] = []
        self._stream: Stream | None = None
        self._connection: Reply = None
        self._opening = False
        self._leaving = False
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, name: str, keys: Sequence[str | bytes], *args: object) -> asyncio.Future[Reply]:
        """Have one script run; the future has its answer, or what went wrong with it."""
        loop = self._loop
        if loop is None:  # to ask for it each time is a system call each time
            loop = self._loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reply] = loop.create_future()
        if len(self._settles) + self._under_way >= PENDING_MAX:
            answer.set_exception(
                StoreUnavailable("the store does not keep up; repeat with the same key")
            )
            return answer
        call: Call = (name, keys, args)
        self._calls.append(call)
        self._settles.append(partial(self._settle, call, answer))
        if not self._leaving:
            self._leaving = True
            loop.call_soon(self._leave)
        return answer

    @property
    def _under_way(self) -> int:
        return len(self._stream.waiting) if self._stream is not None else 0

    def _leave(self) -> None:
        """Send what this turn of the loop has gathered, once there is a connection."""
        self._leaving = False
        if self._stream is not None:
            calls, self._calls = self._calls, []
            settles, self._settles = self._settles, []
            self._stream.send(self._client.packed(calls), settles)
        elif not self._opening:
            self._opening = True
            self._start(self._open())

    async def _open(self) -> None:
        try:
            connection = await self._client.connection()
        except (RedisError, OSError) as error:
            self._fail(self._gathered(), error)
        else:
            self._connection = connection
            self._stream = Stream(TIMEOUT_S, self._lost)
            self._stream.take_over(connection)
            self._leave()
        finally:
            self._opening = False

    def _lost(self, error: BaseException) -> None:
        """Fail what was under way: nobody knows which of it the store has done."""
        if self._stream is None:
            return
        sent, self._stream = self._stream.waiting, None
        connection, self._connection = self._connection, None
        self._start(self._client.give_up(connection))
        self._fail([*sent, *self._gathered()], error)

    def _gathered(self) -> list[Settle]:
        settles, self._settles, self._calls = self._settles, [], []
        return settles

    def _settle(self, call: Call, waiter: asyncio.Future[Any], answer: Reply) -> None:
        if waiter.done():  # the request was cancelled; what it asked for has happened
            return
        if isinstance(answer, NoScriptError):  # it did not run: the store has forgotten scripts
            self._start(self._again(call, waiter))
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

    def _fail(self, settles: Sequence[Settle], error: BaseException) -> None:
        for settle in settles:
            settle(error)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
