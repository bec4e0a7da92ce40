"""Scripts whose keys are spoilt: each does all of its work, or nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from redis.exceptions import ResponseError

from gateway.canonical.envelope import Marker
from tests.property.dumped import dump
from tests.valkey import NOW_MS, Buffer

Work = Callable[[], Awaitable[Any]]
Prepare = Callable[[Buffer], Awaitable[Work]]


async def prepared(buffer: Buffer, prepare: Prepare) -> Work:
    """Start anew and bring the buffer to where the script is to be run."""
    await buffer.client.command("FLUSHALL")
    buffer.at(NOW_MS)
    await buffer.under(Marker(1, "v1"))
    return await prepare(buffer)


async def spoilt(buffer: Buffer, prepare: Prepare) -> None:
    """Spoil each key in turn that a script may touch: it has to do all of its work, or nothing."""
    run = await prepared(buffer, prepare)
    names = set(await dump(buffer))
    await run()
    names |= set(await dump(buffer))
    failed, half = 0, set[str]()
    for name in sorted(names):
        run = await prepared(buffer, prepare)
        await buffer.client.command("DEL", name)
        await buffer.client.command("SET", name, "spoilt")
        before = await dump(buffer)
        try:
            await run()
        except ResponseError as error:
            assert "WRONGTYPE" in str(error)  # noqa: PT017 -- most keys are none of the script's
            failed += 1
            if await dump(buffer) != before:
                half.add(name.decode().partition("}:")[2].partition(":")[0])
    assert failed, "no key of the script was spoilt"
    assert half == set()
