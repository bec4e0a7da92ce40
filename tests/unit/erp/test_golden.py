"""Whole documents as both ERPs get them, held against files that a person can read and compare.

After a change that is meant, `COEXIST_GOLDEN=write pytest tests/unit/erp/test_golden.py` writes
them anew; what changed is then in the diff, for review.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gateway.canonical.base import Document
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt
from gateway.erp.cloud import documents as cloud
from gateway.erp.legacy import idoc as legacy
from gateway.erp.legacy.soap import parse
from tests.unit.erp.envelopes import (
    cancellation,
    envelope,
    order,
    reference_of,
    returned,
    sale,
    written,
)

FOLDER = Path(__file__).with_name("golden")
#: Figures are written digit by digit, and read like that.
_FIGURE = re.compile(r'"figure ([0-9.-]+)"')

ORDER = {"order_ref": "SHOP-10001", "order_channel": "webshop", "legal_entity": "NL01"}
AUTHORISED = {
    **ORDER, "authorisation_ref": "RMA-7-1", "return_ref": "RMA-7", "reason": "too small",
    "authorised_at": "2026-11-21T10:00:00Z",
    "lines": [
        {"line": 1, "sku": "TEE-BLK-M", "quantity": 2, "reason": "too small"},
        {"line": 3, "sku": "CAP", "quantity": 1, "reason": "defective"},
    ],
}  # fmt: skip
WITHDRAWN = {
    **ORDER, "authorisation_ref": "RMA-7-2", "return_ref": "RMA-7", "status": "withdrawn",
    "authorised_at": "2026-11-22T10:00:00Z",
}  # fmt: skip
RECEIVED = {
    **ORDER, "receipt_ref": "RMA-7-R1", "return_ref": "RMA-7", "node": "DC-1",
    "received_at": "2026-11-23T09:30:00Z",
    "lines": [
        {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "condition": "new",
         "disposition": "restock"},
        {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "condition": "damaged",
         "disposition": "scrap"},
        {"line": 3, "sku": "CAP", "quantity": 1, "disposition": "quarantine"},
    ],
}  # fmt: skip
CREDITED = [
    {"line": 1, "sku": "TEE-BLK-M", "quantity": 2, "refund": "39.90", "tax": "6.92",
     "restock": False},
]  # fmt: skip

SENT: dict[str, Document] = {
    "order": order(),
    "cancellation": cancellation("SHOP-10001"),
    "cancellation-of-pieces": cancellation("SHOP-10001", {3: 2}),
    "return-authorisation": ReturnAuthorisation.model_validate(written(AUTHORISED)),
    "return-withdrawal": ReturnAuthorisation.model_validate(written(WITHDRAWN)),
    "return-receipt": ReturnReceipt.model_validate(written(RECEIVED)),
    "return-credit": returned(),
    "return-credit-without-goods": returned(lines=CREDITED, total="39.90"),
    "store-sale": sale(),
}


def held(name: str, text: str) -> None:
    """Compare with the file, or write it."""
    file = FOLDER / name
    if os.environ.get("COEXIST_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SENT)
def test_what_the_cloud_erp_gets(name: str) -> None:
    message = envelope(SENT[name])
    built = cloud.build(message)
    body = json.loads(built.content, parse_float=lambda digits: f"figure {digits}")
    lines = _FIGURE.sub(r"\1", json.dumps(body, indent=1, ensure_ascii=False))
    told = f"POST {built.path}\n{lines}\n"
    held(f"{name}.cloud.txt", told.replace(reference_of(message), "CX-REFERENCE"))


@pytest.mark.parametrize("name", SENT)
def test_what_the_legacy_erp_gets(name: str) -> None:
    message = envelope(SENT[name])
    root = parse(legacy.build(message, "100"))
    ET.indent(root, " ")
    told = ET.tostring(root, encoding="unicode") + "\n"
    held(f"{name}.legacy.xml", told.replace(reference_of(message), "CX-REFERENCE"))


def test_no_file_is_of_something_that_is_not_sent() -> None:
    kinds = {f"{name}.{end}" for name in SENT for end in ("cloud.txt", "legacy.xml")}
    assert {file.name for file in FOLDER.iterdir()} == kinds
