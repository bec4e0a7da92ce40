"""One seed and one sequence of requests: the same course, whatever the run."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.simulators.cloud_bodies import cloud_order
from tests.unit.simulators.drivers import cancel_idoc, cloud, legacy, order_idoc

pytestmark = pytest.mark.anyio


def undated(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in document.items() if k != "booked_at"} for document in documents]


async def course_of_cloud(seed: int) -> tuple[Any, ...]:
    async with cloud(seed=seed, old_orders=4) as erp:
        await erp.fault("lost_reply", probability=0.3)
        await erp.fault("throttle", probability=0.3)
        seen: list[Any] = []
        for place in range(25):
            try:
                answer = await erp.post("salesOrders", cloud_order(f"CX-{place}"))
            except httpx.TransportError:
                seen.append("cut")
            else:
                seen.append((answer.status_code, answer.json().get("id")))
        return (await erp.sign_in(), seen, undated(await erp.books(include="seeded")))


async def course_of_legacy(seed: int) -> tuple[Any, ...]:
    async with legacy(seed=seed, old_orders=4, posting_interval_s=3600.0) as erp:
        await erp.fault("late_booking", probability=0.3, delay_ms=0)
        seen: list[Any] = []
        for place in range(25):
            try:
                seen.append(
                    (await erp.post(order_idoc(f"CX-{place}", f"SHOP-{place}"))).status_code
                )
            except httpx.TransportError:
                seen.append("cut")
        await erp.setting(ship_after_s=3600, posting_interval_s=0.01)
        await erp.until("pending_postings", 0)
        await erp.posted(cancel_idoc("CX-X", "SHOP-0"))
        return (seen, undated(await erp.books(include="seeded")))


@pytest.mark.parametrize("course", [course_of_cloud, course_of_legacy])
async def test_one_seed_one_course(course: Any) -> None:
    first = await course(11)
    assert await course(11) == first
    assert await course(12) != first


async def test_systems_with_one_seed_do_not_move_in_step() -> None:
    async with legacy(seed=5, old_orders=9) as erp, cloud(seed=5, old_orders=9) as other:
        mine, theirs = await erp.books(include="seeded"), await other.books(include="seeded")
        assert [each["lines"] for each in mine] != [each["lines"] for each in theirs]
