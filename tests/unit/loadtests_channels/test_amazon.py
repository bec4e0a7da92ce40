"""What a marketplace's books say, as messages: checked against its own API's orders."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from loadtests.channels.amazon import FAULTS, GIFT_WRAP, Marketplace
from loadtests.channels.answers import books_of, sold_by
from loadtests.channels.port import Gateway, Sold
from loadtests.messages import CANCELLATION, ORDER
from simulators.__main__ import SYSTEMS, build_parser
from simulators.amazon.options import MarketOptions
from simulators.amazon.site import amazon_market
from tests.unit.simulators.serving import served

SOURCE = Marketplace("amazon-de", "DE", "A1PA6795UKMFR9", "DE01")
TWO = {"TEE-BLK-M": 2, "CAP-NVY-ONE": 1}


@pytest.fixture
def url() -> Iterator[str]:
    options = MarketOptions(seed=3, country="DE", pending_s=3600.0, rate_scale=10_000.0)
    with served(lambda: amazon_market(options)) as url:
        yield url


def place(url: str, **asked: object) -> dict[str, Any]:
    answer = httpx.post(f"{url}/control/orders", json={"lines": TWO, **asked}).raise_for_status()
    order: dict[str, Any] = answer.json()["orders"][0]
    return order


def act(url: str, order: dict[str, Any], what: str, **asked: object) -> None:
    httpx.post(f"{url}/control/orders/{order['id']}/{what}", json=asked).raise_for_status()


def sold(url: str, process: str) -> list[Sold]:
    return [it for it in sold_by(SOURCE, books_of(url)) if it.message.process == process]


def test_an_order_counts_from_when_it_is_paid_to_the_cent_and_with_its_tax(url: str) -> None:
    place(url)
    paid = place(url, gift=True, promoted=True)
    act(url, paid, "authorise")
    (found,) = sold(url, ORDER)
    message = found.message
    assert (message.reference, message.total) == (paid["id"], Decimal(paid["total"]))
    amounts = sum((it.amount or Decimal(0) for it in message.lines), message.shipping)
    assert amounts == message.total
    lines = {it.line: (it.sku, it.quantity) for it in message.lines}
    assert lines == {1: ("TEE-BLK-M", 2), 2: (GIFT_WRAP, 1), 3: ("CAP-NVY-ONE", 1)}
    assert message.tax is not None
    assert 0 < message.tax < amounts
    assert not found.undone


def test_what_is_cancelled_before_it_is_paid_is_never_booked(url: str) -> None:
    order = place(url)
    act(url, order, "cancel")
    assert sold_by(SOURCE, books_of(url)) == []


def test_pieces_and_whole_orders_are_cancelled_as_the_gateway_names_them(url: str) -> None:
    some, all_of_it = place(url), place(url)
    for order in (some, all_of_it):
        act(url, order, "authorise")
    act(url, some, "cancel", item_id=some["items"][0], quantity=1)
    act(url, all_of_it, "cancel")
    pieces, whole = sold(url, CANCELLATION)
    assert pieces.message.reference == f"{some['id']}/reduced-1"
    assert [(it.line, it.quantity) for it in pieces.message.lines] == [(1, 1)]
    assert (whole.message.reference, whole.message.lines) == (f"{all_of_it['id']}/cancelled", ())
    assert {it.message.reference: it.undone for it in sold(url, ORDER)} == {
        some["id"]: False,
        all_of_it["id"]: True,
    }


def test_opened_it_sells_and_closed_it_sells_no_more(url: str) -> None:
    SOURCE.open(url, Gateway("http://127.0.0.1:9", "key"), 200.0)
    faults = httpx.get(f"{url}/control/faults").json()["faults"]
    assert set(faults) == {name for name, _ in FAULTS}
    SOURCE.close(url)
    assert httpx.get(f"{url}/control/settings").json()["orders_per_s"] == 0
    assert httpx.get(f"{url}/control/faults").json()["faults"] == {}


def test_the_simulator_takes_its_options() -> None:
    given = vars(build_parser().parse_args(SOURCE.command(5)[1:]))
    options_class, _ = SYSTEMS[given.pop("system")]
    options = options_class.from_texts(given)
    assert isinstance(options, MarketOptions)
    assert (options.seed, options.country, options.marketplace) == (5, "DE", "A1PA6795UKMFR9")
