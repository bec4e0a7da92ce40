"""Each fault by name, at each channel: switched on, seen in the channel's own counters, survived.

The simulated channels send to the real API over HTTP, or are pulled by the real pullers. Whatever
was broken, what was sold is taken once; what differs by fault is said beside it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient
from pydantic import SecretStr

from gateway.api.app import create_app
from gateway.canonical.envelope import Envelope
from gateway.canonical.unmapped import why_unmapped
from gateway.channels.polling import AGAIN_S
from gateway.channels.pos.files import PosLogFile
from gateway.channels.pos.poslog import Place
from gateway.clock import SystemClock
from gateway.errors import FileRefused
from gateway.settings.loop import LoopSettings
from gateway.settings.shopify import ShopifySettings
from gateway.store.ledger import SqlLedger
from simulators.pos.options import PosOptions
from simulators.pos.site import pos_estate
from tests.serving import Asked
from tests.serving import served as answering
from tests.unit.api.world import Plan, Sender, World, key_of, sender
from tests.unit.channels.amazon_bench import EAGER, Bench, Seen
from tests.unit.channels.test_amazon_settling import Later, fetcher, mine, settle
from tests.unit.channels.test_loop_poller import Bench as LoopBench
from tests.unit.channels.test_shopify_poller import Bench as ShopBench
from tests.unit.channels.test_shopify_poller import Ticking
from tests.unit.simulators.loops import RunningPlatform, platform
from tests.unit.simulators.serving import HTTP, eventually, served
from tests.unit.simulators.shops import RunningShop, shop
from tests.unit.simulators.test_channel_faults import CHANNELS, cells

pytestmark = pytest.mark.anyio

_NUMBERS = count(1)
#: The channel of the shop, and of the platform that takes its goods back.
SHOP, BACK = "loop-shop", "loop"
SINCE = datetime(2020, 1, 1, tzinfo=UTC)
SOON = {"delay_ms": 120}

#: Fault → the counter of the channel that has to rise.
SHOPIFY = {
    "duplicate_webhook": "webhooks_duplicated",
    "disordered_webhook": "webhooks_disordered",
    "missing_webhook": "webhooks_missing",
    "wrong_signature": "webhooks_wrongly_signed",
    "clock_skew": "webhooks_skewed",
    "schema_surprise": "webhooks_surprising",
    "throttle": "throttle_faults",
}
LOOP = SHOPIFY
AMAZON = {
    "duplicate_notification": "notifications_duplicated",
    "disordered_notification": "notifications_disordered",
    "missing_notification": "notifications_missing",
    "clock_skew": "skewed",
    "schema_surprise": "surprises",
    "throttle": "throttle_faults",
    "truncated_file": "truncated_files",
}
POS = {
    "duplicate_receipt": "duplicates",
    "lost_answer": "answers_lost",
    "disordered_batch": "disordered",
    "lost_receipt": "lost",
    "offline_store": "offline_spells",
    "clock_skew": "skewed",
    "truncated_file": "files_spoilt",
}


def test_every_fault_of_the_page_is_switched_on_here() -> None:
    listed = {"shopify": SHOPIFY, "amazon": AMAZON, "loop": LOOP, "pos": POS}
    for (_, channel), cell in cells().items():
        if not cell.startswith("- "):
            names = {it.strip("`") for it in cell.split(", ")}
            assert names <= listed[channel].keys()
    assert listed.keys() == set(CHANNELS)


@dataclass
class Api:
    """The gateway's API over HTTP, and what it answered and took."""

    world: World
    url: str = ""
    answered: Counter[int] = field(default_factory=Counter)

    def taken(self, process: str) -> list[Envelope]:
        found = [
            Envelope.model_validate_json(it.payload) for it in self.world.buffer.entries.values()
        ]
        return [it for it in found if it.process == process]

    def reset(self) -> None:
        self.world.buffer.entries.clear()
        self.world.observer.drift.clear()
        self.answered.clear()


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    shopify = ShopifySettings(
        domain="voorbeeld.myshopify.com", secrets=(SecretStr("shpss_gateway"),), since=SINCE,
        legal_entity="NL01", country="NL",
    )  # fmt: skip
    loop = LoopSettings(
        secrets=(SecretStr("loop_gateway"),), legal_entity="NL01", order_channel=SHOP
    )
    channels = {
        SHOP: Sender((), (), ("NL01",), shopify),
        BACK: Sender((), (), ("NL01",), None, loop),
        "pos": sender("pos", ("store-sales",), ("NL01", "DE01")),
    }
    world = World(plan=Plan(channels=channels, body_bytes_max=60_000))
    world.clock = SystemClock()  # type: ignore[assignment]
    made, one_by_one = Api(world), threading.Lock()
    with TestClient(create_app(world.services())) as client:

        def relay(asked: Asked) -> tuple[int, object]:
            headers = {name: it for name, it in asked.headers.items() if name.lower() != "host"}
            with one_by_one:
                got = client.post(asked.path, content=asked.body, headers=headers)
            made.answered[got.status_code] += 1
            return got.status_code, got.json()

        with answering(relay) as made.url:
            yield made


