"""What a flip out of hold lets go: counted, decided under the new rules, first late one named."""

from __future__ import annotations

import pytest

from gateway.canonical.process import Target
from gateway.flow.unhold import Unholder
from gateway.routing.compile import compile_rules
from gateway.routing.model import Mode
from tests.unit.flow.rulesets import all_to
from tests.unit.flow.staffroom import Staffroom, order_body
from tests.valkey import entry

pytestmark = pytest.mark.anyio


async def parked(room: Staffroom, count: int) -> list[str]:
    entries = [entry(f"H-{n}", target=Target.HOLD, body=order_body(f"H-{n}")) for n in range(count)]
    for one in entries:
        await room.buffer.intake.accept(one)
        await room.project(one)
    return [one.transaction_id for one in entries]


async def test_backlog_by_process_with_money_and_time(room: Staffroom) -> None:
    await parked(room, 3)
    found = await Unholder(room.bench).preview(compile_rules(all_to(Mode.LEGACY)))
    (let,) = found.lets
    assert (let.process, let.erp, let.count, let.money) == (
        "order.intake", "legacy", 3, {"EUR": "59.85"},
    )  # fmt: skip
    (drain,) = found.drains
    assert drain.quota_s == pytest.approx(3 / 20)
    assert (found.count, found.stays, found.late, found.first_broken) == (3, 0, 0, None)


async def test_what_still_waits_is_not_let_go(room: Staffroom) -> None:
    await parked(room, 2)
    found = await Unholder(room.bench).preview(compile_rules(all_to(Mode.HOLD)))
    assert (found.count, found.stays) == (0, 2)


async def test_the_first_deadline_that_breaks_is_named(room: Staffroom) -> None:
    ids = await parked(room, 3)
    room.worker.clock.passed_s = 299.92
    found = await Unholder(room.bench).preview(compile_rules(all_to(Mode.LEGACY)))
    assert found.late == 2
    assert found.first_broken is not None
    assert found.first_broken.process == "order.intake"
    assert found.first_broken.transaction_id in ids
    third = found.first_broken.transaction_id
    room.worker.clock.passed_s = 299.98
    found = await Unholder(room.bench).preview(compile_rules(all_to(Mode.LEGACY)))
    assert found.late == 3, "all of them, and the first is another one now"
    assert found.first_broken is not None
    assert found.first_broken.transaction_id != third


async def test_a_follow_up_goes_where_its_order_goes(room: Staffroom) -> None:
    """Of an order that waits itself, and of one that an ERP has already."""
    await parked(room, 1)
    old = entry("O-1", body=order_body("O-1"))
    await room.buffer.intake.accept(old)
    await room.buffer.lanes.book(old.transaction_id, "D-1", "")
    await room.project(old)
    for ref in ("H-0", "O-1"):
        behind = entry(ref, process="order.cancellation", reference=f"X-{ref}", target=Target.HOLD)
        await room.buffer.intake.accept(behind)
        await room.project(behind)
    found = await Unholder(room.bench).preview(compile_rules(all_to(Mode.CLOUD)))
    assert [(it.process, it.erp, it.count) for it in found.lets] == [
        ("order.cancellation", "cloud", 1), ("order.cancellation", "legacy", 1),
        ("order.intake", "cloud", 1),
    ]  # fmt: skip
    assert found.stays == 0


async def test_nothing_waits_and_nothing_is_said(room: Staffroom) -> None:
    found = await Unholder(room.bench).preview(compile_rules(all_to(Mode.LEGACY)))
    assert (found.count, found.lets, found.drains) == (0, (), ())
