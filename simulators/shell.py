"""What both simulated ERPs stand on: faults, counters, trade, and the fate of a write.

A simulated ERP is a `Shell` to which its own routes have been added. Business requests pass
`_front` (counting, outage); control calls do not. Handlers are never cancelled when a caller hangs
up: as in life, a request that has arrived is carried out although nobody waits for the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

from aiohttp import web
from aiohttp.typedefs import Middleware

from simulators.books import Books, Document, Draft, Kind
from simulators.catalogue import load_catalogue
from simulators.clock import Clock
from simulators.counters import Counters
from simulators.customers import CustomerRow, Customers
from simulators.faults import Fault, Faults
from simulators.options import Options
from simulators.refusals import Refusal
from simulators.spoil import spoilt
from simulators.trade import Trade

OptionsT = TypeVar("OptionsT", bound=Options)
Booked = TypeVar("Booked")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BODY_BYTES_MAX = 4 * 1024 * 1024
CONTROL = "/control/"


@dataclass(frozen=True, slots=True)
class Serving:
    """A request in service, since monotonic time; the caller's `port` says which process waits."""

    arrived_s: float
    port: int
    method: str
    path: str


class Shell(Generic[OptionsT]):
    """One simulated ERP: its web application and everything that is the same in both.

    `options` is replaced when a setting changes; whoever waits on a setting listens on
    `settings_changed`.
    """

    def __init__(
        self,
        system: str,
        options: OptionsT,
        clock: Clock,
        number: Callable[[Kind], str],
        customers: Customers,
    ) -> None:
        self.system = system
        self.options = options
        self.clock = clock
        self.counters = Counters()
        self.faults = Faults(clock, options.seed)
        self.settings_changed = asyncio.Event()
        self.trade = Trade(
            items=load_catalogue(),
            clock=clock,
            options=lambda: self.options,
            number=number,
            chance=self.chance("shipping"),
            customers=customers,
        )
        #: Whether a request books, and what is answered while the system is closed.
        self.writes: Callable[[web.Request], bool] = lambda request: request.method == "POST"
        self.closed: Callable[[], web.Response] = lambda: web.Response(status=503)
        self._latency = self.chance("latency")
        self._in_service: dict[int, Serving] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.app = web.Application(middlewares=[_front(self)], client_max_size=BODY_BYTES_MAX)
        self.app.on_cleanup.append(self._stop)
        self.app.router.add_get("/control/in_service", self._show_in_service)
        self.app.router.add_put("/control/items/{sku}", self._create_item)
        self.app.router.add_get("/control/customers", self._show_customers)

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"{self.system} ERP"

    @property
    def books(self) -> Books:
        """What was booked."""
        return self.trade.books

    def chance(self, purpose: str) -> Random:
        """A stream of chance of its own, so that one use does not disturb another."""
        return Random(f"{self.options.seed}/{self.system}/{purpose}")

    def change(self, values: dict[str, object]) -> None:
        """Change live settings. Raises `OptionError` and changes nothing."""
        self.options = self.options.changed(values)
        self.settings_changed.set()

    # ------------------------------------------------------------------ a request's course

    async def work(self) -> None:
        """Take as long as a request takes."""
        delay_ms = self._latency.uniform(self.options.latency_ms_min, self.options.latency_ms_max)
        fault = self.faults.fires("latency")
        if fault is not None:
            self.counters.add("latency_faults")
            delay_ms += fault.delay_ms
        if delay_ms > 0:
            await asyncio.sleep(delay_ms / 1000)

    def book(self, draft: Draft) -> Document:
        """Book and count. Raises `Refusal`."""
        document = self.trade.book(draft)
        self.counters.add("booked")
        return document

    def visible_from_s(self) -> float:
        """The monotonic time from which look-ups see a document that is booked now."""
        fault = self.faults.fires("lagging_lookup")
        if fault is None:
            return float("-inf")
        self.counters.add("lagged_documents")
        return self.clock.monotonic_s() + fault.delay_s

    async def deliver(
        self,
        request: web.Request,
        book: Callable[[], Booked],
        answer: Callable[[Booked], web.Response],
    ) -> web.StreamResponse:
        """Carry out a checked write: book and answer, or what a fault makes of that."""
        fault = self.faults.fires("late_booking")
        if fault is not None:
            return await self._deliver_late(request, fault, book)
        arrived_s = self._in_service[id(request)].arrived_s
        result = book()
        self._took_effect(arrived_s)
        if request.transport is None:
            self.counters.add("booked_unheard")
        fault = self.faults.fires("lost_reply")
        if fault is None:
            return answer(result)
        self.counters.add("lost_replies_after_booking")
        await asyncio.sleep(fault.delay_s)
        return cut(request)

    async def _deliver_late(
        self, request: web.Request, fault: Fault, book: Callable[[], Booked]
    ) -> web.StreamResponse:
        arrived_s = self._in_service[id(request)].arrived_s
        self.counters.add("pending_late_bookings")
        if fault.mode == "hang":
            await self._book_late(arrived_s, fault.delay_s, book)
        else:
            self.background(self._book_late(arrived_s, fault.delay_s, book))
        return cut(request)

    async def _book_late(
        self, arrived_s: float, delay_s: float, book: Callable[[], object]
    ) -> None:
        await asyncio.sleep(delay_s)
        try:
            book()
        except Refusal:
            self.counters.add("late_refusals")
        else:
            self.counters.add("late_bookings")
            self._took_effect(arrived_s)
        finally:
            self.counters.add("pending_late_bookings", -1)

    def _took_effect(self, arrived_s: float) -> None:
        """Note how long after its arrival a write was booked: what "absent" must not outrun."""
        took_s = self.clock.monotonic_s() - arrived_s
        self.counters.raise_to("slowest_effect_ms", round(took_s * 1000))

    def in_maintenance(self, request: web.Request) -> bool:
        """Whether the system is closed to this request now."""
        fault = self.faults.begun("maintenance")
        return fault is not None and (fault.mode == "all" or self.writes(request))

    # ------------------------------------------------------------------ who is being served

    @contextmanager
    def serving(self, request: web.Request) -> Iterator[None]:
        """Within, the request is listed by :meth:`in_service`."""
        peer = request.transport and request.transport.get_extra_info("peername")
        port = int(peer[1]) if peer else 0
        self._in_service[id(request)] = Serving(
            self.clock.monotonic_s(), port, request.method, request.path
        )
        try:
            yield
        finally:
            del self._in_service[id(request)]

    async def _create_item(self, request: web.Request) -> web.Response:
        """What a master data clerk does: `{"like": SKU}` names the article to copy."""
        try:
            like = str((await request.json())["like"])
            item = self.trade.create_item(request.match_info["sku"], like)
        except (ValueError, KeyError, TypeError):
            return web.json_response({"error": 'send {"like": "an existing SKU"}'}, status=400)
        except Refusal as refusal:
            return web.json_response({"error": str(refusal)}, status=400)
        return web.json_response({"sku": item.sku, "name": item.name})

    def create_customer(self, **fields: str) -> CustomerRow:
        """Create and count."""
        row = self.trade.customers.create(**fields, visible_s=self.visible_from_s())
        self.counters.add("customers_created")
        return row

    async def _show_customers(self, _: web.Request) -> web.Response:
        """All customers that were created, doubles among them."""
        rows = [row.as_json() for row in self.trade.customers.rows]
        return web.json_response({"customers": rows})

    async def _show_in_service(self, _: web.Request) -> web.Response:
        """Which callers, by port, wait for which answers: how to find a process amid a send."""
        serving = [
            {"port": one.port, "method": one.method, "path": one.path} for one in self.in_service()
        ]
        return web.json_response({"requests": serving})

    def in_service(self) -> list[Serving]:
        """Business requests being served now."""
        return list(self._in_service.values())

    # ------------------------------------------------------------------ background

    def background(self, work: Coroutine[None, None, None]) -> None:
        """Run until done or until the simulator stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stop(self, _: web.Application) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def cut(request: web.Request) -> web.Response:
    """Abort the connection: the caller sees a reset, the response returned here goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


def _front(shell: Shell[OptionsT]) -> Middleware:
    """The middleware before every business route."""

    @web.middleware
    async def front(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL):
            return await handler(request)
        shell.counters.add("requests")
        if shell.in_maintenance(request):
            shell.counters.add("maintenance_refusals")
            return shell.closed()
        fault = shell.faults.fires("outage")
        if fault is None:
            return await _served(shell, request, handler)
        shell.counters.add("outage_refusals")
        await asyncio.sleep(fault.delay_s)
        if fault.mode == "503":
            return web.Response(status=503, text="Service Unavailable")
        return cut(request)

    return front


async def _served(
    shell: Shell[OptionsT], request: web.Request, handler: Handler
) -> web.StreamResponse:
    """The answer as the caller gets it, if it gets one."""
    with shell.serving(request):
        try:
            await request.read()  # whole and in memory, so that a hang-up cannot undo it
        except ConnectionError:
            return cut(request)  # it never arrived
        answer = await handler(request)
    if shell.in_maintenance(request):
        shell.counters.add("maintenance_cuts")
        return cut(request)
    return await spoilt(request, answer, shell.faults, shell.counters)
