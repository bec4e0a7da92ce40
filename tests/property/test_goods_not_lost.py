"""What a channel states of the goods of a return is in both ERPs' documents, or known not to be."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from pydantic import BaseModel

from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt
from tests.property.test_nothing_lost import amount, fields
from tests.property.test_nothing_lost_after import idoc, json_of, references
from tests.unit.erp.envelopes import authorisations, receipts

FEW: Final = settings(max_examples=25)

TOLD: Final[Mapping[type[BaseModel], frozenset[str]]] = {
    ReturnAuthorisation: frozenset({
        "return_ref", "order_ref", "order_channel", "legal_entity", "authorised_at", "status",
        "reason", "lines.line", "lines.sku", "lines.quantity", "lines.reason",
    }),
    ReturnReceipt: frozenset({
        "return_ref", "order_ref", "order_channel", "legal_entity", "received_at", "node",
        "lines.line", "lines.sku", "lines.quantity", "lines.condition", "lines.disposition",
    }),
}  # fmt: skip
NOT_TOLD: Final[Mapping[type[BaseModel], Mapping[str, str]]] = {
    ReturnAuthorisation: {
        "authorisation_ref": "our own reference leads to it",
        "lines.item_ref": "the SKU is told",
        "updated_at": "what is newer is decided before",
    },
    ReturnReceipt: {
        "receipt_ref": "our own reference leads to it",
        "updated_at": "what is newer is decided before",
    },
}

#: SAP's movement types, written down a second time.
MOVED: Final = {
    "restock": ["653"], "quarantine": ["655"], "refurbish": ["657"], "scrap": ["657", "555"],
}  # fmt: skip


@pytest.mark.parametrize("model", [ReturnAuthorisation, ReturnReceipt])
def test_each_field_is_told_or_known_not_to_be(model: type[BaseModel]) -> None:
    assert set(fields(model, NOT_TOLD[model])) == TOLD[model] | set(NOT_TOLD[model])
    assert not TOLD[model] & set(NOT_TOLD[model])


def text(of: Element, kind: str) -> str:
    return "".join(it.findtext("TDLINE") or "" for it in of.findall(f"{kind}T1/{kind}T2"))


@FEW
@given(due=authorisations())
def test_the_legacy_document_tells_all_that_is_expected(due: ReturnAuthorisation) -> None:
    body = idoc(due)
    channel = due.order_channel or "webshop"
    assert references(body) == {"001": due.order_ref, "002": due.return_ref, "Z01": channel}
    withdrawn = due.status == "withdrawn"
    assert body.findtext("EDI_DC40/MESTYP") == ("ORDCHG" if withdrawn else "ORDERS")
    assert body.findtext("E1EDK01/ACTION") == ("003" if withdrawn else None)
    assert body.findtext("E1EDK14/ORGID") == due.legal_entity
    assert body.findtext("E1EDK03/DATUM") == f"{due.authorised_at:%Y%m%d}"
    assert text(body, "E1EDK") == due.reason
    for line, item in zip(due.lines, body.findall("E1EDP01"), strict=True):
        assert int(item.findtext("POSEX") or "") == line.line * 10
        assert item.findtext("E1EDP19/IDTNR") == line.sku
        assert amount(item.findtext("MENGE")) == line.quantity
        assert text(item, "E1EDP") == line.reason


@FEW
@given(came=receipts())
def test_the_legacy_document_tells_all_that_came(came: ReturnReceipt) -> None:
    body = idoc(came)
    of = body.find("Z1RETURN")
    assert of is not None
    assert [of.findtext(name) for name in ("BUKRS", "ORDREF", "CHANNEL", "RETREF")] == [
        came.legal_entity, came.order_ref, came.order_channel or "webshop", came.return_ref,
    ]  # fmt: skip
    assert body.findtext("E1BP2017_GM_HEAD_01/PSTNG_DATE") == f"{came.received_at:%Y%m%d}"
    told = [
        (it.findtext("Z1RETPOS/POSEX"), it.findtext("MATERIAL_LONG"), it.findtext("ENTRY_QNT"),
         it.findtext("Z1RETPOS/ZUSTAND"), it.findtext("MOVE_TYPE"), it.findtext("PLANT"))
        for it in body.findall("E1BP2017_GM_ITEM_CREATE")
    ]  # fmt: skip
    assert told == [
        (f"{it.line * 10:06d}", it.sku, str(it.quantity), it.condition.value, moved, came.node)
        for it in came.lines
        for moved in MOVED[it.disposition.value]
    ]


@FEW
@given(due=authorisations())
def test_the_cloud_document_tells_all_that_is_expected(due: ReturnAuthorisation) -> None:
    path, body = json_of(due)
    assert path.endswith(f"({due.legal_entity})/salesReturnOrders")
    said = [body["channelOrderReference"], body["returnReference"], body["orderDate"]]
    assert said == [due.order_ref, due.return_ref, due.authorised_at.date().isoformat()]
    assert body["shortcutDimension1Code"] == (due.order_channel or "webshop").upper()
    assert body.get("reason", "") == due.reason
    assert body.get("withdrawn", False) is (due.status == "withdrawn")
    assert [_row(it, "returnReason") for it in body["salesReturnOrderLines"]] == [
        (it.line * 10_000, it.sku, Decimal(it.quantity), it.reason) for it in due.lines
    ]


@FEW
@given(came=receipts())
def test_the_cloud_document_tells_all_that_came(came: ReturnReceipt) -> None:
    path, body = json_of(came)
    assert path.endswith(f"({came.legal_entity})/returnReceipts")
    assert body["channelOrderReference"] == came.order_ref
    assert body.get("returnReference") == came.return_ref
    assert body["receiptDate"] == came.received_at.date().isoformat()
    assert body["locationCode"] == came.node
    rows = body["returnReceiptLines"]
    assert [it["sequence"] for it in rows] == [n * 10_000 for n in range(1, len(rows) + 1)]
    assert [
        (it["orderLineSequence"], it["lineObjectNumber"], it["quantity"], it["condition"],
         it["disposition"])
        for it in rows
    ] == [
        (it.line * 10_000, it.sku, it.quantity, it.condition.value, it.disposition.value)
        for it in came.lines
    ]  # fmt: skip


def _row(item: Mapping[str, Any], reason: str) -> tuple[Any, ...]:
    return (
        item["sequence"], item["lineObjectNumber"], item["quantity"], item.get(reason, "")
    )  # fmt: skip
