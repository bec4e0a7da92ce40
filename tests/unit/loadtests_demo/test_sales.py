"""What channels sold so far, against the books of a real simulator as they grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from loadtests.channels.amazon import Marketplace
from loadtests.channels.answers import books_of, sold_by
from loadtests.channels.port import Source
from loadtests.channels.shopify import Shop
from loadtests.demo.sales import Sales
from simulators.amazon.options import MarketOptions
from simulators.amazon.site import amazon_market
from tests.unit.simulators.serving import served
from tests.unit.simulators.shops import RunningShop, shop

SHOP = Shop("shop-nl", "NL", "NL01")
MARKET = Marketplace("amazon-de", "DE", "A1PA6795UKMFR9", "DE01")


@pytest.fixture
def running() -> Iterator[RunningShop]:
    with shop(seed=3, access_token=SHOP.token, shop=SHOP.domain) as it:
        yield it


@pytest.fixture
def market() -> Iterator[str]:
    options = MarketOptions(seed=3, country="DE", pending_s=3600.0, rate_scale=10_000.0)
    with served(lambda: amazon_market(options)) as url:
        yield url


def at(urls: dict[str, str]) -> Callable[[Source], str]:
    """Where channels are; those that are not named have not been started."""
    return lambda source: urls[source.name]


def test_books_are_followed_as_they_grow(running: RunningShop) -> None:
    sales = Sales([SHOP, MARKET], at({"shop-nl": running.url}))
    assert sales.read() == {"shop-nl": 0, "amazon-de": 0}
    running.place(count=3)
    assert sales.read()["shop-nl"] == 3
    (order,) = running.place(lines={"TEE-BLK-M": 3})
    running.act(order["id"], "edit", quantity=1)
    assert sales.read()["shop-nl"] == 5, "pieces taken off are to be booked, too"
    assert sales.read()["shop-nl"] == len(sold_by(SHOP, books_of(running.url)))


def test_what_was_undone_is_left_out(market: str) -> None:
    sales = Sales([MARKET], at({"amazon-de": market}))
    placed = httpx.post(f"{market}/control/orders", json={"lines": {"TEE-BLK-M": 1}}).json()
    order = placed["orders"][0]["id"]
    httpx.post(f"{market}/control/orders/{order}/authorise", json={}).raise_for_status()
    assert sales.read() == {"amazon-de": 1}
    httpx.post(f"{market}/control/orders/{order}/cancel", json={}).raise_for_status()
    assert sales.read() == {"amazon-de": 0}, "the order, and its cancellation with it"


def test_a_channel_that_is_gone_keeps_its_figure_until_it_is_settled(
    running: RunningShop, free_port: int
) -> None:
    urls = {"shop-nl": running.url}
    sales = Sales([SHOP], at(urls))
    running.place(count=2)
    assert sales.read() == {"shop-nl": 2}
    urls["shop-nl"] = f"http://127.0.0.1:{free_port}"
    assert sales.read() == {"shop-nl": 2}
    sales.settle("shop-nl", 1)
    urls["shop-nl"] = running.url
    running.place()
    assert sales.read() == {"shop-nl": 1}, "the audit's word is the last one"
