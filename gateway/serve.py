"""Starts granian with one worker, which is one gateway process, and announces it when ready.

Apart from :mod:`gateway.app`, so that the supervising process need not load what only its worker
uses.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Final

from granian.constants import Interfaces, Loops
from granian.server import MPServer

from gateway.settings import load

#: What ``serve`` tells its worker process, through the environment.
ANNOUNCE_ENV: Final = "COEXIST_ANNOUNCE_FILE"
ADDRESS_ENV: Final = "COEXIST_ANNOUNCE_URL"

#: Between two looks whether the port is open yet, which it is within milliseconds of the start.
LISTENING_S: Final = 0.01


class Server(MPServer):
    """Ends with the exit code of its worker process, if that ended by itself."""

    def shutdown(self, exit_code: int = 0) -> None:
        """Stop, and end the process if its worker could not start or was killed."""
        ended = [worker.inner.exitcode or 0 for worker in self.wrks]
        by_itself = max(0, *ended) if self.interrupt_children else 0
        super().shutdown(exit_code or by_itself)  # type: ignore[no-untyped-call]  # -- as granian has it


def serve(host: str, port: int, announce: Path | None) -> None:
    """Serve until stopped. Port 0 takes a free one; ``announce`` gets the URL once ready."""
    load()  # what is wrong is said here, not by a child that does not start
    if port == 0:
        port = free_port(host)
    os.environ[ADDRESS_ENV] = f"http://{host}:{port}"
    if announce is not None:
        os.environ[ANNOUNCE_ENV] = str(announce)
    Server(
        "gateway.app:application",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        workers=1,
        loop=Loops.uvloop,
        websockets=False,
        log_enabled=True,
        log_access=False,
        factory=True,
        workers_kill_timeout=10,
    ).serve()


def free_port(host: str) -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


async def announce() -> None:
    """Write URL and process ids to the file ``serve`` was told to announce itself in, if any.

    Only once the port is open: whoever reads it sends requests at once.
    """
    target = os.environ.get(ANNOUNCE_ENV)
    if not target:
        return
    url = os.environ[ADDRESS_ENV]
    host, _, port = url.removeprefix("http://").rpartition(":")
    while not await _listening(host, int(port)):  # noqa: ASYNC110 -- the server tells nobody
        await asyncio.sleep(LISTENING_S)
    body = {"url": url, "pid": os.getppid(), "worker_pid": os.getpid()}
    write_announcement(Path(target), body)


async def _listening(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def write_announcement(target: Path, body: dict[str, object]) -> None:
    """Write a small JSON file so that a reader never sees half of it."""
    draft = target.with_suffix(".draft")
    draft.write_text(json.dumps(body))
    draft.replace(target)
