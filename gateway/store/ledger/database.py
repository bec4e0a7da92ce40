"""One database behind the ledger: calls run in threads, each is one SQL transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from gateway.clock import Clock, SystemClock
from gateway.store.ledger.engine import connect, masked, parse, writing
from gateway.store.ledger.foreign import translated

T = TypeVar("T")

#: Connections of one process: a projector, the API's look-ups and the status page at once.
CONNECTIONS: Final = 4


class Database:
    """The database at ``url``, upgraded before. Its subclasses say what is read and written."""

    def __init__(
        self, url: str, *, clock: Clock | None = None, connections: int = CONNECTIONS
    ) -> None:
        parsed = parse(url)
        self._clock = clock or SystemClock()
        self._where = masked(parsed)
        self._engine = connect(parsed, connections)
        self._writer = writing(self._engine)

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._engine.dispose)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._run, self._engine, work)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._run, self._writer, work)

    def _run(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        with translated(self._where), engine.begin() as connection:
            return work(connection)
