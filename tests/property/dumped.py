"""All that a server holds, to be compared."""

from __future__ import annotations

from tests.valkey import Buffer

READ: dict[bytes, tuple[str, ...]] = {
    b"hash": ("HGETALL",),
    b"list": ("LRANGE", "0", "-1"),
    b"zset": ("ZRANGE", "0", "-1", "WITHSCORES"),
    b"stream": ("XRANGE", "-", "+"),
    b"string": ("GET",),
}


async def dump(buffer: Buffer) -> dict[bytes, str]:
    """Everything, by content: DUMP shows how a hash is laid out, which reading it may change."""
    found = {}
    for name in await buffer.client.command("KEYS", "*"):
        command, *rest = READ[await buffer.client.command("TYPE", name)]
        value = await buffer.client.command(command, name, *rest)
        found[name] = repr(sorted(value.items()) if isinstance(value, dict) else value)
    return found


async def plain(buffer: Buffer) -> dict[bytes, str]:
    """Everything but the events, whose ids are of the server's clock."""
    found = await dump(buffer)
    return {name: value for name, value in found.items() if not name.endswith(b"}:e")}
