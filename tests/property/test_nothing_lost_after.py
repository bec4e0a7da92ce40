"""What a channel states of a return, refund, cancellation or receipt is in the ERPs' documents.

As for orders: each field of the canonical document is told to both ERPs, to one of them, or to
neither, for a reason that stands here; a new field that is in no table fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.canonical.base import Document
from gateway.canonical.envelope import (
    Envelope,
    OrderCancellation,
    StoredSale,
    receipt_reference,
)
from gateway.canonical.order import Return, SalesLine
from gateway.canonical.sale import SaleReturn
from gateway.erp.cloud.documents import build as cloud_document
from gateway.erp.cloud.exact import loads
from gateway.erp.legacy.idoc import build as legacy_document
from tests.property.test_nothing_lost import amount, fields
from tests.unit.erp.envelopes import cancellation, envelope, returned, returns, sale, sales, written

#: Four properties over documents of a dozen fields: more examples cost seconds and find no more.
FEW: Final = settings(max_examples=25)

_LINE: Final = ("line", "sku", "quantity", "unit_price", "discount", "tax")

TOLD: Final[Mapping[type[BaseModel], frozenset[str]]] = {
    Return: frozenset({
        "order_ref", "order_channel", "legal_entity", "returned_at", "currency", "lines.line",
        "lines.sku", "lines.quantity", "lines.refund", "lines.tax", "lines.restock", "lines.node",
        "shipping", "shipping_tax",
        "adjustments.amount", "total",
    }),
    OrderCancellation: frozenset({
        "order_ref", "legal_entity", "cancellation.lines.line", "cancellation.lines.quantity",
    }),
    StoredSale: frozenset({
        "store", "sale.register_id", "sale.sequence", "sale.business_date", "sale.currency",
        "sale.tax_included", "sale.total",
        *(f"sale.{part}.{name}" for part in ("lines", "returns") for name in _LINE),
    }),
}  # fmt: skip

ONE_ERP: Final[Mapping[type[BaseModel], Mapping[str, str]]] = {
    Return: {
        "return_ref": "legacy; in the cloud ERP our own reference leads to it",
    },
    OrderCancellation: {
        "cancellation.cancellation_ref": "legacy; in the cloud ERP our own reference leads to it",
        "cancellation.reason": "cloud; an ORDCHG has no field for it",
    },
    StoredSale: {
        "legal_entity": "cloud; in the legacy ERP the store belongs to one",
        "sale.sold_at": "legacy; an invoice has a date, and that is the business day",
        "sale.tenders.type": "legacy; an invoice has no tenders, what they come to is its total",
        "sale.tenders.amount": "legacy; as the type",
        "sale.cash_rounding": "legacy; as the tenders",
    },
}

NOT_TOLD: Final[Mapping[type[BaseModel], Mapping[str, str]]] = {
    Return: {
        "reason": "neither ERP has a field for it",
        "adjustments.reason": "neither ERP has a field for it",
        "updated_at": "what is newer is decided before",
        "after": "the order of delivery is ours",
    },
    OrderCancellation: {},
    StoredSale: {
        "sale.lines.node": "a store sells what it has",
        "sale.lines.kind": "the item says what it is",
        "sale.lines.taxes": "their sum is told; what they consist of is the ERP's to determine",
        "sale.lines.discounts": "their sum is told; promotions are for finance",
        "sale.lines.line_ref": "our line number is told",
        "sale.returns.reason": "neither ERP has a field for it",
        "sale.returns.sold_on": "which receipt goods were sold on is for the store",
    },
}


@pytest.mark.parametrize("model", [Return, OrderCancellation, StoredSale])
def test_each_field_is_told_or_known_not_to_be(model: type[BaseModel]) -> None:
    tables = [TOLD[model], frozenset(ONE_ERP[model]), frozenset(NOT_TOLD[model])]
    assert set(fields(model, NOT_TOLD[model])) == frozenset().union(*tables)
    assert sum(map(len, tables)) == len(frozenset().union(*tables)), "each in one of them"


# --------------------------------------------------------------------------- what is stated

_CENTS: Final = st.integers(0, 999_999).map(lambda cents: Decimal(cents).scaleb(-2))
_TIMES: Final = st.integers(0, 86_399).map(
    lambda s: datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=s)
)


@st.composite
def credited(draw: st.DrawFn) -> Return:
    """Goods, shipping, goodwill and fees kept, in any mixture that gives something back."""
    stated = draw(returns()).model_dump(mode="json")
    if draw(st.booleans()):  # a refund of money alone
        stated |= {"lines": [], "total": "0.00"}
    for line in stated["lines"]:
        line |= {"restock": draw(st.booleans()), "node": draw(st.sampled_from(["", "1010"]))}
    amounts = [draw(_CENTS), *draw(st.lists(_CENTS, max_size=3))]
    kept = Decimal(0)
    if stated["lines"] and draw(st.booleans()):
        kept = min(draw(_CENTS), Decimal(stated["total"]))
    signed = [*amounts[1:], -kept]
    stated["shipping"] = amounts[0]
    stated["adjustments"] = [{"reason": "goodwill", "amount": it} for it in signed]
    stated["total"] = Decimal(stated["total"]) + amounts[0] + sum(signed, Decimal(0))
    stated["order_channel"] = draw(st.sampled_from(["", "shop", "amazon-nl"]))
    return Return.model_validate(written(stated))


@st.composite
def receipts(draw: st.DrawFn) -> StoredSale:
    """Sold, brought back or both; tax beside the prices or in them; cash rounded."""
    sold, back = draw(sales()), draw(sales())
    part = draw(st.sampled_from(["sold", "back", "both"]))
    lines = [] if part == "back" else [dict(it) for it in _rows(sold.sale.lines)]
    taken = [] if part == "sold" else [dict(it) for it in _rows(back.sale.lines)]
    for at, it in enumerate([*lines, *taken]):
        it["line"] = at + 1
    included = draw(st.booleans())
    total = _worth(lines, included=included) - _worth(taken, included=included)
    rounding = Decimal(draw(st.integers(-2, 2))).scaleb(-2)
    card = draw(_CENTS)
    return sale(
        lines=lines, returns=taken, tax_included=included, total=total, cash_rounding=rounding,
        sequence=draw(st.integers(1, 999_999_999)), register=draw(st.sampled_from(["1", "T-07"])),
        business_date=date(2026, 11, draw(st.integers(1, 30))), sold_at=draw(_TIMES),
        tenders=[{"type": "card", "amount": card},
                 {"type": "cash", "amount": total + rounding - card}],
    )  # fmt: skip


def _rows(lines: tuple[SalesLine, ...]) -> list[dict[str, Any]]:
    return [{name: getattr(it, name) for name in _LINE} for it in lines]


def _worth(lines: list[dict[str, Any]], *, included: bool) -> Decimal:
    found = (it["quantity"] * it["unit_price"] - it["discount"] for it in lines)
    taxes = Decimal(0) if included else sum((it["tax"] for it in lines), Decimal(0))
    return sum(found, taxes)


# --------------------------------------------------------------------------- legacy


def sent(document: Document) -> Envelope:
    """A document in its envelope; as intake does, the object of a follow-up is its order."""
    channel = getattr(document, "order_channel", "") or "webshop"
    return envelope(document).model_copy(update={"object_key": f"order:{channel}:any"})


def idoc(document: Document) -> Element:
    body = fromstring(legacy_document(sent(document), "100")).find("IDOC")
    assert body is not None
    return body


def references(body: Element) -> dict[str | None, str | None]:
    return {it.findtext("QUALF"): it.findtext("BELNR") for it in body.findall("E1EDK02")}


@FEW
@given(back=credited())
def test_the_legacy_document_tells_all_of_a_return(back: Return) -> None:
    body = idoc(back)
    channel = back.order_channel or "webshop"
    assert references(body) == {"001": back.order_ref, "002": back.return_ref, "Z01": channel}
    assert body.findtext("E1EDK14/ORGID") == back.legal_entity
    assert body.findtext("E1EDK03/DATUM") == f"{back.returned_at:%Y%m%d}"
    assert body.findtext("E1EDK01/CURCY") == back.currency
    assert amount(body.findtext("E1EDS01/SUMME")) == back.total
    beside = [
        (it.findtext("KSCHL"), amount((it.findtext("ALCKZ") or "") + (it.findtext("BETRG") or "")))
        for it in body.findall("E1EDK05")
    ]
    stated = [("FRA1", back.shipping), *(("ZADJ", it.amount) for it in back.adjustments)]
    assert beside == [(kind, worth) for kind, worth in stated if worth]
    for line, item in zip(back.lines, body.findall("E1EDP01"), strict=True):
        assert int(item.findtext("POSEX") or "") == line.line * 10
        assert item.findtext("E1EDP19/IDTNR") == line.sku
        assert amount(item.findtext("MENGE")) == line.quantity
        assert amount(item.findtext("NETWR")) == line.refund
        assert item.findtext("PSTYV") == (None if line.restock else "G2N")
        assert (item.findtext("WERKS") or "") == line.node


@FEW
@given(stored=receipts())
def test_the_legacy_document_tells_all_of_a_receipt(stored: StoredSale) -> None:
    it = idoc(stored).find("E1WPB01")
    assert it is not None
    till = stored.sale
    assert [it.findtext(name) for name in ("POSKREIS", "KASSID", "BONNUMMER", "CURRENCY")] == [
        stored.store, till.register_id, str(till.sequence), till.currency,
    ]  # fmt: skip
    assert it.findtext("VORGDATUM") == f"{till.business_date:%Y%m%d}"
    assert it.findtext("VORGZEIT") == f"{till.sold_at:%H%M%S}"
    assert amount(it.findtext("E1WPB03/SUMME")) == till.total
    beside = amount(it.findtext("E1WPB05/MWSBT"))
    assert beside == (0 if till.tax_included else till.tax), "which says what prices include"
    paid = [(t.findtext("ZAHLART"), amount(t.findtext("SUMME"))) for t in it.findall("E1WPB06")]
    rounded = [("ROUNDING", -till.cash_rounding)] if till.cash_rounding else []
    assert paid == [*((t.type, t.amount) for t in till.tenders), *rounded]
    told = [("", line) for line in till.lines] + [("-", line) for line in till.returns]
    for (sign, line), item in zip(told, it.findall("E1WPB02"), strict=True):
        assert (item.findtext("VORZEICHEN") or "", item.findtext("ARTNR")) == (sign, line.sku)
        assert int(item.findtext("POSNR") or "") == line.line
        figures = [amount(item.findtext(name)) for name in ("MENGE", "PREIS", "UMSWERT")]
        assert figures == [line.quantity, line.unit_price, line.amount]
        assert figures[0] * figures[1] - figures[2] == line.discount
        assert amount(item.findtext("E1WPB04/MWSBT")) == line.tax


# --------------------------------------------------------------------------- cloud


def json_of(document: Document) -> tuple[str, Any]:
    made = cloud_document(sent(document))
    return made.path, loads(made.content)


@FEW
@given(back=credited())
def test_the_cloud_document_tells_all_of_a_return(back: Return) -> None:
    path, body = json_of(back)
    assert f"({back.legal_entity})/" in path
    assert body["channelOrderReference"] == back.order_ref
    assert body["shortcutDimension1Code"] == (back.order_channel or "webshop").upper()
    assert body["creditMemoDate"] == back.returned_at.date().isoformat()
    assert (body["currencyCode"], body["totalAmountIncludingTax"]) == (back.currency, back.total)
    rows = body["salesCreditMemoLines"]
    charges = [(it["lineObjectNumber"], it["unitPrice"]) for it in rows[len(back.lines) :]]
    stated = [("FREIGHT", back.shipping), *(("ADJUSTMENT", it.amount) for it in back.adjustments)]
    assert charges == [(kind, worth) for kind, worth in stated if worth]
    for line, item in zip(back.lines, rows[: len(back.lines)], strict=True):
        assert item["sequence"] == line.line * 10_000
        assert (item["lineObjectNumber"], item["quantity"]) == (line.sku, line.quantity)
        assert item["amountIncludingTax"] == line.refund
        assert item.get("withoutGoods", False) is not line.restock
        assert item.get("locationCode", "") == line.node
        assert item["quantity"] * item["unitPrice"] - item["discountAmount"] == line.refund


@FEW
@given(stored=receipts())
def test_the_cloud_document_tells_all_of_a_receipt(stored: StoredSale) -> None:
    path, body = json_of(stored)
    till, sign = stored.sale, -1 if stored.sale.total < 0 else 1
    kind, day = "salesInvoice", "invoiceDate"
    if sign < 0:
        kind, day = "salesCreditMemo", "creditMemoDate"
    assert path.endswith(f"({stored.legal_entity})/{kind}s")
    assert body["channelOrderReference"] == receipt_reference(
        stored.store, till.business_date.isoformat(), till.register_id, till.sequence
    )
    assert body[day] == till.business_date.isoformat()
    assert (body["currencyCode"], body["pricesIncludeTax"]) == (till.currency, till.tax_included)
    assert body["totalAmountIncludingTax"] == sign * till.total
    told: list[tuple[int, SalesLine | SaleReturn]] = [(sign, line) for line in till.lines]
    told += [(-sign, line) for line in till.returns]
    for (way, line), item in zip(told, body[f"{kind}Lines"], strict=True):
        assert item["sequence"] == line.line * 10_000
        assert item["lineObjectNumber"] == line.sku
        assert item["unitPrice"] == line.unit_price
        figures = [item[name] for name in ("quantity", "discountAmount", "totalTaxAmount")]
        assert figures == [way * it for it in (line.quantity, line.discount, line.tax)]


@pytest.mark.parametrize("lines", [{}, {1: 2, 7: 1}])
def test_both_documents_tell_all_of_a_cancellation(lines: dict[int, int]) -> None:
    wish = cancellation("SHOP-10001", lines)
    body = idoc(wish)
    assert references(body) == {"001": "SHOP-10001", "002": "X-1", "Z01": "webshop"}
    assert body.findtext("E1EDK14/ORGID") == "NL01"
    items = [(it.findtext("POSEX"), it.findtext("MENGE")) for it in body.findall("E1EDP01")]
    assert items == [(f"{line * 10:06d}", str(pieces)) for line, pieces in lines.items()]
    path, told = json_of(wish)
    assert "(NL01)/" in path
    assert (told["channelOrderReference"], told["reason"]) == ("SHOP-10001", "customer")
    rows = [(it["sequence"], it["quantity"]) for it in told.get("lines", [])]
    assert rows == [(line * 10_000, pieces) for line, pieces in lines.items()]


def test_a_refund_of_money_alone_is_told_to_both() -> None:
    money = returned(lines=[], shipping="4.95", adjustments=[], total="4.95")
    assert amount(idoc(money).findtext("E1EDK05/BETRG")) == Decimal("4.95")
    (row,) = json_of(money)[1]["salesCreditMemoLines"]
    assert row["amountIncludingTax"] == Decimal("4.95")
