from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from gateway.api import views
from gateway.canonical.outcome import Cause
from gateway.flow.status import TransactionView

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)

VIEW = TransactionView(
    transaction_id="0a-01jd3kq0t5w6x7y8z9abcdefgh",
    process="order.cancellation",
    channel="webshop",
    object_key="order:webshop:A",
    reference="A/X-1",
    legal_entity="NL01",
    status="booked",
    accepted_at=AT,
    booked_at=AT,
    outcome="cancelled",
    cause="",
)
HELD = replace(VIEW, status="held", booked_at=None, outcome="", cause=Cause.UNKNOWN_ORDER.value)
NAMED = {"order_ref": "A", "cancellation_ref": "X-1"}


def sent(document: dict[str, Any]) -> bytes:
    return msgspec.json.encode(document)


@pytest.mark.parametrize("view", [None, VIEW, HELD, replace(VIEW, status="delivering")])
def test_receipts_are_what_their_model_describes(view: TransactionView | None) -> None:
    document = views.receipt(VIEW.transaction_id, NAMED, view)
    model = views.Receipt.model_validate_json(sent(document))
    assert model.model_dump(mode="json", exclude_none=True) == document


@pytest.mark.parametrize(
    "view", [VIEW, HELD, replace(VIEW, status="accepted", booked_at=None, outcome="")]
)
def test_transactions_are_what_their_model_describes(view: TransactionView) -> None:
    document = views.transaction(view)
    model = views.Transaction.model_validate_json(sent(document))
    assert model.model_dump(exclude_none=True) == document


def test_an_unsettled_wait_says_accepted_like_the_first_answer() -> None:
    waited = views.receipt(VIEW.transaction_id, NAMED, replace(VIEW, status="delivering"))
    assert waited == views.receipt(VIEW.transaction_id, NAMED, None)


def test_an_order_has_the_state_of_its_intake() -> None:
    intake = replace(HELD, process="order.intake", reference="A")
    document = views.order_status("A", [intake, VIEW])
    assert views.OrderStatus.model_validate_json(sent(document)).status == "held"
    assert [each["reference"] for each in document["transactions"]] == ["A", "A/X-1"]
