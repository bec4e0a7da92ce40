"""A worker in front of an ERP that goes into maintenance as announced: no call is cut off by it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Entry, Limits, Timing
from gateway.canonical.process import Target
from gateway.canonical.window import ErpWindow
from gateway.clock import SystemClock
from gateway.flow.dispatch import Dispatcher
from gateway.flow.leases import LeaseKeeper
from gateway.flow.workplace import Workplace
from gateway.policy.windows import MARGIN_MS, Windows
from tests.contract.erp_simulators import Simulator, adapter_of, eventually
from tests.unit.erp.envelopes import envelope, order
from tests.unit.flow.doubles import Notes, OpenQuotas
from tests.valkey import PARTITIONS, Buffer, buffer, entry, valkey_url

__all__ = ["buffer", "valkey_url"]

pytestmark = pytest.mark.anyio

TIMING = Timing(request_ms=400, absent_final_ms=2_000, poll_ms=50)
CLOSED_S = 2.0
ORDERS = 40


def an_order(number: int, erp: Target) -> tuple[Entry, Envelope]:
    made = entry(f"W-{number}", target=erp)
    body = envelope(order(order_ref=f"W-{number}"))
    sent = body.model_copy(
        update={"transaction_id": made.transaction_id, "object_key": made.object_key}
    )
    return replace(made, payload=sent.model_dump_json().encode()), sent


def window_from(erp: Target, begin: datetime) -> ErpWindow:
    end = begin + timedelta(seconds=CLOSED_S)
    zone, day = ZoneInfo("UTC"), begin.date()
    days_on = (end.date() - day).days
    return ErpWindow("test", erp, zone, begin.time(), end.time(), days_on, first=day, last=day)


@pytest.fixture
def working(buffer: Buffer) -> Buffer:
    """The buffer, under the server's own clock."""
    buffer.client.now_ms = ""
    return buffer


async def test_no_call_meets_the_maintenance_and_all_is_booked_after_it(
    working: Buffer, simulator: Simulator
) -> None:
    erp, clock = Target(simulator.system), SystemClock()
    adapter = adapter_of(simulator.system, simulator.url, TIMING)
    quotas = OpenQuotas(working.client, {erp: Limits(4, (), 2000)})
    keeper = LeaseKeeper(working.lanes, clock, "w1", PARTITIONS, 60_000, Random(1))
    before = simulator.counters()
    lead_s = (TIMING.request_ms + MARGIN_MS) / 1000 + 0.6
    begin = datetime.now(UTC) + timedelta(seconds=lead_s)
    simulator.fault("maintenance", delay_ms=round(lead_s * 1000), duration_s=lead_s + CLOSED_S,
                    count=100_000)  # fmt: skip
    windows = Windows([window_from(erp, begin)])
    workplace = Workplace(
        working.lanes, quotas, {erp: adapter}, keeper, Notes(), clock, Random(1), windows
    )
    sent = []
    await keeper.tick()
    stop = asyncio.Event()
    running = asyncio.create_task(Dispatcher(erp, workplace, 8).run(stop))
    for number in range(ORDERS):  # they go on coming while it closes
        made, document = an_order(number, erp)
        await working.intake.accept(made)
        sent.append(document)
        await asyncio.sleep(lead_s / ORDERS)

    async def all_booked() -> bool:
        return all(simulator.booked(each) for each in sent)

    assert await eventually(all_booked, bool, within_s=20)
    stop.set()
    await running
    await adapter.close()
    after = simulator.counters()
    for harm in ("maintenance_refusals", "maintenance_cuts"):
        assert after[harm] == before[harm], harm
    assert [len(simulator.booked(each)) for each in sent] == [1] * ORDERS


async def test_without_the_window_file_calls_do_meet_it(
    working: Buffer, simulator: Simulator
) -> None:
    """The hazard is real: the same maintenance, unannounced."""
    adapter = adapter_of(simulator.system, simulator.url, TIMING)
    before = simulator.counters()["maintenance_refusals"]
    simulator.fault("maintenance", duration_s=5, count=100)
    _, document = an_order(1, Target(simulator.system))
    outcome = await adapter.send(document)
    simulator.heal()
    await adapter.close()
    assert type(outcome).__name__ == "Busy"
    assert simulator.counters()["maintenance_refusals"] > before
