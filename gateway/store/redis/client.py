"""One seam to Redis: connect, run scripts, translate errors.

Scripts are never retried by the client library: after a lost connection nobody knows whether a
script ran, and only the caller knows whether running it twice is harmless.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final, TypeAlias

from hiredis import pack_command
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from gateway.errors import CoexistError, ConfigError, Overloaded, StoreUnavailable

#: A script takes microseconds and an fsync milliseconds; after this long the server is not there.
TIMEOUT_S: Final = 5.0

#: What a script shares besides the prelude.
_NEEDS: Final = re.compile(r"^-- Needs: (\w+)$", re.MULTILINE)

_RUN_ID: Final = re.compile(rb"run_id:(\w+)")

#: A script's name, its keys and its arguments.
Call: TypeAlias = tuple[str, Sequence[str | bytes], Sequence[Any]]

_UNKNOWN: Final = "whether this was taken is unknown: repeat it with the same key"


class StrangeServer(RedisConnectionError):
    """A connection reached another server process than the one that is trusted."""


#: Foreign error → ours, the most special first. What is in no row is a bug and stays itself.
FOREIGN: Final[tuple[tuple[type[BaseException], type[CoexistError], str], ...]] = (
    (OutOfMemoryError, Overloaded, "the buffer is full; repeat later"),
    (AuthenticationError, ConfigError, "the store refused us; check COEXIST_REDIS_URL"),
    (BusyLoadingError, StoreUnavailable, "the store is loading its files; repeat later"),
    (ReadOnlyError, StoreUnavailable, "the store is a read-only replica just now; repeat later"),
    (StrangeServer, StoreUnavailable, "the store was restarted or replaced; it is compared first"),
    (RedisTimeoutError, StoreUnavailable, f"the store did not answer in time; {_UNKNOWN}"),
    (TimeoutError, StoreUnavailable, f"the store did not answer in time; {_UNKNOWN}"),
    (RedisConnectionError, StoreUnavailable, f"the store cannot be reached; {_UNKNOWN}"),
    (OSError, StoreUnavailable, f"the store cannot be reached; {_UNKNOWN}"),
)

#: What Redis answers: bytes, integers, lists of them, nothing. Each caller knows which.
Reply: TypeAlias = Any


def translated(error: BaseException) -> BaseException:
    """Return our error for a foreign one; anything unknown is returned as it is.

    While connecting, the library wraps what the server said: then the cause is what counts.
    """
    told = error.__cause__ if isinstance(error.__cause__, AuthenticationError) else error
    for foreign, ours, text in FOREIGN:
        if isinstance(told, foreign):
            return ours(text)
    return error


def script_texts() -> dict[str, str]:
    """Read all scripts, each behind what it shares (but after its own first line of flags).

    All have the prelude; those that say so (`-- Needs: _lanes`) have that as well.
    """
    folder = files("gateway.store.redis") / "scripts"
    prelude = (folder / "_prelude.lua").read_text()
    texts = {}
    for item in folder.iterdir():
        name = item.name.removesuffix(".lua")
        if not item.name.endswith(".lua") or name.startswith("_"):
            continue
        text = item.read_text()
        flags = ""
        if text.startswith("#!"):
            flags, _, text = text.partition("\n")
            flags += "\n"
        needed = _NEEDS.search(text)
        more = (folder / f"{needed[1]}.lua").read_text() if needed else ""
        texts[name] = flags + prelude + more + text
    return texts


async def _run_id_of(connection: Reply) -> bytes:
    """Ask who serves a connection; b"" where that is hidden."""
    await connection.send_command("INFO", "server")
    answer = await connection.read_response()
    raw = answer if isinstance(answer, bytes) else str(answer).encode()
    found = _RUN_ID.search(raw)
    return found[1] if found else b""


async def answer_of(connection: Reply) -> Reply:
    """Read one answer; an error of this call alone is returned, not raised."""
    try:
        return await connection.read_response()
    except ResponseError as error:  # of this call alone; those behind it have their own answers
        return error


class Client:
    """A connection pool and the scripts loaded into its server.

    ``now_ms`` is passed to every script that looks at the time: "" lets the server's clock
    decide, tests set it.
    """

    def __init__(self, url: str) -> None:
        self.redis: Any = Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            # One deadline a round trip, set here: the library would set one for every answer.
            socket_timeout=None,
            socket_connect_timeout=TIMEOUT_S,
            decode_responses=False,
            redis_connect_func=self._connected,
        )
        self._trusted: bytes | None = None
        self._strange = False
        self.now_ms: str | int = ""
        self._texts = script_texts()
        self._shas = {
            name: sha1(text.encode(), usedforsecurity=False).hexdigest()
            for name, text in self._texts.items()
        }
        self._loading = asyncio.Lock()
        self._lent: set[Any] = set()

    async def guard(self) -> None:
        """From now on refuse connections to any other server process than the one that answers."""
        self._trusted = await self._run_id()

    def is_strange(self) -> bool:
        """Say whether a connection was refused because the server is another one."""
        return self._strange

    async def trust(self) -> None:
        """Use whatever server answers now."""
        self._trusted, self._strange = None, False
        await self.redis.connection_pool.disconnect(inuse_connections=False)
        await self.guard()

    async def _run_id(self) -> bytes:
        connection = await self.connection()
        try:
            return await _run_id_of(connection)
        except (RedisError, OSError) as error:
            raise translated(error) from error
        finally:
            await self.give_up(connection)

    async def _connected(self, connection: Reply) -> None:
        await connection.on_connect()
        if self._trusted is not None and await _run_id_of(connection) != self._trusted:
            self._strange = True
            raise StrangeServer("another server process than before")

    async def command(self, *command: str | bytes | float) -> Reply:
        """Run one command."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self.redis.execute_command(*command)
        except (RedisError, OSError) as error:
            raise translated(error) from error

    async def execute(self, pipeline: Reply) -> Reply:
        """Run a pipeline of plain commands, the first error raised."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await pipeline.execute()
        except (RedisError, OSError) as error:
            raise translated(error) from error

    async def script(self, name: str, keys: Sequence[str | bytes], *args: object) -> Reply:
        """Run one script."""
        (answer,) = await self.scripts([(name, keys, args)])
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def scripts(self, calls: Sequence[Call]) -> list[Any]:
        """Run several scripts in one round trip; answers are in order, errors among them.

        A server that is new or was restarted does not know the scripts; a call it refuses for that
        reason did not run, so it alone is repeated.
        """
        answers = await self._pipelined(calls)
        unknown = [i for i, a in enumerate(answers) if isinstance(a, NoScriptError)]
        if unknown:
            await self._load()
            again = await self._pipelined([calls[i] for i in unknown])
            for i, answer in zip(unknown, again, strict=True):
                answers[i] = answer
        return [translated(a) if isinstance(a, BaseException) else a for a in answers]

    async def _pipelined(self, calls: Sequence[Call]) -> list[Any]:
        """Send all calls at once, read all answers.

        On a connection of the pool rather than through the library's pipeline, which costs three
        times the CPU per call (`coexist bench accept` measures what is left of it).
        """
        pool = self.redis.connection_pool
        try:
            async with asyncio.timeout(TIMEOUT_S):
                connection = await pool.get_connection()
        except (RedisError, OSError) as error:
            raise translated(error) from error
        whole = False
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await connection.send_packed_command(self.packed(calls), check_health=False)
                answers = [await answer_of(connection) for _ in calls]
            whole = True
        except (RedisError, OSError) as error:
            raise translated(error) from error
        finally:
            if not whole:  # answers that nobody read must not be taken for somebody else's
                await connection.disconnect()
            await pool.release(connection)
        return answers

    def packed(self, calls: Sequence[Call]) -> bytes:
        """Write script calls as the store reads them."""
        return b"".join(
            pack_command(("EVALSHA", self._shas[name], len(keys), *keys, *args))
            for name, keys, args in calls
        )

    async def connection(self) -> Reply:
        """Open a connection outside of the pool, for as long as the caller likes."""
        connection = self.redis.connection_pool.make_connection()
        async with asyncio.timeout(TIMEOUT_S):
            await connection.connect()
        self._lent.add(connection)
        return connection

    async def give_up(self, connection: Reply) -> None:
        """Close a connection that was lent, without waiting for what its protocol has to say."""
        self._lent.discard(connection)
        await connection.disconnect(nowait=True)

    async def _load(self) -> None:
        async with self._loading:
            for text in self._texts.values():
                await self.command("SCRIPT", "LOAD", text)

    async def server_ms(self) -> int:
        """Return the server's clock in ms since 1970, or the time that was set."""
        if self.now_ms != "":
            return int(self.now_ms)
        seconds, micros = await self.command("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    async def note_alive(self, key: bytes, name: str, ttl_ms: int, note: str = "") -> None:
        """Say in the register ``key`` that ``name`` lives for ``ttl_ms`` from now (0: is gone)."""
        await self.script("note", [key], self.now_ms, name, ttl_ms, note)

    async def alive(self, key: bytes) -> dict[str, str]:
        """Return who lives by the register ``key``, with their notes; forget the dead."""
        flat = [it.decode() for it in await self.script("alive", [key], self.now_ms)]
        return dict(zip(flat[::2], flat[1::2], strict=True))

    async def ping(self) -> None:
        """Raise unless the server answers."""
        await self.command("PING")

    async def close(self) -> None:
        """Close all connections."""
        for connection in tuple(self._lent):
            await self.give_up(connection)
        await self.redis.aclose()
