from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from simulators.cloud.limits import Places, QueueFull, SlidingWindow
from tests.unit.simulators.cloud_bodies import cloud_order
from tests.unit.simulators.drivers import HandClock, cloud, error_of

pytestmark = pytest.mark.anyio


# ---------------------------------------------------------------------- window


def test_the_window_admits_the_limit_and_says_when_the_next_may_come() -> None:
    window = SlidingWindow(3, 10.0)
    assert [window.admit(at_s) for at_s in (0.0, 1.0, 2.0)] == [None, None, None]
    assert window.admit(9.75) == 0.25
    assert window.admit(10.0) is None, "the request at 0 left the window at 10"
    assert window.admit(10.0) == 1.0
    assert len(window) == 3


def test_refused_requests_do_not_count() -> None:
    window = SlidingWindow(1, 10.0)
    window.admit(0.0)
    assert all(window.admit(at_s / 10) is not None for at_s in range(1, 100))
    assert window.admit(10.0) is None


def test_no_window_anywhere_holds_more_than_the_limit_and_none_is_refused_needlessly(
    seed: int,
) -> None:
    print(f"seed {seed}")
    chance = Random(seed)
    limit, window_s, at_s = 20, 5.0, 0.0
    window, admitted = SlidingWindow(limit, window_s), list[float]()
    for _ in range(5000):
        at_s += chance.choice([0.0, 0.01, 0.1, 0.5, 2.0]) * chance.random()
        inside = sum(1 for each in admitted[-limit:] if each > at_s - window_s)
        if window.admit(at_s) is None:
            assert inside < limit
            admitted.append(at_s)
        else:
            assert inside == limit


# ---------------------------------------------------------------------- places


async def test_places_are_given_first_come_first_served() -> None:
    places, order = Places(1, 10), list[int]()

    async def visit(number: int) -> None:
        await places.enter(5.0)
        order.append(number)
        await asyncio.sleep(0)
        places.leave()

    await asyncio.gather(*(visit(number) for number in range(8)))
    assert order == list(range(8))
    assert places.busy == 0


async def test_a_full_queue_turns_away() -> None:
    places = Places(1, 1)
    await places.enter(5.0)
    waiting = asyncio.create_task(places.enter(5.0))
    await asyncio.sleep(0)
    assert places.full
    with pytest.raises(QueueFull):
        await places.enter(5.0)
    places.leave()
    await waiting
    assert (places.busy, places.full) == (1, False)
    places.leave()
    assert places.busy == 0


async def test_who_waits_too_long_leaves_the_line_for_the_next() -> None:
    places = Places(1, 2)
    await places.enter(5.0)
    with pytest.raises(TimeoutError):
        await places.enter(0.01)
    patient = asyncio.create_task(places.enter(5.0))
    await asyncio.sleep(0)
    places.leave()
    await patient
    assert places.busy == 1


async def test_a_place_given_in_the_moment_of_giving_up_is_passed_on() -> None:
    places = Places(1, 2)
    await places.enter(5.0)
    gone = asyncio.create_task(places.enter(5.0))
    await asyncio.sleep(0)
    places.leave()  # hands the place to the waiting task,
    gone.cancel()  # which is cancelled before it runs
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert places.busy == 0


# ---------------------------------------------------------------------- over HTTP


@pytest.mark.parametrize("promised", [True, False])
async def test_the_window_over_http_is_exact(*, promised: bool) -> None:
    clock = HandClock()
    async with cloud(clock, limit=4, window_s=300.0, retry_after=promised) as erp:
        for place in range(4):
            clock.at_s += 1
            assert (await erp.post("salesOrders", cloud_order(f"CX-{place}"))).status_code == 201
        clock.at_s += 0.5
        refused = await erp.get("items")
        status, code, message = error_of(refused)
        assert (status, code) == (429, "Application_TooManyRequests")
        assert "CorrelationId:" in message
        assert refused.headers.get("Retry-After") == ("297" if promised else None)
        clock.at_s += 296.5
        assert (await erp.get("items")).status_code == 200
        assert (await erp.get("items")).status_code == 429
        counters = await erp.counters()
        assert (counters["window_peak"], counters["throttled_429"]) == (4, 2)
        assert len(await erp.books()) == 4


async def test_five_at_once_the_rest_in_line_and_no_more() -> None:
    options: dict[str, Any] = {
        "concurrency": 2,
        "queue": 3,
        "latency_ms_min": 200.0,
        "latency_ms_max": 200.0,
    }
    async with cloud(**options) as erp:
        answers = await asyncio.gather(*(erp.get("items") for _ in range(7)))
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 2
        counters = await erp.counters()
        assert (counters["max_concurrent"], counters["queued"]) == (2, 3)
        assert counters["throttled_429"] == 2
        assert counters["window_peak"] == 5, "who is turned away does not use up the window"


async def test_who_waits_too_long_in_line_is_answered_503() -> None:
    options: dict[str, Any] = {"concurrency": 1, "latency_ms_min": 300.0, "latency_ms_max": 300.0}
    async with cloud(queue_wait_s=0.05, **options) as erp:
        answers = await asyncio.gather(erp.get("items"), erp.get("items"))
        assert sorted(answer.status_code for answer in answers) == [200, 503]
        late = next(answer for answer in answers if answer.status_code == 503)
        assert late.headers["Retry-After"] == "5"
        assert error_of(late)[1] == "Application_ServiceUnavailable"
        assert (await erp.counters())["throttled_503"] == 1
        assert (await erp.get("items")).status_code == 200
