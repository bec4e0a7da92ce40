"""What a returns platform's books say, as messages: checked against its own snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from loadtests.channels.answers import books_of, sold_by
from loadtests.channels.loop import FAULTS, Returns
from loadtests.channels.port import Gateway, Sold
from loadtests.channels.shopify import Shop
from loadtests.messages import AUTHORISATION, RECEIPT, RETURN
from simulators.__main__ import SYSTEMS, build_parser
from simulators.loop.options import LoopOptions
from simulators.loop.site import loop_platform
from tests.unit.simulators.serving import eventually, served
from tests.unit.simulators.shops import RunningShop, shop

SHOP = Shop("shop-nl", "NL", "NL01", returned_elsewhere=True)
SOURCE = Returns("returns", SHOP)
QUICK: dict[str, Any] = {"followup_s": 0.05, "youngest_s": 0.0}


@pytest.fixture
def running() -> Iterator[RunningShop]:
    with shop(seed=3, access_token=SHOP.token) as it:
        yield it


@pytest.fixture
def url(running: RunningShop) -> Iterator[str]:
    options = LoopOptions(seed=3, shop=running.url, shop_token=SHOP.token, **QUICK)
    with served(lambda: loop_platform(options)) as url:
        yield url


def do(url: str, what: str, **asked: object) -> dict[str, Any]:
    found: dict[str, Any] = (
        httpx.post(f"{url}/control/returns{what}", json=asked).raise_for_status().json()
    )
    return found


def sold_of(url: str) -> list[Sold]:
    return sold_by(SOURCE, books_of(url))


def test_a_return_is_expected_received_and_credited_once_when_it_is_paid_or_closed(
    running: RunningShop, url: str
) -> None:
    (order,) = running.place(lines={"TEE-BLK-M": 3, "CAP-NVY-ONE": 1})
    first, second = running.get(f"/orders/{order['id']}.json").json()["order"]["line_items"]
    paid = do(url, "", order_id=order["id"], lines={first["id"]: 2})["id"]
    do(url, f"/{paid}/pay")
    do(url, f"/{paid}/close")
    closed = do(url, "", order_id=order["id"], lines={second["id"]: 1}, fee="1.50")["id"]
    do(url, f"/{closed}/close")
    gone = do(url, "", order_id=order["id"], lines={first["id"]: 1})["id"]
    do(url, f"/{gone}/cancel")
    told = [it.message for it in sold_of(url)]
    one, two = (it for it in told if it.process == RETURN)
    assert [one.reference, two.reference] == [paid, closed]
    assert [(it.line, it.sku, it.quantity) for it in one.lines] == [(1, "TEE-BLK-M", 2)]
    assert one.total == 2 * Decimal(first["price"])
    assert [(it.line, it.sku, it.quantity) for it in two.lines] == [(2, "CAP-NVY-ONE", 1)]
    assert two.total == Decimal(second["price"]) - Decimal("1.50")
    assert one.object_key == f"order:shop-nl:{order['id']}"
    assert not any(it.restock for it in (*one.lines, *two.lines)), "receipts move the goods"
    due = {it.reference: it for it in told if it.process == AUTHORISATION}
    assert set(due) == {paid, closed, gone, f"{gone}-2"}
    assert [it.reference for it in due.values() if it.optional] == [gone, f"{gone}-2"]
    assert (due[f"{gone}-2"].withdrawn, due[f"{gone}-2"].lines) == (True, ())
    assert [(it.line, it.quantity, it.amount) for it in due[paid].lines] == [(1, 2, None)]
    came = {it.reference: it for it in told if it.process == RECEIPT}
    assert set(came) == {f"{paid}-1", f"{closed}-1"}
    assert [(it.line, it.quantity) for it in came[f"{paid}-1"].lines] == [(1, 2)]
    whats = {it.disposition for each in came.values() for it in each.lines}
    assert whats <= {"restock", "quarantine"}
    books = running.books("refund")
    assert len(books) == 1, "the platform pays through the shop"
    assert [it.message.process for it in sold_by(SHOP, running.books())] == ["order.intake"]


def test_opened_buyers_send_back_and_closed_they_do_not(running: RunningShop, url: str) -> None:
    running.place(count=20)
    at = Gateway("http://127.0.0.1:9", "key", {"shop-nl": running.url})
    SOURCE.open(url, at, 100.0)
    faults = httpx.get(f"{url}/control/faults").json()["faults"]
    assert set(faults) == {name for name, _ in FAULTS}
    eventually(lambda: len(sold_of(url)) >= 8)
    SOURCE.close(url)
    assert httpx.get(f"{url}/control/settings").json()["returns_per_s"] == 0
    kinds = {it["kind"] for it in books_of(url)}
    assert {"return", "payout", "closed"} <= kinds


def test_the_simulator_takes_its_options() -> None:
    given = vars(build_parser().parse_args(SOURCE.command(5)[1:]))
    options_class, _ = SYSTEMS[given.pop("system")]
    options = options_class.from_texts(given)
    assert isinstance(options, LoopOptions)
    assert (options.seed, options.secret) == (5, SOURCE.secret)
