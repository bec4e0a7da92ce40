"""Whatever an ERP answers with `Retry-After`, to whoever asked, nobody calls it until then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import pytest

from gateway.canonical.exchange import Limits, Timing, Traffic
from gateway.canonical.process import Target
from gateway.clock import SystemClock
from gateway.errors import ErpUnavailable
from gateway.flow.calls import Caller
from gateway.policy.windows import Windows
from gateway.ports import Erp
from tests.contract.erp_simulators import Simulator, new_order
from tests.unit.flow.doubles import OpenQuotas
from tests.valkey import Buffer

pytestmark = pytest.mark.anyio

SILENCE_MS: Final = 20_000
CALLS: Final[dict[str, Callable[[Erp], Awaitable[Any]]]] = {
    "enquiry": lambda erp: erp.availability("TEE-BLK-M", "NL01"),
    "look for an owner": lambda erp: erp.has_order("webshop", "any", "NL01"),
    "second look": lambda erp: erp.documents(new_order()),
    "poll": lambda erp: erp.confirm(["4711"]),
    "shadow": lambda erp: erp.validate(new_order()),
}


@pytest.mark.parametrize("name", CALLS)
async def test_it_closes_the_key_for_all(
    adapters: Callable[..., Erp], simulator: Simulator, buffer: Buffer, name: str
) -> None:
    buffer.client.now_ms = ""
    erp = adapters(Timing(request_ms=10_000, absent_final_ms=30_000, poll_ms=100))
    limits = {erp.name: Limits(5, (), 3000)}
    caller = Caller(OpenQuotas(buffer.client, limits), SystemClock(), Windows())
    others = OpenQuotas(buffer.client, limits, who="b")
    calls_before = simulator.counters()
    simulator.fault("throttle", delay_ms=SILENCE_MS)
    with suppress(ErpUnavailable):
        await caller.call(erp.name, lambda: CALLS[name](erp), lasts_ms=1000)
    await caller.settled()
    simulator.heal()
    if simulator.counters()["throttle_faults"] == calls_before["throttle_faults"]:
        assert (erp.name, name) in ((Target.CLOUD, "poll"), (Target.LEGACY, "shadow"))
        return  # it is not asked that
    assert (await others.acquire(erp.name, {Traffic.CRITICAL: 1})).permits == ()
    assert (await others.usage(erp.name)).closed_ms > SILENCE_MS - 5_000
