"""What could not be mapped is held before any attempt, and sent once staff completed it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.canonical.exchange import Entry
from gateway.canonical.masking import MASK, masked
from gateway.canonical.outcome import Booked, Cause
from gateway.canonical.unmapped import Problem, draft_of, unmapped, why_unmapped
from gateway.errors import Invalid
from tests.unit.flow.staffroom import OPERATOR, Staffroom, order_body
from tests.valkey import entry

pytestmark = pytest.mark.anyio

RECEIVED = '{"line_items":[{"sku":null}],"email":"pat@example.com"}'
PROBLEM = Problem("/lines/0/sku", "is required")


def draft() -> dict[str, Any]:
    """An order whose line has no SKU."""
    body = order_body()
    del body["lines"][0]["sku"]
    return body


async def taken(room: Staffroom) -> Entry:
    one = entry("A-1", body=unmapped(draft(), [PROBLEM], RECEIVED))
    await room.buffer.intake.accept(one)
    await room.spend(one)
    await room.project(one)
    return one


async def test_it_is_held_and_nothing_is_sent(room: Staffroom) -> None:
    one = await taken(room)
    case = await room.buffer.desk.case(one.transaction_id)
    assert case is not None
    assert (case.cause, case.detail) == (Cause.NOT_MAPPED, "/lines/0/sku: is required")
    assert (case.attempts, case.open_ms) == (0, None)
    await room.exceptions.retry(OPERATOR, one.transaction_id)
    await room.spend(one)
    assert room.erp.asked == []


async def test_completed_it_is_sent_and_the_audit_log_has_nothing_of_what_was_received(
    room: Staffroom,
) -> None:
    one = await taken(room)
    number, patch = await room.corrector.patch_of(one.transaction_id, ["lines/0/sku=TEE-BLK-M"])
    done = await room.corrector.edit(
        OPERATOR, one.transaction_id, patch, reason="as the shop says", revision=number
    )
    assert [it.pointer for it in done.changes] == ["/lines/0/sku"]
    rows = [row async for row in room.auditor.rows()]
    assert "pat@example.com" not in str(rows)
    room.erp.sends.append(Booked("4711"))
    await room.exceptions.retry(OPERATOR, one.transaction_id)
    await room.spend(one)
    assert len(room.erp.asked) == 1
    progress = await room.buffer.intake.progress(one.transaction_id)
    assert progress is not None
    assert progress.envelope.body == order_body()


async def test_what_stays_no_document_or_becomes_another_one_is_refused(room: Staffroom) -> None:
    one = await taken(room)
    for patch in ({"shipping": {"amount": "1.00"}}, order_body() | {"total": "1.00"}):
        with pytest.raises(Invalid):
            await room.corrector.edit(OPERATOR, one.transaction_id, patch, reason="why not")


def test_what_was_received_is_masked_and_the_problems_are_not() -> None:
    body = unmapped(draft(), [PROBLEM] * 7, RECEIVED)
    assert draft_of(body) == draft()
    shown = masked(body)["unmapped"]
    assert shown["received"] == MASK
    assert shown["problems"][0] == {"at": "/lines/0/sku", "detail": "is required"}
    assert why_unmapped(body).endswith("; and 2 more")
    assert why_unmapped(order_body()) == ""