@pytest.fixture(scope="module")
def seller(api: Api) -> Iterator[RunningShop]:
    with shop(retry_scale=0.0005, seed=5) as there:
        for topic in ("orders/create", "orders/paid", "orders/updated", "orders/cancelled"):
            hook = {
                "topic": topic,
                "address": f"{api.url}/v1/hooks/shopify/{SHOP}",
                "format": "json",
            }
            there.post("/webhooks.json", {"webhook": hook}).raise_for_status()
        yield there


@pytest.fixture(scope="module")
def back(api: Api, seller: RunningShop) -> Iterator[RunningPlatform]:
    with platform(seller.url, hook=f"{api.url}/v1/hooks/loop/{BACK}", retry_s=0.05) as there:
        yield there


def quiet(read: Callable[[], dict[str, int]]) -> None:
    """Wait until nothing is under way any more."""
    eventually(lambda: read()["webhooks_pending"] == 0)


def healed(url: str) -> None:
    HTTP.delete(f"{url}/control/faults").raise_for_status()


def how(fault: str) -> dict[str, Any]:
    """Once, but for what must hit all that is sent of one thing."""
    if fault in {"missing_webhook", "missing_notification"}:
        return {}
    return {"count": 1} | (SOON if fault.startswith(("disordered", "duplicate")) else {})


@pytest.mark.parametrize("fault", SHOPIFY)
async def test_a_shop(fault: str, api: Api, seller: RunningShop, ledger: SqlLedger) -> None:
    api.reset()
    before = seller.counters()[SHOPIFY[fault]]
    async with httpx.AsyncClient(timeout=10) as client:
        bench = ShopBench(seller, api.world, ledger, client, SHOP, Ticking(), Seen())
        await bench.poller().look()  # what other tests sold
        api.reset()
        HTTP.put(f"{seller.url}/control/faults/{fault}", json=how(fault)).raise_for_status()
        (placed,) = seller.place(lines={"TEE-BLK-M": 2}, paid=True)
        quiet(seller.counters)
        if fault == "missing_webhook":
            assert api.taken("order.intake") == []
            healed(seller.url)
        polled = await bench.poller().look()
        if fault == "throttle":
            assert [it for it in bench.seen.troubles if "429" in it]
            await bench.clock.sleep(AGAIN_S)
            assert await bench.poller().look() == 0, "webhooks brought it"
        assert polled == (1 if fault == "missing_webhook" else 0)
        healed(seller.url)
    assert seller.counters()[SHOPIFY[fault]] > before
    (order,) = api.taken("order.intake")
    assert order.reference == str(placed["id"])
    assert not why_unmapped(order.body)
    assert api.taken("order.cancellation") == []
    assert api.answered[401] == (fault == "wrong_signature")
    drift = [it for it in api.world.observer.drift if it.startswith(f"{SHOP} order field:loyalty")]
    assert bool(drift) is (fault == "schema_surprise")


@pytest.mark.parametrize("fault", LOOP)
async def test_a_returns_platform(
    fault: str, api: Api, seller: RunningShop, back: RunningPlatform, ledger: SqlLedger
) -> None:
    (placed,) = seller.place(lines={"TEE-BLK-M": 2}, paid=True)
    quiet(seller.counters)
    api.world.observer.drift.clear()
    api.answered.clear()
    order = seller.get(f"/orders/{placed['id']}.json").json()["order"]
    before, credited = back.counters()[LOOP[fault]], len(api.taken("return.credit"))
    back.fault(fault, **how(fault))
    made = back.ask(order, {order["line_items"][0]["id"]: 1})
    back.act(made, "close")
    quiet(back.counters)
    mine_of = f"{made['id']}"
    async with httpx.AsyncClient(timeout=10) as client:
        bench = LoopBench(seller, back, api.world, ledger, client, BACK, Ticking(), Seen())
        if fault == "missing_webhook":
            assert len(api.taken("return.credit")) == credited
            back.heal()
        if fault in {"missing_webhook", "throttle"}:
            await bench.poller().look()
            if fault == "throttle":
                assert [it for it in bench.seen.troubles if "429" in it]
    back.heal()
    assert back.counters()[LOOP[fault]] > before
    credit = [it for it in api.taken("return.credit") if it.reference.startswith(mine_of)]
    assert [it.reference for it in credit] == [mine_of]
    assert not why_unmapped(credit[0].body)
    assert api.answered[401] == (fault == "wrong_signature")
    drift = [it for it in api.world.observer.drift if it.startswith(f"{BACK} return field:loyalty")]
    assert bool(drift) is (fault == "schema_surprise")


