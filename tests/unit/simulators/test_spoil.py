"""Answers that are broken on their way back, over real connections: what they tell took effect."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from tests.unit.simulators.cloud_bodies import cloud_order
from tests.unit.simulators.drivers import Cloud, Legacy, cloud, legacy, order_idoc

pytestmark = pytest.mark.anyio


async def test_a_reset_comes_after_half_of_the_answer_and_the_document_is_booked() -> None:
    async with cloud() as erp:
        await erp.fault("reset", count=1)
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await erp.post("salesOrders", cloud_order("CX-1"))
        assert await references(erp) == ["CX-1"]
        assert (await erp.counters())["resets"] == 1
        assert (await erp.post("salesOrders", cloud_order("CX-2"))).status_code == 201


async def test_an_answer_that_trickles_is_whole_in_the_end() -> None:
    async with cloud() as erp:
        await erp.fault("slow_drip", count=1, delay_ms=400)
        began_s = time.monotonic()
        answer = await erp.post("salesOrders", cloud_order("CX-1"))
        assert time.monotonic() - began_s >= 0.4
        assert answer.status_code == 201
        assert answer.json()["externalDocumentNumber"] == "CX-1"
        assert (await erp.counters())["slow_drips"] == 1


async def test_a_caller_that_tires_of_a_trickle_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with legacy() as erp:
        await erp.fault("slow_drip", count=1, delay_ms=2000)
        with pytest.raises(httpx.ReadTimeout):
            await erp.client.post(
                "/sap/bc/idoc_xml", content=packet("CX-1"), timeout=httpx.Timeout(0.05)
            )
        await erp.until("pending_postings", 0)
        assert await references(erp) == ["CX-1"]
    assert not caplog.records


@pytest.mark.parametrize("mode", ["cut", "html"])
async def test_a_malformed_answer_has_the_status_of_the_good_one(mode: str) -> None:
    async with cloud() as erp:
        await erp.fault("malformed", count=1, mode=mode)
        answer = await erp.post("salesOrders", cloud_order("CX-1"))
        assert answer.status_code == 201
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
            answer.json()
        assert answer.headers["Content-Type"].startswith(
            "text/html" if mode == "html" else "application/json"
        )
        assert await references(erp) == ["CX-1"]
        assert (await erp.counters())["malformed_answers"] == 1


async def test_a_token_made_stale_is_refused_until_there_is_a_new_one() -> None:
    async with cloud() as erp:
        await erp.fault("token_expiry", count=1)
        assert (await erp.post("salesOrders", cloud_order("CX-1"))).status_code == 401
        assert (await erp.post("salesOrders", cloud_order("CX-1"))).status_code == 401
        assert (await erp.counters())["token_expiries"] == 1
        assert await references(erp) == []


async def test_who_is_being_served_is_told_by_port_method_and_path() -> None:
    async with cloud() as erp:
        await erp.fault("latency", delay_ms=300, count=1)
        sending = asyncio.create_task(erp.post("salesOrders", cloud_order("CX-1")))
        listed: list[dict[str, object]] = []
        while not listed and not sending.done():
            listed = (await erp.client.get("/control/in_service")).json()["requests"]
        assert [(one["method"], str(one["path"])[-11:]) for one in listed] == [
            ("POST", "salesOrders")
        ]
        assert listed[0]["port"]
        await sending
        assert (await erp.client.get("/control/in_service")).json() == {"requests": []}


async def test_how_late_a_write_took_effect_is_counted() -> None:
    async with cloud() as erp:
        await erp.fault("late_booking", count=1, delay_ms=150)
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await erp.post("salesOrders", cloud_order("CX-1"))
        await erp.until("late_bookings", 1)
        assert (await erp.counters())["slowest_effect_ms"] >= 150


async def references(erp: Cloud | Legacy) -> list[str]:
    return [document["external_reference"] for document in await erp.books()]


def packet(external: str) -> str:
    return f"<PACKET>{order_idoc(external)}</PACKET>"
