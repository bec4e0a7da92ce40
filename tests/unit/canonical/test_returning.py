"""Goods of a return: what is expected is said, and each row of what came is one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from gateway.canonical.fields import validated
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt
from gateway.errors import Invalid

DUE: dict[str, Any] = {
    "authorisation_ref": "R-1",
    "return_ref": "R-1",
    "order_ref": "S-1",
    "legal_entity": "NL01",
    "authorised_at": "2026-11-27T10:00:00Z",
    "lines": [{"line": 1, "sku": "TEE-BLK-M", "quantity": 2, "reason": "too small"}],
}
ROW: dict[str, Any] = {
    "line": 1, "sku": "TEE-BLK-M", "quantity": 1, "condition": "new", "disposition": "restock"
}  # fmt: skip
CAME: dict[str, Any] = {
    "receipt_ref": "R-1-1",
    "return_ref": "R-1",
    "order_ref": "S-1",
    "legal_entity": "NL01",
    "received_at": "2026-11-27T10:00:00Z",
    "node": "UTR-1",
    "lines": [ROW, ROW | {"disposition": "scrap"}, ROW | {"condition": "damaged"}],
}


def wrong(model: type[BaseModel], document: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as error:
        validated(model, document)
    return [(it.pointer, it.detail) for it in error.value.errors]


@pytest.mark.parametrize(("model", "document"), [(ReturnAuthorisation, DUE), (ReturnReceipt, CAME)])
def test_it_is_read_and_written_back(model: type[BaseModel], document: dict[str, Any]) -> None:
    read = model.model_validate(document)
    assert model.model_validate_json(read.model_dump_json()) == read


@pytest.mark.parametrize(
    ("changes", "pointer", "said"),
    [
        ({"lines": []}, "/lines",
         "is authorised without lines; name what is expected, or send status withdrawn"),
        ({"status": "withdrawn"}, "/lines",
         "is withdrawn and expects 1 line(s); leave them out, or send authorised"),
        ({"lines": DUE["lines"] * 2}, "/lines", "line 1 occurs twice; number each once"),
        ({"status": "closed"}, "/status", "'authorised' or 'withdrawn'"),
        ({"lines": [DUE["lines"][0] | {"quantity": 0}]}, "/lines/0/quantity", "given is 0"),
    ],
)  # fmt: skip
def test_an_authorisation_says_what_is_expected(
    changes: dict[str, Any], pointer: str, said: str
) -> None:
    ((at, detail),) = wrong(ReturnAuthorisation, DUE | changes)
    assert (at, said in detail) == (pointer, True), detail


@pytest.mark.parametrize(
    ("lines", "pointer", "said"),
    [
        ([ROW, ROW], "/lines", "line 1, new, restock occurs twice; add the pieces up"),
        ([ROW, ROW | {"sku": "MUG", "disposition": "scrap"}], "/lines",
         "line 1 is both TEE-BLK-M and MUG; an order's line is one article"),
        ([], "/lines", "needs at least 1 item(s)"),
        ([ROW | {"disposition": "resell"}], "/lines/0/disposition", "resell"),
        ([{k: v for k, v in ROW.items() if k != "disposition"}], "/lines/0/disposition",
         "is required"),
    ],
)  # fmt: skip
def test_a_receipt_has_each_row_once(lines: list[Any], pointer: str, said: str) -> None:
    ((at, detail),) = wrong(ReturnReceipt, CAME | {"lines": lines})
    assert (at, said in detail) == (pointer, True), detail


def test_goods_nobody_announced_and_nobody_graded_are_taken() -> None:
    row = {"line": 1, "sku": "MUG", "quantity": 1, "disposition": "quarantine"}
    came = ReturnReceipt.model_validate(CAME | {"return_ref": None, "node": "", "lines": [row]})
    assert (came.return_ref, came.lines[0].condition) == (None, "unknown")
