"""The Python client of the Selling Partner API drives the simulated marketplace, unmodified."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sp_api.api import Orders, OrdersV20260101, Reports
from sp_api.auth import AccessTokenClient
from sp_api.auth.exceptions import AuthorizationError
from sp_api.base.exceptions import (
    SellingApiBadRequestException,
    SellingApiForbiddenException,
    SellingApiNotFoundException,
    SellingApiRequestThrottledException,
)

from gateway.channels.amazon.settlement import SettlementFile
from gateway.errors import FileRefused
from simulators.amazon.settlements import REPORT_TYPE
from tests.unit.simulators.markets import market
from tests.unit.simulators.sellers import client, close, forget_tokens, long_ago

#: Everything the client needs to be told, beside where the marketplace is.
ALL_DATA = ["BUYER", "RECIPIENT", "PROCEEDS", "PROMOTION", "CANCELLATION", "FULFILLMENT", "TAX"]
SETTLEMENT = REPORT_TYPE


@pytest.fixture(autouse=True)
def _no_tokens_of_before() -> Iterator[None]:
    forget_tokens()
    yield
    forget_tokens()


def test_both_versions_of_the_orders_api_tell_the_same_order() -> None:
    with market() as there:
        placed = there.place(quantity=2, promoted=True, gift=True, liable=True)
        new, old = client(OrdersV20260101, there), client(Orders, there)
        modern = new.get_order(placed["id"], includedData=ALL_DATA).payload["order"]
        classic = old.get_order(placed["id"]).payload
        items = old.get_order_items(placed["id"]).payload["OrderItems"]
        close(new, old)
    assert modern["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
    assert classic["OrderStatus"] == "Unshipped"
    assert modern["proceeds"]["grandTotal"]["amount"] == placed["total"]
    assert classic["OrderTotal"] == {"CurrencyCode": "EUR", "Amount": placed["total"]}
    (line,), (was,) = modern["orderItems"], items
    assert line["orderItemId"] == was["OrderItemId"]
    assert line["quantityOrdered"] == was["QuantityOrdered"] == 2
    assert line["tax"]["taxCollections"][0]["model"] == "MARKETPLACE_FACILITATOR"
    assert was["TaxCollection"]["Model"] == "MarketplaceFacilitator"
    parts = {it["type"]: Decimal(it["subtotal"]["amount"]) for it in line["proceeds"]["breakdowns"]}
    assert parts["ITEM"] == Decimal(was["ItemPrice"]["Amount"])
    paid = parts["ITEM"] + parts["SHIPPING"] + parts["GIFT_WRAP"] - parts["DISCOUNT"]
    assert paid == Decimal(placed["total"])


def test_an_order_is_pending_without_money_until_its_payment_is_authorised() -> None:
    with market(pending_s=3600.0) as there:
        placed = there.place()
        orders = client(OrdersV20260101, there)

        def status() -> str:
            found = orders.get_order(placed["id"], includedData=ALL_DATA).payload["order"]
            assert ("proceeds" in found) == (found["fulfillment"]["fulfillmentStatus"] != "PENDING")
            return str(found["fulfillment"]["fulfillmentStatus"])

        assert status() == "PENDING"
        there.act(placed["id"], "authorise")
        assert status() == "UNSHIPPED"
        there.act(placed["id"], "ship")
        assert status() == "SHIPPED"
        close(orders)


def test_a_search_gives_every_order_once_over_its_pages() -> None:
    with market(pending_s=3600.0) as there:
        httpx.post(f"{there.url}/control/orders", json={"count": 25}).raise_for_status()
        new, old = client(OrdersV20260101, there), client(Orders, there)
        found, token = [], None
        while True:
            more = {"paginationToken": token} if token else {"lastUpdatedAfter": long_ago()}
            page = new.search_orders(**more, maxResultsPerPage=10)
            found += [it["orderId"] for it in page.payload["orders"]]
            token = page.next_token
            if not token:
                break
        classic, more = [], {"CreatedAfter": long_ago(), "MaxResultsPerPage": 10}
        while more:
            page = old.get_orders(**more)
            classic += [it["AmazonOrderId"] for it in page.payload["Orders"]]
            more = {"NextToken": page.next_token} if page.next_token else {}
        close(new, old)
        placed = [it["order_id"] for it in there.books("order")]
    assert sorted(found) == sorted(classic) == sorted(placed)


def test_a_search_that_asks_for_too_much_or_nothing_is_told_so() -> None:
    with market(search_lag_s=120.0) as there:
        orders = client(OrdersV20260101, there)
        for wrong in (
            {"lastUpdatedAfter": long_ago(), "createdAfter": long_ago()},
            {"lastUpdatedAfter": "yesterday"},
            {"lastUpdatedAfter": long_ago(), "lastUpdatedBefore": datetime.now(UTC).isoformat()},
            {"createdAfter": long_ago(), "maxResultsPerPage": 101},
            {"createdAfter": long_ago(), "includedData": ["GOSSIP"]},
            {"paginationToken": "made-up"},
        ):
            with pytest.raises(SellingApiBadRequestException) as refused:
                orders.search_orders(**wrong)
            assert refused.value.amzn_code == "InvalidInput"
        with pytest.raises(SellingApiNotFoundException):
            orders.get_order("402-0000000-0000000")
        placed = there.place()
        page = orders.search_orders(lastUpdatedAfter=long_ago()).payload
        assert page["orders"] == [], "changes of the last two minutes are not seen yet"
        assert placed
        close(orders)


def test_the_published_burst_is_all_that_passes_at_once_and_the_header_says_the_rate() -> None:
    with market(rate_scale=1.0) as there:
        orders = client(OrdersV20260101, there)
        answers = [orders.search_orders(createdAfter=long_ago()) for _ in range(20)]
        assert {it.rate_limit for it in answers} == {"0.0056"}
        with pytest.raises(SellingApiRequestThrottledException) as refused:
            orders.search_orders(createdAfter=long_ago())
        assert refused.value.amzn_code == "QuotaExceeded"
        assert "x-amzn-RateLimit-Limit" not in refused.value.headers
        assert there.counters()["throttled_429"] == 1
        close(orders)


def test_a_wrong_credential_gets_no_token_and_a_stale_token_no_answer() -> None:
    with market() as there:
        for wrong, code in (
            ({"lwa_client_secret": "other"}, "invalid_client"),
            ({"refresh_token": "Atzr|other"}, "invalid_grant"),
        ):
            stranger = client(Orders, there, **wrong)
            with pytest.raises(AuthorizationError) as refused:
                stranger.get_orders(CreatedAfter=long_ago())
            assert refused.value.error_code == code
            close(stranger)
        known = client(Orders, there)
        known.get_orders(CreatedAfter=long_ago())
        there.fault("token_expiry", count=1)
        with pytest.raises(SellingApiForbiddenException):
            known.get_orders(CreatedAfter=long_ago())
        close(known)
    assert AccessTokenClient.host == "api.amazon.com", "the client was not changed"


def settled(reports: Any) -> list[bytes]:
    found = reports.get_reports(reportTypes=[SETTLEMENT]).payload["reports"]
    return [
        reports.get_report_document(it["reportDocumentId"], download=True)
        .payload["document"]
        .encode()
        for it in found
    ]


def test_settlements_tie_out_and_carry_the_reserve_on() -> None:
    with market() as there:
        reports = client(Reports, there)
        for by_amazon in (True, False):
            placed = there.place(by_amazon=by_amazon, liable=by_amazon, promoted=True, gift=True)
            there.act(placed["id"], "ship")
            there.act(placed["id"], "refund", amount="10.00")
            there.settle()
        there.settle()
        with pytest.raises(SellingApiBadRequestException):
            reports.create_report(reportType=SETTLEMENT)
        documents = settled(reports)
        books = there.books("settlement")
        close(reports)
    reserves = []
    for document, booked in zip(reversed(documents), books, strict=True):
        file = SettlementFile(io.BytesIO(document))
        rows = list(file.rows())  # refuses a file that does not add up
        assert not file.unknown_components()
        assert file.head.total == Decimal(booked["total"])
        assert file.head.settlement_id == booked["settlement_id"]
        reserves.append(
            {
                it.amount_description: it.amount
                for it in rows
                if it.transaction_type == "other-transaction"
            }
        )
    held = [-it.get("Current Reserve Amount", Decimal(0)) for it in reserves]
    released = [it.get("Previous Reserve Amount Balance", Decimal(0)) for it in reserves]
    assert released == [0, *held[:-1]]
    assert all(held)


def test_a_document_cut_short_is_refused_whole() -> None:
    with market() as there:
        reports = client(Reports, there)
        there.act(there.place()["id"], "ship")
        there.settle()
        there.fault("truncated_file", count=1)
        (cut,), (whole,) = settled(reports), settled(reports)
        close(reports)
    with pytest.raises(FileRefused):
        list(SettlementFile(io.BytesIO(cut)).rows())
    assert list(SettlementFile(io.BytesIO(whole)).rows())
