"""IDocs: what the channel said, found again in the XML."""

from __future__ import annotations

from decimal import Decimal
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given

from gateway.canonical.base import Document
from gateway.canonical.envelope import StoredSale
from gateway.canonical.order import Order, Return
from gateway.erp.body import Overlong, Unsendable
from gateway.erp.legacy.idoc import build
from gateway.erp.legacy.segments import LENGTHS
from gateway.erp.legacy.soap import parse
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


def idoc(body: Document) -> Element:
    root = parse(build(envelope(body), "100"))
    inside = root.find("IDOC")
    assert inside is not None
    return inside


def texts(element: Element, path: str) -> list[str]:
    return [each.text or "" for each in element.findall(path)]


def money(element: Element, path: str) -> list[Decimal]:
    return [Decimal(text) for text in texts(element, path)]


def by_qualifier(element: Element, segment: str, key: str, value: str) -> Element:
    (only,) = [each for each in element.findall(segment) if each.findtext(key) == value]
    return only


# --------------------------------------------------------------------------- orders


def test_an_order_is_an_orders05_with_a_control_record() -> None:
    sent = envelope(order())
    root = parse(build(sent, "200"))
    assert root.tag == "ORDERS05"
    control = root.find("IDOC/EDI_DC40")
    assert control is not None
    assert {each.tag: each.text for each in control} == {
        "TABNAM": "EDI_DC40", "MANDT": "200", "DIRECT": "2", "IDOCTYP": "ORDERS05",
        "MESTYP": "ORDERS", "SNDPOR": "COEXIST", "SNDPRT": "LS", "SNDPRN": "COEXIST",
        "RCVPOR": "SAP200", "RCVPRT": "LS", "RCVPRN": "CLNT200", "CREDAT": "20261121",
        "CRETIM": "100005",
    }  # fmt: skip
    assert root.findtext("IDOC/E1EDK01/BELNR") == reference_of(sent)


def test_the_fields_of_an_order() -> None:
    body = idoc(order())
    assert body.findtext("E1EDK01/BSART") == "ZOR"
    assert by_qualifier(body, "E1EDK14", "QUALF", "008").findtext("ORGID") == "NL01"
    assert by_qualifier(body, "E1EDK03", "IDDAT", "022").findtext("DATUM") == "20261121"
    assert by_qualifier(body, "E1EDK02", "QUALF", "001").findtext("BELNR") == "SHOP-10001"
    assert by_qualifier(body, "E1EDKA1", "PARVW", "AG").findtext("PARTN") == "C-1001"
    ship_to = by_qualifier(body, "E1EDKA1", "PARVW", "WE")
    assert [ship_to.findtext(f) for f in ("NAME1", "STRAS", "ORT01", "PSTLZ", "LAND1")] == [
        "Ada Example", "Voorbeeldstraat 1", "Teststad", "1234 AB", "NL",
    ]  # fmt: skip
    assert texts(body, "E1EDP01/POSEX") == ["000010"]
    assert texts(body, "E1EDP01/MENGE") == ["2"]
    assert texts(body, "E1EDP01/VPREI") == ["19.95"]
    assert texts(body, "E1EDP01/NETWR") == ["39.90"]
    assert texts(body, "E1EDP01/E1EDP19/IDTNR") == ["TEE-BLK-M"]
    assert texts(body, "E1EDK05/BETRG") == ["4.95"]
    assert by_qualifier(body, "E1EDS01", "SUMID", "002").findtext("SUMME") == "44.85"
    assert body.find("E1EDK04") is None, "tax that is in the prices is not added again"


