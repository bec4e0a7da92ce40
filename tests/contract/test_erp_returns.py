"""Goods that come back, in every dialect: stock, limits, and credits before or after them."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from gateway.canonical.envelope import Envelope
from gateway.canonical.outcome import Booked, Outcome, Probed, Refused
from gateway.ports import Erp
from tests.contract.erp_simulators import Simulator, new_order, only, send
from tests.unit.erp.envelopes import authorisation, envelope, receipt, returned

pytestmark = pytest.mark.anyio

_NUMBERS = count(1)
SKU = "TEE-BLK-M"


class Story:
    """An order of two pieces in one ERP, and what is told of its return."""

    def __init__(self, erp: Erp, order: Envelope) -> None:
        self._erp = erp
        self._ref = str(order.body["order_ref"])
        self.return_ref = f"RET-{next(_NUMBERS)}"

    async def expect(self, pieces: int, **changes: Any) -> Outcome | Probed:
        lines = [{"line": 1, "sku": SKU, "quantity": pieces}] if pieces else []
        status = "authorised" if pieces else "withdrawn"
        changes = {"lines": lines, "status": status, "return_ref": self.return_ref} | changes
        return await self.send(envelope(authorisation(order_ref=self._ref, **changes)))

    async def come(self, *rows: tuple[int, str], **changes: Any) -> Outcome | Probed:
        changes = {"return_ref": self.return_ref} | changes
        return await self.send(envelope(receipt(*rows, order_ref=self._ref, **changes)))

    async def credit(self, pieces: int, **line: Any) -> Outcome | Probed:
        lines = [{"line": 1, "sku": SKU, "quantity": pieces, "refund": "10.00"} | line]
        return await self.send(envelope(returned(order_ref=self._ref, lines=lines)))

    async def send(self, sent: Envelope) -> Outcome | Probed:
        return await send(self._erp, sent)

    async def stock(self) -> int:
        found = await self._erp.availability(SKU, "NL01")
        assert found is not None
        return found.available


@pytest.fixture
async def story(erp: Erp) -> Story:
    order = new_order()
    assert isinstance(await send(erp, order), Booked)
    return Story(erp, order)


def refused(outcome: Outcome | Probed, *words: str) -> bool:
    assert isinstance(outcome, Refused), outcome
    assert outcome.cause.value == "not-accepted"
    return all(word in outcome.detail for word in words)


async def test_only_what_is_restocked_becomes_available(story: Story) -> None:
    before = await story.stock()
    assert isinstance(await story.expect(2), Booked)
    assert await story.stock() == before, "what is expected has not come"
    for disposition, more in (("scrap", 0), ("restock", 1)):
        assert isinstance(await story.come((1, disposition)), Booked)
        assert await story.stock() == before + more


@pytest.mark.parametrize("kept", ["refurbish", "quarantine"])
async def test_what_is_kept_apart_is_not_available(story: Story, kept: str) -> None:
    before = await story.stock()
    assert isinstance(await story.come((2, kept)), Booked)
    assert await story.stock() == before


@pytest.mark.parametrize("first", ["credit", "receipt"])
async def test_credit_and_receipt_come_in_either_order_and_move_the_goods_once(
    first: str, story: Story
) -> None:
    before = await story.stock()
    if first == "credit":
        assert isinstance(await story.credit(2, restock=False), Booked)
        assert await story.stock() == before
    assert isinstance(await story.come((2, "restock")), Booked)
    if first == "receipt":
        assert isinstance(await story.credit(2, restock=False), Booked)
    assert await story.stock() == before + 2


async def test_a_credit_that_brings_the_goods_leaves_none_to_be_received(story: Story) -> None:
    before = await story.stock()
    assert isinstance(await story.credit(2), Booked)
    assert await story.stock() == before + 2
    assert refused(await story.come((1, "restock")), "3", "2")
    assert await story.stock() == before + 2


async def test_more_than_was_expected_is_refused_and_more_than_was_sold_too(story: Story) -> None:
    assert isinstance(await story.expect(1), Booked)
    assert refused(await story.come((2, "restock")), story.return_ref, "2", "1")
    assert isinstance(await story.come((1, "restock")), Booked)
    assert refused(await story.come((1, "restock")), story.return_ref)
    assert isinstance(await story.come((1, "scrap"), return_ref=None), Booked), "unannounced"
    assert refused(await story.come((1, "scrap"), return_ref=None), "3", "2")


async def test_what_is_expected_may_change_but_not_below_what_came(story: Story) -> None:
    assert isinstance(await story.expect(1), Booked)
    assert isinstance(await story.expect(2), Booked)
    assert isinstance(await story.come((2, "restock")), Booked)
    assert refused(await story.expect(1), story.return_ref)
    assert refused(await story.expect(0), story.return_ref), "withdrawn after it came: for staff"


async def test_nothing_is_expected_of_a_return_that_was_withdrawn(story: Story) -> None:
    assert isinstance(await story.expect(2), Booked)
    assert isinstance(await story.expect(0), Booked)
    assert refused(await story.come((1, "restock")), story.return_ref)
    assert isinstance(await story.expect(1), Booked), "and may be again"
    assert isinstance(await story.come((1, "restock")), Booked)


@pytest.mark.parametrize("process", ["authorisation", "receipt"])
async def test_what_an_erp_has_is_found_by_its_reference(
    process: str, erp: Erp, simulator: Simulator
) -> None:
    order = new_order()
    await send(erp, order)
    ref = order.body["order_ref"]
    if process == "receipt":
        sent = envelope(receipt((1, "scrap"), (1, "restock"), order_ref=ref))
    else:
        sent = envelope(authorisation(order_ref=ref))
    outcome = await send(erp, sent)
    assert isinstance(outcome, Booked)
    assert await erp.probe(sent) == outcome
    assert await erp.documents(sent)
    document = only(simulator.booked(sent))
    assert document["kind"] == f"return_{'order' if process == 'authorisation' else 'receipt'}"
    assert document["return_reference"] == "R-1"
    assert Decimal(document["total"]) == 0
    rows = [(it.get("disposition", ""), it.get("condition", "")) for it in document["lines"]]
    assert rows == ([("scrap", "opened"), ("restock", "opened")] if process == "receipt"
                    else [("", "")])  # fmt: skip
    assert document.get("location", "") == ("DC1" if process == "receipt" else "")
