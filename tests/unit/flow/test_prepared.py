"""What cannot be said to an ERP, or not yet, is put back: nothing was sent, nothing was tried."""

from __future__ import annotations

import pytest

from gateway.canonical.exchange import Entry
from gateway.canonical.outcome import Booked, Delayed
from tests.unit.flow.doubles import ScriptedErp
from tests.unit.flow.test_deliver import LEGACY, Desk, erp, order
from tests.valkey import Buffer

__all__ = ["erp", "order"]

pytestmark = pytest.mark.anyio


async def kinds(buffer: Buffer, order: Entry) -> list[str]:
    partition = int(order.transaction_id[:2], 16)
    return [it.kind for it in await buffer.feed.events(partition, "0-0", 100)]


async def test_what_is_not_sent_for_a_gap_is_no_attempt(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    erp.refuses, erp.sends = {order.transaction_id}, [Booked("D-1")]
    await desk.step(order)
    assert (await desk.state(order)).state == "waiting"
    assert erp.asked == []
    assert "attempted" not in await kinds(buffer, order)
    usage = await desk.quotas.usage(LEGACY)
    assert (usage.in_flight, usage.in_window) == (0, 0), "nothing was called"
    erp.refuses = set()
    assert await buffer.lanes.release_held(order.transaction_id, "import")
    await desk.step(order)
    assert [what for what, _ in erp.asked] == ["send"], "nothing was sent before: nothing is probed"
    assert (await desk.state(order)).state == "booked"


async def test_a_step_nobody_answers_for_delays_the_message_as_long_as_it_takes(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    """Never poison, never held, no attempt counted, and the waits grow."""
    desk = Desk(buffer, erp)
    erp.delays = [Delayed("tax engine: no answer") for _ in range(12)]
    erp.sends = [Booked("D-1")]
    waits, lease = [], await desk.lease(order)
    while erp.delays:
        assert await desk.step(order)
        assert (await desk.state(order)).state == "waiting"
        waited = 0
        while not any(it.objects for it in (await buffer.lanes.ready([lease], LEGACY)).values()):
            buffer.later(100)
            waited += 100
        waits.append(waited)
    assert max(waits[:3]) < max(waits) <= 30_000
    await desk.step(order)
    assert (await desk.state(order)).state == "booked"
    assert (await kinds(buffer, order)).count("attempted") == 1
    usage = await desk.quotas.usage(LEGACY)
    assert usage.in_flight == 0
