"""The legacy ERP's web front: Basic auth, few sessions, IDoc intake, RFC calls, batch posting."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from hmac import compare_digest
from typing import Final

from aiohttp import web

from simulators.clock import Clock, SystemClock
from simulators.control import add_control
from simulators.customers import Customers
from simulators.legacy import rfc
from simulators.legacy.idoc import control_problem
from simulators.legacy.markup import BadMarkup, parse, tag
from simulators.legacy.store import SERIES, Idoc, IdocStore
from simulators.options import LegacyOptions
from simulators.shell import Handler, Shell
from simulators.trade import Series

SAP_CLIENT: Final = "100"
POST_AT_ONCE = 100
"""IDocs posted before the loop lets requests through: about 5 ms of work."""


def legacy_erp(options: LegacyOptions, clock: Clock | None = None) -> Shell[LegacyOptions]:
    """The simulated legacy ERP, ready to be served."""
    customers = Customers("{:010d}".format, 100_001)
    shell = Shell("legacy", options, clock or SystemClock(), Series(SERIES), customers)
    store = IdocStore(shell)
    for document in shell.trade.seed_old_orders(options.old_orders, "L", shell.chance("old")):
        store.adopt(document)
    shell.writes = lambda request: request.path == "/sap/bc/idoc_xml"
    shell.closed = _closed
    front = _Front(shell, store)
    shell.app.add_routes(
        [
            web.post("/sap/bc/idoc_xml", front.in_session(front.take_idocs)),
            web.post("/sap/bc/soap/rfc", front.in_session(front.call)),
            web.get("/sap/bc/soap/rfc", front.in_session(front.describe)),
        ]
    )
    shell.app.cleanup_ctx.append(front.batch_runs)
    add_control(shell)
    return shell


class _Front:
    def __init__(self, shell: Shell[LegacyOptions], store: IdocStore) -> None:
        self._shell = shell
        self._store = store
        self._functions = rfc.Functions(store, shell)
        self._busy = 0
        secret = f"{shell.options.user}:{shell.options.password}".encode()
        self._authorization = b"Basic " + b64encode(secret)

    def in_session(self, handler: Handler) -> Handler:
        """Let the handler run in one of the few sessions, or refuse with 401 or 503."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            refusal = self._refusal(request)
            if refusal is not None:
                return refusal
            self._busy += 1
            self._shell.counters.raise_to("max_concurrent", self._busy)
            try:
                await self._shell.work()
                return await handler(request)
            finally:
                self._busy -= 1

        return guarded

    def _refusal(self, request: web.Request) -> web.Response | None:
        counters = self._shell.counters
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not compare_digest(given, self._authorization):
            counters.add("unauthorized_401")
            realm = {"WWW-Authenticate": f'Basic realm="SAP NetWeaver [LEG/{SAP_CLIENT}]"'}
            return web.Response(status=401, text="Logon failed: user or password", headers=realm)
        fault = self._shell.faults.fires("throttle")
        if fault is not None:
            counters.add("throttle_faults")
        elif self._busy < self._shell.options.sessions:
            return None
        counters.add("throttled_503")
        wait_s = max(1, -(-fault.delay_ms // 1000)) if fault is not None else 1
        return web.Response(
            status=503,
            text="No session free: try again later",
            headers={"Retry-After": f"{wait_s}"},
        )

    # ------------------------------------------------------------------ routes

    async def take_idocs(self, request: web.Request) -> web.StreamResponse:
        """Store a packet of IDocs, all or none; 200 means stored, not posted."""
        client = request.query.get("sap-client", SAP_CLIENT)
        if client != SAP_CLIENT:
            return _refused(f"client {client} is not defined, use sap-client={SAP_CLIENT}")
        try:
            idocs = parse(await request.read()).findall("IDOC")
        except BadMarkup as error:
            return _refused(str(error))
        if not idocs:
            return _refused("the packet has no element IDOC below its root")
        for place, idoc in enumerate(idocs, start=1):
            problem = control_problem(idoc)
            if problem is not None:
                return _refused(f"IDOC {place}: {problem}")
        return await self._shell.deliver(request, lambda: self._store.store(idocs), _stored)

    async def call(self, request: web.Request) -> web.StreamResponse:
        """An RFC call over SOAP 1.1; a fault is a 500, as SOAP 1.1 says."""
        try:
            envelope = parse(await request.read())
        except BadMarkup as error:
            return _refused(str(error))
        try:
            if self._functions.writes(envelope):
                return await self._shell.deliver(
                    request, lambda: self._functions.call(envelope), _xml
                )
            return _xml(self._functions.call(envelope))
        except rfc.SoapFault as fault:
            return _xml(rfc.fault_envelope(fault), status=500)

    async def describe(self, request: web.Request) -> web.StreamResponse:
        """The WSDL, at ?wsdl only."""
        if "wsdl" not in {name.lower() for name in request.query}:
            return web.Response(status=405, text="use POST, or GET with ?wsdl")
        return _xml(rfc.wsdl(f"http://{request.host}{request.path}"))

    # ------------------------------------------------------------------ batch posting

    async def batch_runs(self, _: web.Application) -> AsyncIterator[None]:
        """Post what is stored every `posting_interval_s` while the application runs."""
        task = asyncio.create_task(self._post_forever())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):  # anything else that ended it comes to light here
            await task

    async def _post_forever(self) -> None:
        while True:
            await self._pause()
            posted = POST_AT_ONCE
            while posted == POST_AT_ONCE:
                posted = self._store.post(POST_AT_ONCE)
                await asyncio.sleep(0)

    async def _pause(self) -> None:
        """Wait for the next run; a changed interval begins anew."""
        changed = self._shell.settings_changed
        while True:
            changed.clear()
            interval_s = self._shell.options.posting_interval_s
            try:
                await asyncio.wait_for(changed.wait(), interval_s)
            except TimeoutError:
                return


def _closed() -> web.Response:
    return web.Response(status=503, text="The system is closed: batch run or maintenance")


def _stored(idocs: list[Idoc]) -> web.Response:
    items = "".join(f"<IDOC>{tag('DOCNUM', idoc.docnum)}</IDOC>" for idoc in idocs)
    return _xml(f'<?xml version="1.0" encoding="utf-8"?><IDOCS>{items}</IDOCS>')


def _xml(text: str, status: int = 200) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/xml")


def _refused(why: str) -> web.Response:
    return web.Response(status=400, text=why)
