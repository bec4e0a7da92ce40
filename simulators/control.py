"""The control API under /control: for tests, demos and audits, never for a gateway.

Every refused call is a 400 `{"error": "..."}` that names the value and the valid ones.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

from simulators.asked import json_object
from simulators.clock import Clock
from simulators.counters import Counters
from simulators.faults import FaultError, Faults
from simulators.options import OptionError, ServerOptions

WRITTEN_AT_ONCE = 200
"""Documents written before other requests get their turn: about 7 ms of work."""


class ControlError(ValueError):
    """A control call that cannot be understood."""


class Entry(Protocol):
    """What stands in the books."""

    def as_json(self) -> dict[str, object]:
        """The entry of `GET /control/books`."""
        ...


class Books(Protocol):
    """Entries in order, and apart from them those seeded at start."""

    @property
    def seeded(self) -> Sequence[Entry]:
        """What was there before."""
        ...

    @property
    def last_sequence(self) -> int:
        """The sequence of the newest entry, 0 when there is none."""
        ...

    def since(self, after: int, limit: int = ...) -> Sequence[Entry]:
        """At most `limit` entries with a sequence above `after`, in order."""
        ...


class Controlled(Protocol):
    """A simulator as its control API sees it."""

    @property
    def system(self) -> str: ...
    @property
    def options(self) -> ServerOptions: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def counters(self) -> Counters: ...
    @property
    def faults(self) -> Faults: ...
    @property
    def books(self) -> Books: ...
    @property
    def app(self) -> web.Application: ...

    def change(self, values: dict[str, object]) -> None:
        """Change live settings. Raises `OptionError` and changes nothing."""
        ...


def add_control(shell: Controlled) -> None:
    """Add the control routes to the shell's application."""
    control = _Control(shell)
    shell.app.add_routes(
        [
            web.get("/control/health", control.health),
            web.get("/control/books", control.books),
            web.get("/control/counters", control.counters),
            web.get("/control/settings", control.settings),
            web.put("/control/settings", control.change_settings),
            web.get("/control/faults", control.faults),
            web.put("/control/faults/{name}", control.switch_on),
            web.delete("/control/faults/{name}", control.switch_off),
            web.delete("/control/faults", control.switch_all_off),
        ]
    )


class _Control:
    def __init__(self, shell: Controlled) -> None:
        self._shell = shell
        self._started_s = shell.clock.monotonic_s()

    async def health(self, _: web.Request) -> web.Response:
        up_s = self._shell.clock.monotonic_s() - self._started_s
        return web.json_response(
            {
                "status": "ok",
                "system": self._shell.system,
                "pid": os.getpid(),
                "seed": self._shell.options.seed,
                "up_s": round(up_s, 3),
            }
        )

    async def books(self, request: web.Request) -> web.Response:
        try:
            after = _whole(request, "after", 0)
            limit = _whole(request, "limit", sys.maxsize)
            include = request.query.get("include", "")
            if include not in ("", "seeded"):
                raise ControlError(f"include is {include!r}, it may only be 'seeded'")
        except ControlError as error:
            return _refused(error)
        books = self._shell.books
        documents = books.since(after, limit)
        if include == "seeded" and after <= 0:
            documents = [*books.seeded, *documents]
        head = {"system": self._shell.system, "last_sequence": books.last_sequence}
        text = f'{json.dumps(head)[:-1]}, "documents": [{await _written(documents)}]}}'
        return web.Response(text=text, content_type="application/json")

    async def counters(self, _: web.Request) -> web.Response:
        return web.json_response(self._shell.counters.as_json())

    async def settings(self, _: web.Request) -> web.Response:
        return web.json_response(self._shell.options.live())

    async def change_settings(self, request: web.Request) -> web.Response:
        try:
            self._shell.change(await json_object(request, ControlError))
        except (ControlError, OptionError) as error:
            return _refused(error)
        return await self.settings(request)

    async def faults(self, _: web.Request) -> web.Response:
        return web.json_response({"faults": self._shell.faults.as_json()})

    async def switch_on(self, request: web.Request) -> web.Response:
        try:
            fault = self._shell.faults.switch_on(
                request.match_info["name"], await json_object(request, ControlError)
            )
        except (ControlError, FaultError) as error:
            return _refused(error)
        now_s = self._shell.clock.monotonic_s()
        return web.json_response({"name": fault.name, **fault.as_json(now_s)})

    async def switch_off(self, request: web.Request) -> web.Response:
        try:
            self._shell.faults.switch_off(request.match_info["name"])
        except FaultError as error:
            return _refused(error)
        return await self.faults(request)

    async def switch_all_off(self, request: web.Request) -> web.Response:
        self._shell.faults.switch_all_off()
        return await self.faults(request)


async def _written(documents: Sequence[Entry]) -> str:
    """The documents as JSON, comma-separated; long books must not hold up the ERP's callers."""
    parts = []
    for start in range(0, len(documents), WRITTEN_AT_ONCE):
        portion = documents[start : start + WRITTEN_AT_ONCE]
        parts += [json.dumps(document.as_json()) for document in portion]
        await asyncio.sleep(0)
    return ", ".join(parts)


def _whole(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise ControlError(f"{name} is {text!r}, it must be a whole number from 0")
    return int(text)


def _refused(error: Exception) -> web.Response:
    return web.json_response({"error": str(error)}, status=400)
