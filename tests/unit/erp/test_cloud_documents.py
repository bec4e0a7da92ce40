"""Documents of the cloud ERP: what the channel said, found again in the JSON, digit by digit."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.base import Document
from gateway.canonical.envelope import StoredSale
from gateway.canonical.order import Order, Return
from gateway.erp.body import Unsendable
from gateway.erp.cloud.documents import LENGTHS, build, where
from gateway.erp.cloud.exact import Json, dumps, loads
from gateway.erp.figures import BadAnswer
from tests.unit.erp.envelopes import (
    cancellation,
    envelope,
    order,
    orders,
    reference_of,
    returned,
    returns,
    sale,
    sales,
)


def document(body: Document) -> Any:
    return json.loads(build(envelope(body)).content, parse_float=Decimal, parse_int=Decimal)


# --------------------------------------------------------------------------- exact JSON


def test_figures_are_written_digit_by_digit() -> None:
    value: Json = {
        "a": Decimal("19.90"), "b": Decimal("1E+2"), "c": Decimal("0.1"), "d": 2, "e": True,
        "f": None, "g": ['"é\u2028'], "h": Decimal("12345678901234567.8901"),
    }  # fmt: skip
    assert dumps(value) == (
        '{"a":19.90,"b":100,"c":0.1,"d":2,"e":true,"f":null,"g":["\\"\\u00e9\\u2028"],'
        '"h":12345678901234567.8901}'
    )


@pytest.mark.parametrize("value", [0.1, {"a": [1.5]}, object(), (1, 2)])
def test_a_float_has_no_exact_form(value: Any) -> None:
    with pytest.raises(TypeError, match="has no exact JSON form"):
        dumps(value)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_figure_is_not_written(value: str) -> None:
    with pytest.raises(ValueError, match="has no JSON form"):
        dumps(Decimal(value))


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**30), 10**30)
        | st.text(st.characters(exclude_categories=["Cs"]))
        | st.decimals(-(10**15), 10**15, places=4, allow_nan=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
        max_leaves=20,
    )
)
def test_what_is_written_reads_the_same(value: Any) -> None:
    assert loads(dumps(value).encode(errors="surrogatepass")) == value


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"<html>", b"[NaN]", b"[Infinity]", b"\xff", b"[" * 100_000, b"1" * 5000,
     b"1e999999999", b"0." + b"1" * 100],
)  # fmt: skip
def test_what_is_no_json_or_too_much_of_it_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        loads(body)


# --------------------------------------------------------------------------- orders


def test_an_order() -> None:
    sent = envelope(order())
    built = build(sent)
    assert built.path == "/api/v2.0/companies(NL01)/salesOrders"
    assert json.loads(built.content, parse_float=Decimal) == {
        "externalDocumentNumber": reference_of(sent),
        "shortcutDimension1Code": "WEBSHOP",
        "channelOrderReference": "SHOP-10001",
        "orderDate": "2026-11-21",
        "customerNumber": "C-1001",
        "customerName": "Ada Example",
        "email": "ada@example.com",
        "currencyCode": "EUR",
        "pricesIncludeTax": True,
        "shipToName": "Ada Example",
        "shipToAddressLine1": "Voorbeeldstraat 1",
        "shipToCity": "Teststad",
        "shipToPostCode": "1234 AB",
        "shipToCountry": "NL",
        "salesOrderLines": [
            {
                "sequence": 10_000,
                "lineType": "Item",
                "lineObjectNumber": "TEE-BLK-M",
                "quantity": 2,
                "unitPrice": Decimal("19.95"),
                "discountAmount": 0,
                "totalTaxAmount": Decimal("6.93"),
                "amountIncludingTax": Decimal("39.90"),
            },
            {
                "sequence": 20_000,
                "lineType": "Charge",
                "lineObjectNumber": "FREIGHT",
                "quantity": 1,
                "unitPrice": Decimal("4.95"),
                "totalTaxAmount": Decimal("0.86"),
                "amountIncludingTax": Decimal("4.95"),
            },
        ],
        "totalAmountIncludingTax": Decimal("44.85"),
    }


@given(orders())
def test_every_amount_of_an_order_is_found_again(sent: Order) -> None:
    body = document(sent)
    items = [line for line in body["salesOrderLines"] if line["lineType"] == "Item"]
    freight = [line for line in body["salesOrderLines"] if line["lineType"] == "Charge"]
    for item, line in zip(items, sent.lines, strict=True):
        assert item["sequence"] == line.line * 10_000
        assert item["lineObjectNumber"] == line.sku
        assert item["quantity"] == line.quantity
        assert item["unitPrice"] == line.unit_price
        assert item["discountAmount"] == line.discount
        assert item["totalTaxAmount"] == line.tax
    assert sum(line["unitPrice"] for line in freight) == sent.shipping.amount
    assert sum(line["totalTaxAmount"] for line in freight) == sent.shipping.tax
    assert body["totalAmountIncludingTax"] == sent.total
    assert sum(line["amountIncludingTax"] for line in body["salesOrderLines"]) == sent.total
    assert body["pricesIncludeTax"] is sent.tax_included
    sequences = [line["sequence"] for line in body["salesOrderLines"]]
    assert len(set(sequences)) == len(sequences)


@given(orders())
def test_no_text_is_longer_than_the_erp_holds(sent: Order) -> None:
    body = document(sent)
    for name, length in LENGTHS.items():
        assert len(body.get(name, "")) <= length


def test_long_texts_are_cut_and_what_must_not_be_is_left_out() -> None:
    long = "Allee der Beispiele " * 6
    ship_to = order().ship_to.model_dump() | {"street": long.strip(), "region": "Noord-Holland"}
    customer = {"ref": "C-1", "name": "Ada", "email": "a" * 90 + "@example.com"}
    body = document(order(ship_to=ship_to, customer=customer))
    assert body["shipToAddressLine1"] == long[:99]
    assert body["shipToAddressLine2"] == long[100:].strip()
    assert body["shipToState"] == "Noord-Holland"
    assert "email" not in body


def test_free_shipping_is_no_line() -> None:
    body = document(order(shipping={}, total="39.90"))
    assert [line["lineType"] for line in body["salesOrderLines"]] == ["Item"]


# --------------------------------------------------------------------------- the others


@given(returns())
def test_every_refund_is_found_again(sent: Return) -> None:
    body = document(sent)
    for item, line in zip(body["salesCreditMemoLines"], sent.lines, strict=True):
        assert item["amountIncludingTax"] == line.refund
        assert item["unitPrice"] * item["quantity"] - item["discountAmount"] == line.refund
        assert item["quantity"] == line.quantity
        assert item.get("totalTaxAmount") == line.tax
    assert body["totalAmountIncludingTax"] == sent.total
    assert body["channelOrderReference"] == sent.order_ref


@given(sales())
def test_every_amount_of_a_receipt_is_found_again(sent: StoredSale) -> None:
    body = document(sent)
    for item, line in zip(body["salesInvoiceLines"], sent.sale.lines, strict=True):
        assert item["unitPrice"] == line.unit_price
        assert item["discountAmount"] == line.discount
        assert item["totalTaxAmount"] == line.tax
        assert item["amountIncludingTax"] == line.amount
    assert body["totalAmountIncludingTax"] == sent.sale.total


def test_a_receipt_is_named_by_its_natural_key() -> None:
    body = document(sale())
    assert body["channelOrderReference"] == "NL-001/2026-11-21/1/17"
    assert body["invoiceDate"] == "2026-11-21"


def test_where_the_others_go() -> None:
    paths = {build(envelope(body)).path.rpartition("/")[2] for body in (returned(), sale())}
    assert paths == {"salesCreditMemos", "salesInvoices"}


def test_a_full_cancellation_has_no_lines_and_a_partial_one_names_them() -> None:
    whole = document(cancellation("SHOP-10001"))
    assert whole["channelOrderReference"] == "SHOP-10001"
    assert whole["reason"] == "customer"
    assert "lines" not in whole
    partial = document(cancellation("SHOP-10001", {3: 2}))
    assert partial["lines"] == [{"sequence": 30_000, "quantity": 2}]


def test_the_same_envelope_gives_the_same_bytes() -> None:
    sent = envelope(order())
    assert build(sent) == build(sent)


def test_an_envelope_this_release_cannot_read_is_refused() -> None:
    broken = envelope(order())
    del broken.body["lines"]
    with pytest.raises(Unsendable, match="lines: Field required"):
        build(broken)


def test_queries_cannot_be_broken_out_of() -> None:
    assert where("/items", "number", "A' or 1 eq 1&$top=9") == (
        "/items?$filter=number%20eq%20%27A%27%27%20or%201%20eq%201%26%24top%3D9%27"
    )
