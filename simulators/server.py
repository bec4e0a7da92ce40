"""Serving a simulated system: listen, announce, and stop by itself."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from aiohttp import web

from simulators.options import ServerOptions

GRACE_S = 1.0
"""How long requests under way may take once the simulator is told to stop."""


class Served(Protocol):
    """A simulator as its server sees it."""

    @property
    def title(self) -> str: ...
    @property
    def options(self) -> ServerOptions: ...
    @property
    def app(self) -> web.Application: ...


class CannotServe(Exception):
    """The address is taken or the announce file cannot be written; the message says what to do."""


class Server:
    """A simulated ERP listening; `url` is known once started."""

    def __init__(self, shell: Served) -> None:
        self._shell = shell
        self._runner = web.AppRunner(shell.app, access_log=None, shutdown_timeout=GRACE_S)
        self.url = ""

    async def start(self) -> None:
        """Listen. Raises `CannotServe`."""
        options = self._shell.options
        await self._runner.setup()
        site = web.TCPSite(self._runner, options.host, options.port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise CannotServe(
                f"cannot listen on {options.host}:{options.port}: {error.strerror}; "
                "choose another --port, or 0 for a free one"
            ) from None
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop listening and end what is under way."""
        await self._runner.cleanup()


async def serve(shell: Served) -> None:
    """Serve until SIGTERM, SIGINT or `max_seconds`. Raises `CannotServe`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    options = shell.options
    announce_file = Path(options.announce) if options.announce else None
    if announce_file is not None:  # one left by an earlier run would mislead
        announce_file.unlink(missing_ok=True)
    server = Server(shell)
    await server.start()
    try:
        if announce_file is not None:
            announce(announce_file, server.url)
        print(f"{shell.title} at {server.url}, seed {options.seed}", flush=True)  # noqa: T201 -- said to people
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), options.max_seconds)
    finally:
        await server.stop()


def announce(file: Path, url: str) -> None:
    """Write url and pid to the file in one step, so that no reader sees half of it."""
    text = json.dumps({"url": url, "pid": os.getpid()})
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        raise CannotServe(
            f"cannot write the announce file {file}: {error.strerror}; choose another --announce"
        ) from None
