"""Puts an estate together: stores, what they send, customers, and their control."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from simulators.asked import how_many, json_object
from simulators.catalogue import load_catalogue
from simulators.channel import Channel
from simulators.clock import Clock, SystemClock
from simulators.control import add_control
from simulators.pos.estate import COUNTERS, KINDS, Estate, Store
from simulators.pos.options import PosOptions
from simulators.pos.sender import Sender
from simulators.pos.till import Rung
from simulators.pos.wire import as_json, as_poslog

SALES_AT_ONCE_MAX = 100_000


class AskedWronglyError(ValueError):
    """A control call that cannot be carried out."""


def pos_estate(options: PosOptions, clock: Clock | None = None) -> Channel[PosOptions]:
    """Build a simulated POS estate."""
    channel = Channel("pos", options, clock or SystemClock(), KINDS, COUNTERS)
    estate = Estate(channel, load_catalogue())
    sender = Sender(channel, estate)

    async def running(_: web.Application) -> AsyncIterator[None]:
        channel.background(_customers(channel, estate))
        for store in estate.stores.values():
            channel.background(sender.live(store))
        yield
        await sender.close()

    channel.app.cleanup_ctx.append(running)
    add_control(channel)
    channel.app.add_routes(_Steering(channel, estate).routes())
    return channel


async def _customers(channel: Channel[PosOptions], estate: Estate) -> None:
    """Let customers come at the rate that is set."""
    async for _ in channel.arrivals(
        lambda: channel.options.sales_per_s, channel.chance("arrivals")
    ):
        estate.sell()


class _Steering:
    """Control calls that make something happen in the stores."""

    def __init__(self, channel: Channel[PosOptions], estate: Estate) -> None:
        self._channel = channel
        self._estate = estate

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/control/stores", self.stores),
            web.post("/control/sell", self.sell),
            web.post("/control/online", self.online),
            web.post("/control/end_day", self.end_day),
            web.post("/control/send_again", self.send_again),
            web.get(r"/control/poslog/{store}/{day:\d{4}-\d{2}-\d{2}}", self.poslog),
        ]

    async def stores(self, _: web.Request) -> web.Response:
        """How stores stand."""
        return web.json_response(
            {
                "stores": [
                    {"store": it.name, "business_day": it.day.isoformat(), "online": it.online,
                     "unsent": len(it.unsent), "rung": len(it.rung)}
                    for it in self._estate.stores.values()
                ]
            }
        )  # fmt: skip

    async def sell(self, request: web.Request) -> web.Response:
        """`{"store": …, "count": n}`: n customers, in that store or in each of "stores"."""
        try:
            asked = await json_object(request, AskedWronglyError)
            count = how_many(asked, SALES_AT_ONCE_MAX, AskedWronglyError)
            stores = self._named(asked) if asked.get("store") or asked.get("each") else [None]
            rung = [
                it.name
                for store in stores
                for it in self._estate.sell(store.name if store else "", count)
            ]
        except AskedWronglyError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"count": len(rung), "receipts": rung[:1000]})

    async def online(self, request: web.Request) -> web.Response:
        """`{"store": …, "online": false}`: take the network away, or give it back."""
        try:
            asked = await json_object(request, AskedWronglyError)
            for store in self._named(asked):
                store.online = bool(asked.get("online", True))
        except AskedWronglyError as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self.stores(request)

    async def end_day(self, request: web.Request) -> web.Response:
        """`{"store": …}`: end the business day there, or everywhere."""
        try:
            for store in self._named(await json_object(request, AskedWronglyError)):
                self._estate.end_day(store.name)
        except AskedWronglyError as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self.stores(request)

    async def send_again(self, request: web.Request) -> web.Response:
        """`{"store": …}`: a store sends all it ever did once more, backwards."""
        try:
            for store in self._named(await json_object(request, AskedWronglyError)):
                again = [as_json(it) for it in reversed(self._sent(store))]
                self._channel.counters.add("unsent", len(again))
                store.unsent.extend(again)
        except AskedWronglyError as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self.stores(request)

    async def poslog(self, request: web.Request) -> web.Response:
        """A file of a store's business day, as registers write it."""
        store = self._estate.stores.get(request.match_info["store"])
        if store is None:
            return web.json_response({"error": "no such store"}, status=404)
        day = request.match_info["day"]
        rungs = [it for it in self._sent(store) if it.day == day]
        wrong = self._channel.faults.fires("wrong_totals") is not None
        text = as_poslog(rungs, len(rungs) + 1 if wrong else 0)
        cut = self._channel.faults.fires("truncated_file") is not None
        if wrong or cut:
            self._channel.counters.add("files_spoilt")
        return web.Response(
            text=text[: len(text) * 2 // 3] if cut else text, content_type="application/xml"
        )

    def _sent(self, store: Store) -> list[Rung]:
        """What a store did, but for what was lost."""
        books = self._channel.books.since(0)
        lost = {it.values["name"] for it in books if it.values.get("lost")}
        return [it for it in store.rung if it.name not in lost]

    def _named(self, asked: dict[str, Any]) -> list[Store]:
        name = asked.get("store", "")
        if not name:
            return list(self._estate.stores.values())
        if name not in self._estate.stores:
            raise AskedWronglyError(
                f"no store {name!r}; there are {', '.join(self._estate.stores)}"
            )
        return [self._estate.stores[name]]
