"""A TCP link to a server that a test can cut, stall or make slow, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: How a link fails: ``cut`` ends every connection and takes no new one, ``stalled`` keeps them and
#: carries nothing either way, ``deaf`` carries what is sent and keeps back what is answered.
FAULTS = ("cut", "stalled", "deaf")


class Link:
    """One port that leads to another; what it kept back is delivered when it is healed."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._loop = asyncio.new_event_loop()
        self._there, self._back = asyncio.Event(), asyncio.Event()
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def fail(self, how: str) -> None:
        """Fail in one of the ways of ``FAULTS``, from when this returns."""
        assert how in FAULTS
        self._do(how)

    def heal(self) -> None:
        """Carry everything again, what was kept back first."""
        self._do("open")

    def _do(self, state: str) -> None:
        asyncio.run_coroutine_threadsafe(self._become(state), self._loop).result(5)

    async def _become(self, state: str) -> None:
        self._is_cut = state == "cut"
        for gate, is_open in (
            (self._there, state in ("open", "cut", "deaf")),
            (self._back, state in ("open", "cut")),
        ):
            gate.set() if is_open else gate.clear()
        if self._is_cut:
            for writer in list(self._writers):
                writer.transport.abort()

    async def _carry(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        if self._is_cut:
            near_out.transport.abort()
            return
        far, far_out = await asyncio.open_connection("127.0.0.1", self._to)
        both = {near_out, far_out}
        self._writers |= both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(near, far_out, self._there))
                group.create_task(_pump(far, near_out, self._back))
        finally:
            self._writers -= both

    def run(self, ready: threading.Event) -> None:
        """Serve until stopped; for a thread of its own."""
        asyncio.set_event_loop(self._loop)
        self._there.set()
        self._back.set()
        server = self._loop.run_until_complete(asyncio.start_server(self._carry, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    def stop(self) -> None:
        """End it; its connections end too."""
        self._do("cut")
        self._loop.call_soon_threadsafe(self._loop.stop)


async def _pump(
    read: asyncio.StreamReader, write: asyncio.StreamWriter, gate: asyncio.Event
) -> None:
    """Carry bytes one way while the gate is open; an end at one side is an end at the other."""
    with suppress(OSError):
        while some := await read.read(65536):
            await gate.wait()
            write.write(some)
            await write.drain()
    write.close()


@contextmanager
def link_to(port: int) -> Iterator[Link]:
    """Lead to a port of this machine while the block runs."""
    made, ready = Link(port), threading.Event()
    thread = threading.Thread(target=made.run, args=(ready,), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield made
    finally:
        made.stop()
        thread.join(5)