@given(orders())
def test_every_amount_of_an_order_is_found_again(sent: Order) -> None:
    body = idoc(sent)
    items = body.findall("E1EDP01")
    assert [int(item.findtext("POSEX") or 0) // 10 for item in items] == [
        line.line for line in sent.lines
    ]
    for item, line in zip(items, sent.lines, strict=True):
        assert item.findtext("E1EDP19/IDTNR") == line.sku
        assert money(item, "MENGE") == [line.quantity]
        assert money(item, "VPREI") == [line.unit_price]
        assert money(item, "NETWR") == [line.amount]
        assert sum(money(item, "E1EDP05/BETRG")) == line.discount
        assert sum(money(item, "E1EDP04/MWSBT")) == line.tax
    shipping = sum(money(body, "E1EDK05/BETRG"))
    assert shipping == sent.shipping.amount
    taxes = [each for each in body.findall("E1EDS01") if each.findtext("SUMID") == "005"]
    told = sum((Decimal(each.findtext("SUMME") or 0) for each in taxes), Decimal(0))
    assert told - sum(line.tax for line in sent.lines) == sent.shipping.tax
    added = sum(money(body, "E1EDK04/MWSBT"))
    total = by_qualifier(body, "E1EDS01", "SUMID", "002").findtext("SUMME")
    assert Decimal(total or 0) == sent.total == sum(money(body, "E1EDP01/NETWR")) + shipping + added


@given(orders())
def test_no_field_is_longer_than_sap_holds_and_all_xml_is_well_formed(sent: Order) -> None:
    for element in idoc(sent).iter():
        if element.tag in LENGTHS:
            for field in element:
                if not len(field):
                    assert len(field.text or "") <= LENGTHS[element.tag][field.tag]


def test_the_same_envelope_gives_the_same_bytes() -> None:
    sent = envelope(order())
    assert build(sent, "100") == build(sent, "100")


# --------------------------------------------------------------------------- texts


def test_long_names_and_streets_go_on_in_the_second_field_and_are_then_cut() -> None:
    ship_to = order().ship_to.model_dump() | {
        "name": "Maria-Theresia " * 8,
        "street": "Allee " * 5,
        "city": "Q" * 120,
        "region": "Noord-Holland",
    }
    partner = by_qualifier(idoc(order(ship_to=ship_to)), "E1EDKA1", "PARVW", "WE")
    assert partner.findtext("NAME1") == "Maria-Theresia Maria-Theresia Maria"
    assert (partner.findtext("NAME2") or "").startswith("-Theresia")
    assert partner.findtext("STRAS") == "Allee Allee Allee Allee Allee"
    assert partner.find("STRS2") is None
    assert partner.findtext("ORT01") == "Q" * 35
    assert partner.find("REGIO") is None, "half a region would be another one"


def test_markup_in_names_does_no_harm() -> None:
    name = '<E1EDK05> & "Söhne" ]]> \U0001f455'
    customer = {"ref": "C-1", "name": name}
    partner = by_qualifier(idoc(order(customer=customer)), "E1EDKA1", "PARVW", "AG")
    assert partner.findtext("NAME1") == '<E1EDK05> & "Söhne" ]]> \U0001f455'


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (cancellation("R" * 36), "E1EDK02-BELNR holds 35 characters"),
        (sale(store="S" * 21), "E1WPB01-POSKREIS holds 20 characters"),
        (
            order(
                lines=[
                    {"line": 1, "sku": "A", "quantity": 1, "unit_price": "1234567890123.0001"},
                    {"line": 2, "sku": "A", "quantity": 1, "unit_price": "0.9999"},
                ],
                shipping={},
                total="1234567890124.00",
            ),
            "E1EDP01-VPREI holds 15 characters, '1234567890123.0001' has 18",
        ),
    ],
    ids=["cancellation", "store", "price"],
)
def test_references_and_amounts_are_never_cut(body: Document, problem: str) -> None:
    with pytest.raises(Overlong, match=problem):
        build(envelope(body), "100")


def test_a_reference_xml_cannot_carry_is_refused() -> None:
    with pytest.raises(Unsendable, match="a character XML cannot carry"):
        build(envelope(cancellation("SHOP-\x01")), "100")


# --------------------------------------------------------------------------- follow-ups


