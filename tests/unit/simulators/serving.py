"""A simulator on a free port, in a thread of its own: for tests whose clients block."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from simulators.server import Served, Server

PATIENCE_S = 10.0
#: For everybody: a client made for each call reads all the world's certificates each time, 50 ms.
HTTP = httpx.Client(verify=False, trust_env=False, timeout=30)


@contextmanager
def served(build: Callable[[], Served]) -> Iterator[str]:
    """Serve for as long as the block lasts; yields the address."""
    ready: list[str] = []
    stop = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        server = Server(build())
        await server.start()
        ready.append(server.url)
        try:
            await stop.wait()
        finally:
            await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    eventually(lambda: bool(ready))
    try:
        yield ready[0]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_S)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds, for `PATIENCE_S` at most."""
    until_s = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > until_s:
            raise AssertionError(f"did not come about within {PATIENCE_S} s")
        time.sleep(0.01)
