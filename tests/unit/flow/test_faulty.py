"""What only a change of our configuration can cure is seen by somebody, and stops nobody else."""

from __future__ import annotations

import pytest

from gateway.canonical.exchange import Entry
from gateway.canonical.outcome import Booked, Busy
from gateway.canonical.process import Target
from gateway.flow.deliver import FAULT_S_MAX
from tests.unit.flow.doubles import ScriptedErp
from tests.unit.flow.test_deliver import Desk, erp, order
from tests.valkey import Buffer

__all__ = ["erp", "order"]

pytestmark = pytest.mark.anyio

LEGACY = Target.LEGACY


async def test_a_wrong_configuration_becomes_an_exception_once_it_lasts(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    """A tenant that does not exist is answered 404 for ever: nobody must have to find out."""
    desk = Desk(buffer, erp)
    wrong = Busy("404 (check the address and the tenant)", closes=True, misconfigured=True)
    erp.sends = [wrong, wrong]
    await desk.step(order)
    assert (await desk.state(order)).cause == "", "it may be over in a moment"
    assert desk.notes.faults == ["legacy: 404 (check the address and the tenant)"]
    desk.clock.passed_s += FAULT_S_MAX
    buffer.later(round(FAULT_S_MAX * 1000))
    await desk.step(order)
    progress = await desk.state(order)
    assert (progress.state, progress.cause) == ("waiting", "misconfigured")
    assert (await desk.quotas.usage(LEGACY)).closed_ms > 0, "and nobody else is sent there"


async def test_a_configuration_that_is_put_right_is_forgotten(
    buffer: Buffer, erp: ScriptedErp, order: Entry
) -> None:
    desk = Desk(buffer, erp)
    wrong = Busy("401 (check the credentials)", closes=True, misconfigured=True)
    erp.sends = [wrong, Booked("D-1")]
    await desk.step(order)
    buffer.later(60_000)
    assert await desk.step(order)
    assert (await desk.state(order)).state == "booked"
    assert desk.notes.faults[-1] == "legacy: "
