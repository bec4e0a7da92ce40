"""A returns platform is polled for what its webhooks did not bring: each credited once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, cast

import httpx
import pytest

from gateway.callers.loop.returns import LoopReturns
from gateway.canonical.envelope import Envelope
from gateway.channels.loop.intake import LoopIntake, Platform
from gateway.channels.loop.polled import PolledPlatform
from gateway.channels.polling import AGAIN_S, Poller
from gateway.channels.searching import Search, Terms
from gateway.ports import Ledger
from gateway.store.ledger import SqlLedger
from tests.unit.api.world import World
from tests.unit.channels.amazon_bench import Seen
from tests.unit.channels.test_shopify_poller import Bench as ShopBench
from tests.unit.channels.test_shopify_poller import Ticking
from tests.unit.simulators.loops import RunningPlatform, platform
from tests.unit.simulators.shops import RunningShop, shop

pytestmark = pytest.mark.anyio

LONG_AGO = datetime.now(UTC) - timedelta(days=90)
_NUMBERS = count(1)


@pytest.fixture
def there() -> Iterator[tuple[RunningShop, RunningPlatform]]:
    """A shop and its platform."""
    with shop() as seller, platform(seller.url) as back:
        yield seller, back


@dataclass
class Bench:
    """A gateway that took a shop's orders, before a platform whose webhooks nobody takes."""

    shop: RunningShop
    back: RunningPlatform
    world: World
    ledger: SqlLedger
    client: httpx.AsyncClient
    channel: str
    clock: Ticking
    seen: Seen

    def poller(self, key: str = "", since: datetime = LONG_AGO) -> Poller:
        returns = LoopReturns(
            self.back.url, key or self.back.options.api_key, self.client, self.clock
        )
        search = Search(self.channel, since, Terms(0.0, 60.0), returns, self.ledger, self.clock)
        intake = LoopIntake(
            self.world.services().acceptor, self.world.buffer, cast("Ledger", self.world.ledger)
        )
        mine = Platform(self.channel, "NL01", f"{self.channel}-shop")
        return Poller(PolledPlatform(mine, intake, self.seen), search, self.seen, self.clock)

    async def order(self, **asked: Any) -> dict[str, Any]:
        """Let the shop sell something, and the gateway take it."""
        order = self.shop.place(**asked)[0]
        sold = ShopBench(
            self.shop, self.world, self.ledger, self.client, f"{self.channel}-shop", self.clock,
            self.seen,
        )  # fmt: skip
        await sold.poller().look()
        whole: dict[str, Any] = self.shop.get(f"/orders/{order['id']}.json").json()["order"]
        return whole

    def credits(self) -> list[dict[str, Any]]:
        found = [
            Envelope.model_validate_json(it.payload) for it in self.world.buffer.entries.values()
        ]
        return [it.body for it in found
                if (it.process, it.channel) == ("return.credit", self.channel)]  # fmt: skip


@asynccontextmanager
async def polled(
    there: tuple[RunningShop, RunningPlatform], ledger: SqlLedger
) -> AsyncIterator[Bench]:
    async with httpx.AsyncClient(timeout=10) as client:
        name = f"loop-{next(_NUMBERS)}"
        yield Bench(*there, World(), ledger, client, name, Ticking(), Seen())


async def test_what_no_webhook_brought_is_credited_once(
    there: tuple[RunningShop, RunningPlatform], ledger: SqlLedger
) -> None:
    async with polled(there, ledger) as bench:
        order = await bench.order(lines={"TEE-BLK-M": 3}, paid=True)
        line = order["line_items"][0]["id"]
        early = bench.back.ask(order, {line: 1})
        poller = bench.poller()
        assert await poller.look() == 1, "what is expected"
        assert not bench.credits(), "asked for, and nothing is due yet"
        bench.back.act(early, "pay")  # before anything has come
        assert await poller.look() == 1
        bench.back.act(early, "add", lines={line: 1})
        bench.back.act(early, "close")
        assert await poller.look() >= 3, "more is expected, it came, and is credited"
        assert await poller.look() == 0
        assert [it["lines"][0]["quantity"] for it in bench.credits()] == [1, 1]
        total = sum(Decimal(it["total"]) for it in bench.credits())
        assert total == 2 * Decimal(order["line_items"][0]["price"])
        assert {it["order_ref"] for it in bench.credits()} == {str(order["id"])}


