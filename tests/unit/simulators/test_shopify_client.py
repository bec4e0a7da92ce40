"""The published Python client of Shopify drives the simulated shop, unmodified."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import shopify
from pyactiveresource.connection import ClientError, ResourceNotFound, UnauthorizedAccess

from tests.unit.simulators.shops import RunningShop, receiver, shop


@pytest.fixture(scope="module")
def running() -> Iterator[RunningShop]:
    with shop(seed=5) as it:
        yield it


@pytest.fixture(autouse=True)
def session(running: RunningShop) -> Iterator[None]:
    """Point the client at the simulator: its site is configuration."""
    shopify.ShopifyResource.site = f"{running.url}/admin/api/2026-07"
    shopify.ShopifyResource.headers["X-Shopify-Access-Token"] = running.options.access_token
    yield
    shopify.ShopifyResource.clear_session()


def test_it_reads_the_shop() -> None:
    found = shopify.Shop.current()
    assert (found.currency, found.taxes_included) == ("EUR", True)


def test_it_finds_orders_page_by_page(running: RunningShop) -> None:
    running.place(count=12)
    page = shopify.Order.find(status="any", limit=5)
    ids = [order.id for order in page]
    while page.has_next_page():
        page = page.next_page()
        ids += [order.id for order in page]
    assert len(ids) == len(set(ids)) == shopify.Order.count(status="any") >= 12
    assert ids == sorted(ids, reverse=True), "the newest first"


def test_an_order_adds_up(running: RunningShop) -> None:
    (placed,) = running.place(lines={"TEE-BLK-M": 2, "POLO-NVY-L": 1}, code="WELCOME10")
    order = shopify.Order.find(placed["id"])
    assert order.total_line_items_price == "74.85"
    assert order.total_discounts == "7.49"
    assert order.subtotal_price == "67.36"
    assert order.total_price == "72.31", "with shipping of 4.95"
    allocated = [it.discount_allocations[0].amount for it in order.line_items]
    assert sorted(allocated) == ["3.50", "3.99"]
    assert order.line_items[0].tax_lines[0].rate == 0.21


def test_it_refunds_a_line(running: RunningShop) -> None:
    (placed,) = running.place(lines={"TEE-BLK-M": 2})
    order = shopify.Order.find(placed["id"])
    asked = [{"line_item_id": order.line_items[0].id, "quantity": 1, "restock_type": "return"}]
    suggested = shopify.Refund.calculate(order.id, refund_line_items=asked)
    assert suggested.transactions[0].kind == "suggested_refund"
    assert not shopify.Refund.find(order_id=order.id), "an estimate changes nothing"
    made = shopify.Refund.create({"order_id": order.id, "refund_line_items": asked})
    assert made.transactions[0].amount == suggested.transactions[0].amount == "19.95"
    again = shopify.Order.find(order.id)
    assert again.financial_status == "partially_refunded"
    assert again.current_total_price == "24.90"


def test_refunding_more_than_there_is_is_refused(running: RunningShop) -> None:
    (placed,) = running.place(lines={"TEE-BLK-M": 1})
    line_id = shopify.Order.find(placed["id"]).line_items[0].id
    asked = [{"line_item_id": line_id, "quantity": 2}]
    refund = shopify.Refund({"order_id": placed["id"], "refund_line_items": asked})
    assert not refund.save()
    assert "cannot refund more than remaining" in str(refund.errors.full_messages())


def test_it_cancels(running: RunningShop) -> None:
    (placed,) = running.place(lines={"TEE-BLK-M": 1})
    order = shopify.Order.find(placed["id"])
    order.cancel(reason="customer")
    again = shopify.Order.find(placed["id"])
    assert again.cancelled_at
    assert (again.cancel_reason, again.financial_status) == ("customer", "refunded")
    assert again.current_total_price == "0.00"


def test_it_subscribes_and_is_told_once_per_topic_and_address(running: RunningShop) -> None:
    with receiver() as told:
        made = shopify.Webhook.create({"topic": "orders/create", "address": told.url})
        assert made.id
        twice = shopify.Webhook({"topic": "orders/create", "address": told.url})
        assert not twice.save()
        assert "already been taken" in str(twice.errors.full_messages())
        assert [it.address for it in shopify.Webhook.find()] == [told.url]
        made.destroy()
    assert shopify.Webhook.find() == []


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(ResourceNotFound):
        shopify.Order.find(1)


def test_without_the_token_nothing_is_told(running: RunningShop) -> None:
    shopify.ShopifyResource.headers["X-Shopify-Access-Token"] = "wrong"
    with pytest.raises(UnauthorizedAccess):
        shopify.Shop.current()
    assert running.counters()["unauthorized_401"] >= 1


def read_often(times: int) -> None:
    for _ in range(times):
        shopify.Shop.current()


def test_the_call_limit_is_the_published_one() -> None:
    with shop(bucket=40, leak_per_s=2.0) as limited:
        shopify.ShopifyResource.site = f"{limited.url}/admin/api/2026-07"
        shopify.Shop.current()
        assert shopify.Limits.credit_limit() == 40
        with pytest.raises(ClientError) as refused:
            read_often(60)
        assert refused.value.response.code == 429
        assert refused.value.response.headers["Retry-After"] == "2.0"
        assert b"Exceeded 2 calls per second" in refused.value.response.body
