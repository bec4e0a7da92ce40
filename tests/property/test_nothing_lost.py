"""What a channel states of an order is in either ERP's document, or known not to be told.

Each field of the canonical order is in one of two tables; a new field that is in neither fails.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, get_args
from xml.etree.ElementTree import Element, fromstring

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.canonical.order import Order
from gateway.erp.cloud.documents import build as cloud_document
from gateway.erp.cloud.exact import loads
from gateway.erp.legacy.idoc import build as legacy_document
from tests.unit.erp.envelopes import envelope, orders, written
from tests.unit.erp.envelopes import order as an_order

TOLD: Final = frozenset({
    "order_ref", "legal_entity", "ordered_at", "currency", "customer.ref", "customer.name",
    "ship_to.name", "ship_to.street", "ship_to.city", "ship_to.postal_code", "ship_to.country",
    "ship_to.region", "tax_included", "lines.line", "lines.sku", "lines.quantity",
    "lines.unit_price", "lines.discount", "lines.tax", "lines.node", "shipping.amount",
    "shipping.tax", "total", "fulfilled_by",
})  # fmt: skip

NOT_TOLD: Final[Mapping[str, str]] = {
    "customer.email": "mail addresses go to the customer's master record; one ERP has a field more",
    "customer.group": "routing looks at it",
    "lines.kind": "the item says what it is, by the step `fees` for fees",
    "lines.taxes": "their sum is told; what they consist of is the ERP's to determine",
    "lines.discounts": "their sum is told; promotions are for finance",
    "lines.line_ref": "our line number is told",
    "shipping.taxes": "their sum is told",
    "shipping.discounts": "taken off the amount",
    "shipping.service": "neither ERP has a field for it",
    "payment.method": "payments are for finance",
    "payment.status": "the step `payment` judges it",
    "payment.reference": "payments are for finance",
    "tenders": "payments are for finance",
    "cash_rounding": "payments are for finance",
    "presentment": "what is booked is in the shop's currency",
    "loyalty": "points are carried, never booked",
    "exchange_of": "the return is a document of its own",
    "store": "routing looks at it",
    "updated_at": "what is newer is decided before",
    "after": "the order of delivery is ours",
}


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model in a field's type, such as that of each of its lines."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(model_of, get_args(annotation))), None)


def fields(
    model: type[BaseModel], known: Container[str] = NOT_TOLD, within: str = ""
) -> Iterator[str]:
    """The paths of a document's fields; below those that are ``known`` as a whole nobody looks."""
    for name, field in model.model_fields.items():
        path, inner = within + name, model_of(field.annotation)
        if inner is None or path in known:
            yield path
        else:
            yield from fields(inner, known, f"{path}.")


def test_each_field_is_told_or_known_not_to_be() -> None:
    assert set(fields(Order)) == TOLD | set(NOT_TOLD)
    assert not TOLD & set(NOT_TOLD)


@st.composite
def located(draw: st.DrawFn) -> Order:
    """Orders as channels send them, with nodes as crosswalks name them."""
    stated = draw(orders()).model_dump(mode="json")
    for line in stated["lines"]:
        line["node"] = draw(st.sampled_from(["", "1010", "DC1"]))
    stated["fulfilled_by"] = draw(st.sampled_from(["retailer", "channel"]))
    stated["ship_to"]["region"] = draw(st.sampled_from(["", "NH"]))
    return Order.model_validate(written(stated))


def shortened(text: str) -> str:
    """How a name or place begins, whatever an ERP makes of its blanks."""
    return "".join(text.split())[:20]


def amount(text: str | None) -> Decimal:
    return Decimal(text or "0")


