"""Every fault on both simulators, over real connections."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.unit.simulators.cloud_bodies import cloud_order
from tests.unit.simulators.drivers import (
    Cloud,
    Legacy,
    cloud,
    error_of,
    legacy,
    order_idoc,
    order_line,
    soon,
)

pytestmark = pytest.mark.anyio
SYSTEMS = pytest.mark.parametrize("system", ["legacy", "cloud"])
Erp = Legacy | Cloud


@asynccontextmanager
async def running(system: str, **options: Any) -> AsyncIterator[Erp]:
    if system == "legacy":
        async with legacy(**options) as erp:
            yield erp
    else:
        async with cloud(**options) as caller:
            yield caller


async def send(erp: Erp, external: str = "CX-1") -> httpx.Response:
    if isinstance(erp, Legacy):
        return await erp.post(order_idoc(external))
    return await erp.post("salesOrders", cloud_order(external))


async def found(erp: Erp, external: str = "CX-1") -> int:
    if isinstance(erp, Legacy):
        return len(await erp.find(external))
    return len(await erp.find("salesOrders", f"externalDocumentNumber eq '{external}'"))


async def booked(erp: Erp) -> list[str]:
    """The external references in the books, once nothing is waiting to be posted."""
    await erp.until("pending_postings", 0)
    return [document["external_reference"] for document in await erp.books()]


# ---------------------------------------------------------------------- lost_reply


@SYSTEMS
async def test_a_lost_reply_is_booked_and_never_answered(
    system: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(system) as erp:
        await erp.fault("lost_reply", count=1)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await send(erp)
        assert await booked(erp) == ["CX-1"]
        assert await found(erp) == 1
        assert (await send(erp, "CX-2")).is_success, "the count is used up"
        assert await booked(erp) == ["CX-1", "CX-2"]
        assert (await erp.counters())["lost_replies_after_booking"] == 1
    assert not caplog.records, "the server takes it as ordinary"


@SYSTEMS
async def test_reads_and_refused_writes_lose_no_reply(system: str) -> None:
    async with running(system) as erp:
        await erp.fault("lost_reply")
        await erp.fault("late_booking")
        assert await found(erp) == 0
        if isinstance(erp, Legacy):
            refused = await erp.post("<IDOC/>")
        else:
            refused = await erp.post("salesOrders", cloud_order(currencyCode="USD"))
        assert refused.status_code == 400
        counters = await erp.counters()
        assert counters["lost_replies_after_booking"] == counters["late_bookings"] == 0


# ---------------------------------------------------------------------- late_booking


@SYSTEMS
async def test_a_late_booking_appears_after_the_caller_was_cut_off(system: str) -> None:
    async with running(system) as erp:
        await erp.fault("late_booking", count=1, delay_ms=600)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await send(erp)
        assert await booked(erp) == []
        assert await found(erp) == 0, "absent now, and yet to come"
        counters = await erp.counters()
        assert (counters["pending_late_bookings"], counters["late_bookings"]) == (1, 0)
        await erp.until("late_bookings", 1)
        assert await booked(erp) == ["CX-1"]
        assert (await erp.counters())["pending_late_bookings"] == 0


@SYSTEMS
async def test_a_hanging_late_booking_outlives_the_callers_patience(system: str) -> None:
    async with running(system) as erp:
        await erp.fault("late_booking", count=1, delay_ms=600, mode="hang")
        erp.client.timeout = httpx.Timeout(5, read=0.1)
        with pytest.raises(httpx.ReadTimeout):
            await send(erp)
        erp.client.timeout = httpx.Timeout(5)
        assert await booked(erp) == []
        await erp.until("late_bookings", 1)
        assert await booked(erp) == ["CX-1"]


async def test_a_late_booking_a_rule_refuses_by_then_is_none() -> None:
    async with cloud() as erp:
        await erp.fault("late_booking", count=1, delay_ms=100)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await send(erp)
        await erp.setting(closed_periods=["2026-11"])
        await erp.until("late_refusals", 1)
        assert await erp.books() == []
        assert (await erp.counters())["late_bookings"] == 0


@SYSTEMS
async def test_a_caller_who_hangs_up_is_served_all_the_same(system: str) -> None:
    async with running(system, latency_ms_min=200.0, latency_ms_max=200.0) as erp:
        erp.client.timeout = httpx.Timeout(5, read=0.05)
        with pytest.raises(httpx.ReadTimeout):
            await send(erp)
        erp.client.timeout = httpx.Timeout(5)
        await erp.until("booked_unheard", 1)
        assert await booked(erp) == ["CX-1"]


# ---------------------------------------------------------------------- lagging_lookup


@SYSTEMS
async def test_a_lagging_document_is_booked_but_not_found_for_a_while(system: str) -> None:
    async with running(system) as erp:
        await erp.fault("lagging_lookup", count=1, delay_ms=600)
        assert (await send(erp)).is_success
        assert (await send(erp, "CX-2")).is_success
        assert await booked(erp) == ["CX-1", "CX-2"]
        assert [await found(erp), await found(erp, "CX-2")] == [0, 1]
        counters = await erp.counters()
        assert (counters["lagged_documents"], counters["lagged_lookups"]) == (1, 1)

        async def visible() -> bool:
            return await found(erp) == 1

        await soon(visible)


async def test_a_lagging_idoc_still_tells_its_status_by_number() -> None:
    async with legacy() as erp:
        await erp.fault("lagging_lookup", delay_ms=5000)
        (status,) = await erp.posted(order_idoc())
        assert status["STATUS"] == "53"
        assert await erp.find("SHOP-1", "ORDER_REF") == []


# ---------------------------------------------------------------------- latency


@SYSTEMS
async def test_latency_is_added(system: str) -> None:
    async with running(system) as erp:
        await erp.fault("latency", count=1, delay_ms=200)
        began_s = time.monotonic()
        assert (await send(erp)).is_success
        assert 0.2 <= time.monotonic() - began_s < 1.5
        assert (await erp.counters())["latency_faults"] == 1


@SYSTEMS
async def test_requests_take_the_latency_of_the_options(system: str) -> None:
    async with running(system, latency_ms_min=300.0, latency_ms_max=310.0) as erp:
        began_s = time.monotonic()
        await send(erp)
        assert time.monotonic() - began_s >= 0.3
        await erp.setting(latency_ms_min=0, latency_ms_max=0)
        began_s = time.monotonic()
        await send(erp, "CX-2")
        assert time.monotonic() - began_s < 0.3


# ---------------------------------------------------------------------- throttle


@pytest.mark.parametrize(("delay_ms", "wait"), [(0, None), (1500, "2")])
async def test_throttling_in_the_cloud_is_429(delay_ms: int, wait: str | None) -> None:
    async with cloud() as erp:
        await erp.fault("throttle", count=1, delay_ms=delay_ms)
        answer = await send(erp)
        assert error_of(answer)[:2] == (429, "Application_TooManyRequests")
        assert answer.headers.get("Retry-After") == wait
        assert (await send(erp)).status_code == 201
        counters = await erp.counters()
        assert (counters["throttled_429"], counters["throttle_faults"]) == (1, 1)
        assert await booked(erp) == ["CX-1"]


@pytest.mark.parametrize(("delay_ms", "wait"), [(0, "1"), (2500, "3")])
async def test_throttling_in_legacy_is_503(delay_ms: int, wait: str) -> None:
    async with legacy() as erp:
        await erp.fault("throttle", count=1, delay_ms=delay_ms)
        answer = await send(erp)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, wait)
        assert (await send(erp)).status_code == 200
        assert (await erp.counters())["throttled_503"] == 1


# ---------------------------------------------------------------------- outage


@SYSTEMS
async def test_an_outage_cuts_every_connection_but_the_control_api(system: str) -> None:
    async with running(system) as erp:
        await erp.fault("outage")
        for _ in range(2):
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await send(erp)
        if isinstance(erp, Cloud):
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await erp.token()
        assert await erp.books() == []
        refusals = (await erp.counters())["outage_refusals"]
        assert refusals == (3 if system == "cloud" else 2)
        await erp.client.delete("/control/faults/outage")
        assert (await send(erp)).is_success


@SYSTEMS
async def test_an_outage_may_answer_503_and_heals_by_itself(system: str) -> None:
    async with running(system) as erp:
        await erp.fault("outage", mode="503", duration_s=0.3)
        assert (await send(erp)).status_code == 503

        async def healed() -> bool:
            return (await send(erp, "CX-2")).is_success

        await soon(healed)
        assert await booked(erp) == ["CX-2"]


# ---------------------------------------------------------------------- the books


@SYSTEMS
async def test_faults_together_leave_true_books(system: str, seed: int) -> None:
    """Whatever the callers saw, the books hold what was booked, each sent document at most once."""
    print(f"seed {seed}")
    async with running(system, seed=seed) as erp:
        await erp.fault("lost_reply", probability=0.2)
        await erp.fault("late_booking", probability=0.2, delay_ms=30)
        await erp.fault("throttle", probability=0.2)
        await erp.fault("outage", probability=0.1)
        heard, cut, refused = [], 0, 0
        for place in range(60):
            try:
                answer = await send(erp, f"CX-{place}")
            except httpx.TransportError:
                cut += 1
            else:
                heard += [f"CX-{place}"] * answer.is_success
                refused += not answer.is_success
        await erp.client.delete("/control/faults")
        await erp.until("pending_late_bookings", 0)
        references, counters = await booked(erp), await erp.counters()
        assert len(set(references)) == len(references)
        assert set(heard) <= set(references)
        unheard = counters["lost_replies_after_booking"] + counters["late_bookings"]
        assert len(references) == len(heard) + unheard
        assert cut == unheard + counters["outage_refusals"]
        assert refused == counters["throttle_faults"]
        assert [document["sequence"] for document in await erp.books()] == [
            place + 1 for place in range(len(references))
        ]


async def test_a_lost_reply_may_hide_a_failed_posting() -> None:
    bad = order_idoc(lines=order_line(1, "NOPE", "1", "1.00", "1.00"))
    async with legacy() as erp:
        await erp.fault("lost_reply", count=1)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await erp.post(bad)
        assert await booked(erp) == []
        assert (await erp.find("CX-1"))[0]["STATUS"] == "51"
