"""One connection as a stream: calls go out, and answers settle them in order.

A connection of the client library is opened by it (address, TLS, credentials, database) and then
spoken to without it: bytes from the transport go straight into the library's compiled parser.
Reading each answer through the library's reader costs as much as validating an order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

from hiredis import PushNotification, Reader
from redis.asyncio.connection import AbstractConnection
from redis.connection import DefaultParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse
from redis.exceptions import TimeoutError as RedisTimeoutError

#: What the parser returns for an answer that is not whole yet; nil is an answer.
_NOT_WHOLE: Final = object()

Settle = Callable[[Any], None]


class Stream(asyncio.Protocol):
    """Sends calls on a connection that is open, and gives each answer to who asked.

    ``lost`` is told once, when the connection has ended, why; nothing is settled after that.
    What was sent and not answered is then in ``waiting``, in the order of sending.
    """

    def __init__(self, silence_s_max: float, lost: Callable[[BaseException], None]) -> None:
        self.waiting: deque[Settle] = deque()
        self._silence_s_max = silence_s_max
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._reader = Reader(
            protocolError=InvalidResponse,
            replyError=DefaultParser.parse_error,
            notEnoughData=_NOT_WHOLE,
        )
        self._transport: asyncio.Transport
        self._heard_s = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._ended = False

    def take_over(self, connection: AbstractConnection) -> None:
        """Speak on ``connection`` from now on; its own reader sees nothing any more."""
        self._transport = cast("asyncio.Transport", connection._writer.transport)  # type: ignore[union-attr]  # noqa: SLF001 -- redis-py shows it nowhere else
        self._transport.set_protocol(self)

    def send(self, data: bytes, settles: list[Settle]) -> None:
        """Send calls, packed, with what to do with their answers (of errors: given as values)."""
        if not self.waiting:
            self._heard_s = self._loop.time()
            if self._watch is None:
                self._watch = self._loop.call_later(self._silence_s_max, self._look)
        self.waiting.extend(settles)
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Settle what is answered."""
        self._heard_s = self._loop.time()
        reader, waiting = self._reader, self.waiting
        reader.feed(data)
        try:
            while (answer := reader.gets()) is not _NOT_WHOLE:
                if type(answer) is not PushNotification:  # nobody asked for those
                    waiting.popleft()(answer)
        except (InvalidResponse, IndexError) as error:
            self._end(RedisConnectionError(f"the store answered what nobody asked: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that nothing more comes."""
        self._end(exc or RedisConnectionError("the store closed the connection"))

    def _look(self) -> None:
        """End a connection that has been silent for too long while somebody waits."""
        self._watch = None
        if not self.waiting:
            return
        silent_s = self._loop.time() - self._heard_s
        if silent_s >= self._silence_s_max:
            self._end(RedisTimeoutError("the store does not answer"))
        else:
            self._watch = self._loop.call_later(self._silence_s_max - silent_s, self._look)

    def _end(self, error: BaseException) -> None:
        if self._ended:
            return
        self._ended = True
        if self._watch is not None:
            self._watch.cancel()
        self._transport.abort()
        self._lost(error)