@given(order=located())
def test_the_legacy_document_tells_all_of_it(order: Order) -> None:
    sent = envelope(order)
    root = fromstring(legacy_document(sent, "100"))
    body = root.find("IDOC")
    assert body is not None
    values = {f"{it.tag}-{field.tag}": field.text or "" for it in body for field in it}
    partners = {it.findtext("PARVW"): it for it in body.findall("E1EDKA1")}
    payer, receiver = partners["AG"], partners["WE"]
    assert {it.findtext("BELNR") for it in body.findall("E1EDK02")} >= {order.order_ref, "webshop"}
    assert values["E1EDK14-ORGID"] == order.legal_entity
    assert values["E1EDK03-DATUM"] == f"{order.ordered_at:%Y%m%d}"
    assert values["E1EDK01-CURCY"] == order.currency
    assert values["E1EDK01-BSART"] == ("ZFB" if order.fulfilled_by == "channel" else "ZOR")
    assert payer.findtext("PARTN") == order.customer.ref
    assert shortened(name_in(payer)).startswith(shortened(order.customer.name)[:15])
    to = order.ship_to
    assert shortened(receiver.findtext("STRAS") or "")[:15] == shortened(to.street)[:15]
    assert shortened(receiver.findtext("ORT01") or "")[:15] == shortened(to.city)[:15]
    told = [receiver.findtext(name) or "" for name in ("PSTLZ", "LAND1", "REGIO")]
    assert told == [to.postal_code, to.country, to.region]
    sums = {it.findtext("SUMID"): amount(it.findtext("SUMME")) for it in body.findall("E1EDS01")}
    taxes = sum((line.tax for line in order.lines), order.shipping.tax)
    assert sums["002"] == order.total
    assert sums.get("005", Decimal(0)) == taxes
    beside = amount(values.get("E1EDK04-MWSBT"))
    assert beside == (0 if order.tax_included else taxes), "which says what prices include"
    assert amount(values.get("E1EDK05-BETRG")) == order.shipping.amount
    for line, item in zip(order.lines, body.findall("E1EDP01"), strict=True):
        assert int(item.findtext("POSEX") or "") == line.line * 10
        assert item.findtext("E1EDP19/IDTNR") == line.sku
        assert amount(item.findtext("MENGE")) == line.quantity
        assert amount(item.findtext("VPREI")) == line.unit_price
        assert amount(item.findtext("E1EDP05/BETRG")) == line.discount
        assert amount(item.findtext("E1EDP04/MWSBT")) == line.tax
        assert (item.findtext("WERKS") or "") == line.node


def name_in(partner: Element) -> str:
    return (partner.findtext("NAME1") or "") + (partner.findtext("NAME2") or "")


@given(order=located())
def test_the_cloud_document_tells_all_of_it(order: Order) -> None:
    document = cloud_document(envelope(order))
    body: Any = loads(document.content)
    assert order.legal_entity in document.path
    assert body["channelOrderReference"] == order.order_ref
    assert body["orderDate"] == order.ordered_at.date().isoformat()
    assert body["currencyCode"] == order.currency
    assert body.get("fulfilledByChannel", False) == (order.fulfilled_by == "channel")
    assert body["customerNumber"] == order.customer.ref
    assert shortened(body["customerName"]) == shortened(order.customer.name)
    to = order.ship_to
    assert shortened(body["shipToAddressLine1"]) == shortened(to.street)
    assert shortened(body["shipToCity"]) == shortened(to.city)
    told = [body.get(f"shipTo{it}", "") for it in ("PostCode", "Country", "State")]
    assert told == [to.postal_code, to.country, to.region]
    assert body["pricesIncludeTax"] == order.tax_included
    assert body["totalAmountIncludingTax"] == order.total
    lines = [it for it in body["salesOrderLines"] if it["lineType"] == "Item"]
    charges = [it for it in body["salesOrderLines"] if it["lineType"] == "Charge"]
    assert sum(it["unitPrice"] for it in charges) == order.shipping.amount
    assert sum(it["totalTaxAmount"] for it in charges) == order.shipping.tax
    for line, item in zip(order.lines, lines, strict=True):
        assert item["sequence"] == line.line * 10_000
        assert item["lineObjectNumber"] == line.sku
        assert item["quantity"] == line.quantity
        assert item["unitPrice"] == line.unit_price
        assert item["discountAmount"] == line.discount
        assert item["totalTaxAmount"] == line.tax
        assert item.get("locationCode", "") == line.node


def test_a_node_that_is_no_plant_and_no_location_is_told_to_neither() -> None:
    line = {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "unit_price": "1.00"}
    line["node"] = "WAREHOUSE-12"
    sent = envelope(an_order(lines=[line], shipping={}, total="1.00"))
    assert b"WAREHOUSE" not in legacy_document(sent, "100")
    assert b"WAREHOUSE" not in cloud_document(sent).content