async def test_years_are_caught_up_with_in_one_look(
    there: tuple[RunningShop, RunningPlatform], ledger: SqlLedger
) -> None:
    """A list spans 120 days at most, and a pause is made between looks."""
    async with polled(there, ledger) as bench:
        order = await bench.order(lines={"TEE-BLK-M": 1}, paid=True)
        bench.back.ask(order, {order["line_items"][0]["id"]: 1})
        assert await bench.poller(since=datetime.now(UTC) - timedelta(days=2500)).look() == 1
        reached = await ledger.pull(bench.channel)
        assert reached is not None
        assert bench.clock.now() - reached.until < timedelta(hours=1)


async def test_pages_are_followed_within_the_rate_and_a_cut_off_search_goes_on(
    there: tuple[RunningShop, RunningPlatform], ledger: SqlLedger
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.callers.loop.returns.PAGE", 2)
        async with polled(there, ledger) as bench:
            order = await bench.order(lines={"TEE-BLK-M": 5}, paid=True)
            line = order["line_items"][0]["id"]
            for _ in range(5):
                bench.back.act(bench.back.ask(order, {line: 1}), "close")
            bench.back.fault("throttle", probability=0.5)
            for _ in range(20):
                await bench.poller().look()
            bench.back.heal()
            await bench.poller().look()
            assert len(bench.credits()) == 5
            assert bench.clock.monotonic_s() >= 2 * 0.4, "a pause between two pages"
            kept = await ledger.pull(bench.channel)
            assert kept is not None
            assert (kept.page, kept.problem) == ("", "")


async def test_a_wrong_key_and_a_throttle_are_said_and_tried_again_after_a_pause(
    there: tuple[RunningShop, RunningPlatform], ledger: SqlLedger
) -> None:
    async with polled(there, ledger) as bench:
        wrong = bench.poller(key="another")
        assert await wrong.look() == 0
        kept = await ledger.pull(bench.channel)
        assert kept is not None
        assert kept.problem == "return/list: 401; check api_key and its scope Returns"
        order = await bench.order(lines={"TEE-BLK-M": 1}, paid=True)
        bench.back.act(bench.back.ask(order, {order["line_items"][0]["id"]: 1}), "close")
        bench.back.fault("throttle", count=1)
        poller = bench.poller()
        assert (await poller.look(), await poller.look()) == (0, 0)
        await bench.clock.sleep(AGAIN_S)
        assert await poller.look() == 3, "what was expected, came and is credited"


async def test_what_nobody_announced_is_credited_and_told(
    there: tuple[RunningShop, RunningPlatform], ledger: SqlLedger
) -> None:
    async with polled(there, ledger) as bench:
        order = await bench.order(lines={"TEE-BLK-M": 1}, paid=True)
        made = bench.back.ask(order, {order["line_items"][0]["id"]: 1})
        bench.back.act(made, "close")
        for mode in ("new_enum", "null", "unknown_field"):
            bench.back.fault("schema_surprise", mode=mode)
            await bench.poller().look()
        assert set(bench.seen.drifts) >= {
            "return value:state=triaged", "return null:currency", "return null:customer",
            "return field:loyalty_v2",
        }  # fmt: skip
        assert len(bench.credits()) == 1
        assert {it.reference for it in bench.seen.wholes} == {str(made["id"])}
        found = {each for it in bench.seen.wholes for each in it.found}
        assert {f"return {it}" for it in found} == set(bench.seen.drifts)
        assert [json.loads(it.text) for it in bench.seen.wholes if "loyalty_v2" in it.text]


def test_the_list_keeps_its_rate_its_key_and_its_period() -> None:
    with platform("", calls_per_min=3) as back:
        at, key = f"{back.url}/api/v1/warehouse/return/list", back.options.api_key
        assert httpx.get(at).status_code == 401
        headers = {"X-Authorization": key}
        found = httpx.get(at, headers=headers).raise_for_status().json()
        assert found == {"returns": [], "nextPageUrl": None, "previousPageUrl": None}
        long = {"from": "2026-01-01 00:00:00", "to": "2026-11-01 00:00:00"}
        assert httpx.get(at, headers=headers, params=long).status_code == 422
        assert httpx.get(at, headers=headers, params={"filter": "gossip"}).status_code == 422
        assert httpx.get(at, headers=headers).status_code == 429