@pytest.fixture
async def fresh(bench: Bench) -> AsyncIterator[Bench]:
    yield bench
    bench.there.heal()


@pytest.mark.parametrize("fault", [it for it in AMAZON if it != "truncated_file"])
async def test_a_marketplace(fault: str, fresh: Bench) -> None:
    there = fresh.there
    before = there.counters()[AMAZON[fault]]
    there.fault(fault, **how(fault))
    placed = there.place()
    eventually(lambda: there.counters()["notifications"] > 0)
    taken = await fresh.puller(EAGER).look()
    if fault == "throttle":
        assert [it for it in fresh.seen.troubles if "429" in it]
    there.heal()
    assert there.counters()[AMAZON[fault]] > before
    for _ in range(2):
        taken += await fresh.puller(EAGER).look()
    assert taken == 1
    assert placed["id"] in fresh.taken(), "taken once: by notification, or by the search"
    assert bool(fresh.seen.drifts) is (fault == "schema_surprise")


async def test_a_marketplace_s_file_cut_short_is_refused_and_fetched_again(fresh: Bench) -> None:
    booked, there = settle(fresh.there), fresh.there
    there.fault("truncated_file", count=1)
    await fetcher(fresh).look()
    assert booked["settlement_id"] not in await mine(fresh)
    there.heal()
    assert there.counters()[AMAZON["truncated_file"]] > 0
    await fetcher(fresh, clock=Later(timedelta(minutes=2))).look()
    assert booked["settlement_id"] in await mine(fresh)


@dataclass
class Stores:
    """A simulated estate before the gateway."""

    url: str

    def do(self, what: str, **asked: object) -> None:
        HTTP.post(f"{self.url}/control/{what}", json=asked).raise_for_status()

    def read(self, what: str) -> Any:
        return HTTP.get(f"{self.url}/control/{what}").raise_for_status().json()

    def counters(self) -> dict[str, int]:
        found: dict[str, int] = self.read("counters")
        return found


@pytest.fixture
def stores(api: Api) -> Iterator[Stores]:
    api.reset()
    options = PosOptions(
        stores=("NL-001",), first_number=100 * next(_NUMBERS), retry_s=0.02, gateway=api.url,
        api_key=key_of("pos"), voids=0.0, line_voids=0.0, returns=0.0,
    )  # fmt: skip
    with served(lambda: pos_estate(options)) as url:
        yield Stores(url)


@pytest.mark.parametrize("fault", [it for it in POS if it != "truncated_file"])
def test_a_store(fault: str, api: Api, stores: Stores) -> None:
    HTTP.put(
        f"{stores.url}/control/faults/{fault}", json={"count": 1, "delay_ms": 150}
    ).raise_for_status()
    stores.do("sell", store="NL-001", count=12)
    eventually(lambda: not stores.counters()["unsent"])
    eventually(lambda: bool(stores.counters()[POS[fault]]))
    rung = [it for it in stores.read("books")["documents"] if it["kind"] == "sale"]
    sent = {it["name"] for it in rung if not it["lost"]}
    assert {it.reference for it in api.taken("store.sale")} == sent
    assert len(api.taken("store.sale")) == len(sent), "each once"
    assert len(rung) - len(sent) == (fault == "lost_receipt"), "a gap, and told as one"
    assert not any(why_unmapped(it.body) for it in api.taken("store.sale"))


def test_a_store_s_file_cut_short_is_refused_whole(stores: Stores) -> None:
    stores.do("sell", store="NL-001", count=12)
    day = stores.read("books")["documents"][0]["business_date"]
    places = {"NL-001": Place("NL-001", "NL01", None)}
    file = f"{stores.url}/control/poslog/NL-001/{day}"
    HTTP.put(f"{stores.url}/control/faults/truncated_file", json={"count": 1})
    with pytest.raises(FileRefused, match="ends too early"):
        PosLogFile(BytesIO(HTTP.get(file).content), places)
    assert stores.counters()[POS["truncated_file"]] == 1
    with PosLogFile(BytesIO(HTTP.get(file).content), places) as whole:
        rung = [it for it in stores.read("books")["documents"] if it["kind"] != "answer"]
        assert whole.all.count == len(rung)