@given(returns())
def test_every_refund_is_found_again(sent: Return) -> None:
    body = idoc(sent)
    assert body.findtext("E1EDK01/BSART") == "ZRE"
    assert by_qualifier(body, "E1EDK02", "QUALF", "001").findtext("BELNR") == sent.order_ref
    assert by_qualifier(body, "E1EDK02", "QUALF", "002").findtext("BELNR") == "R-1"
    assert money(body, "E1EDP01/NETWR") == [line.refund for line in sent.lines]
    assert money(body, "E1EDP01/MENGE") == [line.quantity for line in sent.lines]
    taxes = [line.tax for line in sent.lines if line.tax]
    assert money(body, "E1EDP01/E1EDP04/MWSBT") == taxes
    assert money(body, "E1EDS01/SUMME") == [sent.total, *([sum(taxes)] if taxes else [])]


def test_a_refund_that_does_not_divide_keeps_its_amount() -> None:
    body = idoc(returned())
    assert texts(body, "E1EDP01/NETWR") == ["10.00"]
    assert texts(body, "E1EDP01/VPREI") == ["3.34"]


def test_a_full_cancellation_has_no_items_and_a_partial_one_names_its_lines() -> None:
    whole = idoc(cancellation("SHOP-10001"))
    assert whole.findtext("EDI_DC40/MESTYP") == "ORDCHG"
    assert whole.findtext("E1EDK01/ACTION") == "003"
    assert by_qualifier(whole, "E1EDK02", "QUALF", "001").findtext("BELNR") == "SHOP-10001"
    assert whole.find("E1EDP01") is None
    partial = idoc(cancellation("SHOP-10001", {3: 2}))
    (item,) = partial.findall("E1EDP01")
    assert [item.findtext(f) for f in ("POSEX", "ACTION", "MENGE")] == ["000030", "003", "2"]


# --------------------------------------------------------------------------- receipts


def test_a_receipt_is_a_wpubon01() -> None:
    body = idoc(sale())
    receipt = body.find("E1WPB01")
    assert receipt is not None
    fields = {each.tag: each.text for each in receipt if not len(each)}
    fields.pop("BELNR")
    assert fields == {
        "POSKREIS": "NL-001", "KASSID": "1", "VORGDATUM": "20261121", "VORGZEIT": "100005",
        "BONNUMMER": "17", "CURRENCY": "EUR",
    }  # fmt: skip
    assert texts(receipt, "E1WPB02/UMSWERT") == ["17.95"]
    assert texts(receipt, "E1WPB06/ZAHLART") == ["cash", "cash"]
    assert texts(receipt, "E1WPB06/SUMME") == ["20.00", "-2.05"]


@given(sales())
def test_every_amount_of_a_receipt_is_found_again(sent: StoredSale) -> None:
    receipt = idoc(sent).find("E1WPB01")
    assert receipt is not None
    for item, line in zip(receipt.findall("E1WPB02"), sent.sale.lines, strict=True):
        assert item.findtext("POSNR") == str(line.line)
        assert item.findtext("ARTNR") == line.sku
        (price,), (quantity,), (amount,) = (money(item, f) for f in ("PREIS", "MENGE", "UMSWERT"))
        assert (price, int(quantity), amount) == (line.unit_price, line.quantity, line.amount)
        assert price * quantity - amount == line.discount
        assert sum(money(item, "E1WPB04/MWSBT")) == line.tax
    assert money(receipt, "E1WPB06/SUMME") == [tender.amount for tender in sent.sale.tenders]
    assert money(receipt, "E1WPB03/SUMME") == [sent.sale.total]


# --------------------------------------------------------------------------- envelopes


def test_an_envelope_this_release_cannot_read_says_where() -> None:
    sent = envelope(order())
    del sent.body["customer"]
    with pytest.raises(Unsendable, match=r"order\.intake 'any': customer: Field required"):
        build(sent, "100")


def test_a_process_that_books_nothing_is_refused() -> None:
    sent = envelope(order()).model_copy(update={"process": "catalog.price"})
    with pytest.raises(Unsendable, match=r"'catalog\.price' books nothing"):
        build(sent, "100")
