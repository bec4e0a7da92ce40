"""C10: many documents in one call, each booked or refused by itself, against the simulated ERP."""

from __future__ import annotations

import asyncio

import pytest

from gateway.canonical.outcome import Absent, Booked, Busy, Cause, Refused, Unknown
from gateway.ports import Erp
from tests.contract.erp_simulators import (
    Simulator,
    an_order_of,
    eventually,
    new_order,
    only,
)

pytestmark = pytest.mark.anyio


async def test_only_an_erp_with_outcomes_per_item_has_batches(
    erp: Erp, simulator: Simulator
) -> None:
    """A packet of IDocs is stored all or none: one bad document would hold up the others."""
    assert (erp.batches is not None) == (simulator.system == "cloud")


async def test_each_item_has_an_outcome_of_its_own(erp: Erp, simulator: Simulator) -> None:
    if erp.batches is None:
        return
    good, bad = [new_order() for _ in range(3)], an_order_of("NO-SUCH-SKU")
    before = simulator.counters()["batches"]
    outcomes = await erp.batches.send_many([good[0], bad, *good[1:]])
    assert simulator.counters()["batches"] == before + 1
    refused = outcomes[bad.transaction_id]
    assert isinstance(refused, Refused)
    assert refused.cause is Cause.UNKNOWN_ITEM
    for sent in good:
        outcome = outcomes[sent.transaction_id]
        assert isinstance(outcome, Booked)
        assert only(simulator.booked(sent))["number"] == outcome.document
    probed = await erp.batches.probe_many([*good, bad])
    assert [probed[it.transaction_id] for it in good] == [
        outcomes[it.transaction_id] for it in good
    ]
    assert probed[bad.transaction_id] == Absent()


async def test_a_lost_answer_leaves_each_unknown_and_probes_find_them(
    erp: Erp, simulator: Simulator
) -> None:
    if erp.batches is None:
        return
    simulator.fault("lost_reply")
    sent = [new_order() for _ in range(4)]
    outcomes = await erp.batches.send_many(sent)
    assert all(isinstance(outcomes[it.transaction_id], Unknown) for it in sent)

    async def all_found() -> bool:
        assert erp.batches is not None
        probed = await erp.batches.probe_many(sent)
        return all(isinstance(each, Booked) for each in probed.values())

    assert await eventually(all_found, bool)
    for each in sent:
        only(simulator.booked(each))


async def test_a_late_booking_in_a_batch_is_absent_at_first_and_found_later(
    erp: Erp, simulator: Simulator
) -> None:
    if erp.batches is None:
        return
    simulator.fault("late_booking", delay_ms=700)
    sent = [new_order() for _ in range(2)]
    outcomes = await erp.batches.send_many(sent)
    assert all(isinstance(outcomes[it.transaction_id], Unknown) for it in sent)

    async def found() -> int:
        assert erp.batches is not None
        probed = await erp.batches.probe_many(sent)
        return sum(isinstance(each, Booked) for each in probed.values())

    assert await eventually(found, lambda count: count == 2) == 2
    for each in sent:
        only(simulator.booked(each))


async def test_a_throttled_batch_is_busy_and_nothing_of_it_is_booked(
    erp: Erp, simulator: Simulator
) -> None:
    if erp.batches is None:
        return
    await erp.has_order("webshop", "any", "NL01")
    simulator.fault("throttle", delay_ms=3_000)
    sent = [new_order() for _ in range(3)]
    outcomes = await erp.batches.send_many(sent)
    assert all(
        isinstance(each, Busy) and each.closes and each.retry_after_ms == 3_000
        for each in outcomes.values()
    )
    assert [simulator.booked(each) for each in sent] == [[], [], []]


async def test_many_batches_at_once_book_each_document_once(erp: Erp, simulator: Simulator) -> None:
    if erp.batches is None:
        return
    sent = [[new_order() for _ in range(10)] for _ in range(4)]
    outcomes = await asyncio.gather(*(erp.batches.send_many(each) for each in sent))
    assert all(isinstance(it, Booked) for each in outcomes for it in each.values())
    for each in sent:
        for one in each:
            only(simulator.booked(one))
