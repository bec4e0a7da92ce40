"""What a shop's books say, as messages: checked against the shop's own resources."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from loadtests.channels.answers import books_of, sold_by
from loadtests.channels.port import Gateway, Sold
from loadtests.channels.shopify import FAULTS, TOPICS, Shop
from loadtests.errors import BadFile
from loadtests.messages import CANCELLATION, ORDER, RETURN
from simulators.__main__ import SYSTEMS, build_parser
from simulators.shopify.options import ShopOptions
from tests.unit.simulators.shops import RunningShop, shop

SOURCE = Shop("shop-nl", "NL", "NL01")


@pytest.fixture
def running() -> Iterator[RunningShop]:
    with shop(seed=3, access_token=SOURCE.token, shop=SOURCE.domain) as it:
        yield it


def resource(running: RunningShop, order_id: int) -> dict[str, Any]:
    found: dict[str, Any] = running.get(f"/orders/{order_id}.json").json()["order"]
    return found


def sold(running: RunningShop, process: str) -> list[Sold]:
    return [it for it in sold_by(SOURCE, books_of(running.url)) if it.message.process == process]


def test_an_order_is_what_its_resource_says_to_the_cent_and_with_its_tax(
    running: RunningShop,
) -> None:
    placed = {str(it["id"]): resource(running, it["id"]) for it in running.place(count=12)}
    found = sold(running, ORDER)
    assert [it.message.reference for it in found] == list(placed)
    for message in (it.message for it in found):
        order = placed[message.reference]
        assert message.total == Decimal(order["total_price"])
        assert message.tax == Decimal(order["total_tax"])
        amounts = sum((it.amount or Decimal(0) for it in message.lines), message.shipping)
        assert amounts == message.total
        assert message.facts["customer_ref"] == str(order["customer"]["id"])
        assert [it.line for it in message.lines] == [*range(1, len(message.lines) + 1)]
        assert [it.sku for it in message.lines] == [it["sku"] for it in order["line_items"]]


def test_what_follows_an_order_is_named_as_the_gateway_names_it(running: RunningShop) -> None:
    reduced, cancelled, refunded = (it["id"] for it in running.place(count=3))
    for order_id in (reduced, cancelled, refunded):
        if resource(running, order_id)["financial_status"] == "pending":
            running.act(order_id, "pay")
    (order,) = running.place(lines={"TEE-BLK-M": 3})
    running.act(order["id"], "edit", quantity=1)
    running.act(cancelled, "cancel")
    running.act(refunded, "refund", quantity=1)
    gone, whole = (it.message for it in sold(running, CANCELLATION))
    assert gone.reference == f"{order['id']}/reduced-1"
    assert [(it.line, it.sku, it.quantity) for it in gone.lines] == [(1, "TEE-BLK-M", 2)]
    assert (whole.reference, whole.lines, whole.total) == (f"{cancelled}/cancelled", (), None)
    (back,) = (it.message for it in sold(running, RETURN))
    (refund,) = resource(running, refunded)["refunds"]
    assert back.reference == str(refund["id"])
    assert back.total == Decimal(refund["transactions"][0]["amount"])
    assert back.lines[0].amount == Decimal(refund["refund_line_items"][0]["subtotal"])


def test_opened_it_sells_by_webhook_and_closed_it_sells_no_more(running: RunningShop) -> None:
    SOURCE.open(running.url, Gateway("http://127.0.0.1:9", "key"), 200.0)
    hooks = running.get("/webhooks.json").json()["webhooks"]
    assert {it["topic"] for it in hooks} == set(TOPICS)
    assert {it["address"] for it in hooks} == {"http://127.0.0.1:9/v1/hooks/shopify/shop-nl"}
    faults = httpx.get(f"{running.url}/control/faults").json()["faults"]
    assert set(faults) == {name for name, _ in FAULTS}
    SOURCE.close(running.url)
    assert httpx.get(f"{running.url}/control/settings").json()["orders_per_s"] == 0
    assert httpx.get(f"{running.url}/control/faults").json()["faults"] == {}


def test_the_simulator_takes_its_options() -> None:
    given = vars(build_parser().parse_args(SOURCE.command(5)[1:]))
    options_class, _ = SYSTEMS[given.pop("system")]
    options = options_class.from_texts(given)
    assert isinstance(options, ShopOptions)
    assert (options.shop, options.secret) == (SOURCE.domain, SOURCE.secret)
    assert (options.seed, options.country) == (5, "NL")


def test_books_that_are_none_are_named() -> None:
    with pytest.raises(BadFile, match="books of shop-nl"):
        sold_by(SOURCE, [{"kind": "order", "order_id": 1}])
