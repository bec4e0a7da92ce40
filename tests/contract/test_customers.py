"""Customers of both ERPs: found before they are created, and created once, whatever is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.canonical.customer import Wish
from gateway.canonical.exchange import Limits, Window
from gateway.canonical.outcome import Booked, Delayed, Refused
from gateway.canonical.process import Target
from gateway.chain.customer import Found, wish_of
from gateway.clock import SystemClock
from gateway.flow.calls import Caller
from gateway.flow.customers import PATIENCE_MS, CustomerDesk
from gateway.policy.windows import Windows
from gateway.store.ledger import SqlLedger, open_ledger
from tests.contract.erp_simulators import TIMING, Simulator, adapter_of, new_order, only, send
from tests.unit.flow.doubles import OpenQuotas
from tests.valkey import Buffer

pytestmark = pytest.mark.anyio

ABSENT_FINAL = timedelta(milliseconds=TIMING.absent_final_ms + PATIENCE_MS)
_LIMITS = Limits(5, (Window(100, 1000),), 3000)
_numbers = iter(range(10_000))


class Later(SystemClock):
    """The machine's clock, set forward by a test."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def a_wish() -> Wish:
    customer = {"ref": f"NEW-{next(_numbers)}", "name": "Ada Example", "email": "ada@example.com"}
    return wish_of(new_order(customer=customer))


class Place:
    """One ERP, and as many workers' desks as a test wants."""

    def __init__(self, simulator: Simulator, shelf: SqlLedger, buffer: Buffer) -> None:
        self.simulator, self.shelf, self.clock = simulator, shelf, Later()
        self.target = Target(simulator.system)
        self._quotas = OpenQuotas(buffer.client, {self.target: _LIMITS})
        self._open: list[Any] = []

    def desk(self) -> CustomerDesk:
        erp: Any = adapter_of(self.simulator.system, self.simulator.url)
        reads = Caller(self._quotas, SystemClock(), Windows(), PATIENCE_MS)
        writes = Caller(self._quotas, SystemClock(), Windows(), PATIENCE_MS, writes=True)
        desk = CustomerDesk(erp, self.shelf, reads, writes, self.clock)
        self._open += [desk, erp]
        return desk

    def created(self, wish: Wish) -> list[Mapping[str, Any]]:
        rows = self.simulator.customers()
        return [row for row in rows if row["reference"] == wish.reference]

    async def close(self) -> None:
        for it in self._open:
            await it.close()


@pytest.fixture
async def place(simulator: Simulator, buffer: Buffer, tmp_path: Path) -> AsyncIterator[Place]:
    shelf = await open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    made = Place(simulator, shelf, buffer)
    yield made
    simulator.heal()
    await made.close()
    await shelf.close()


def is_found(it: object) -> bool:
    return isinstance(it, Found)


async def until(
    desk: CustomerDesk, wish: Wish, good: Callable[[object], bool] = is_found
) -> Found | Refused | Delayed:
    """Come back as a message does, until the answer is good; a few seconds at most."""
    for _ in range(50):
        found = await desk.find_or_create(wish)
        if good(found):
            return found
        await asyncio.sleep(0.05)
    return found


async def test_a_new_customer_is_created_once_and_then_known(place: Place) -> None:
    wish, desk = a_wish(), place.desk()
    first = await until(desk, wish)
    assert isinstance(first, Found)
    assert first.how == "created"
    row = only(place.created(wish))
    assert (row["number"], row["name"], row["company"]) == (first.number, "Ada Example", "NL01")
    requests = place.simulator.counters()["requests"]
    assert await desk.find_or_create(wish) == first
    assert await until(place.desk(), wish) == Found(first.number, "known")
    assert place.simulator.counters()["requests"] == requests, "nobody is asked twice"


async def test_a_customer_the_erp_has_already_is_found(place: Place) -> None:
    wish = a_wish()
    erp: Any = adapter_of(place.simulator.system, place.simulator.url)
    created = await erp.create_customer(wish)
    await erp.close()
    assert isinstance(created, Booked)
    assert await until(place.desk(), wish) == Found(created.document, "found")
    assert len(place.created(wish)) == 1


async def test_a_creation_whose_reply_is_lost_is_looked_up_not_repeated(place: Place) -> None:
    wish, desk = a_wish(), place.desk()
    place.simulator.fault("lost_reply")
    found = await until(desk, wish)
    assert isinstance(found, Found)
    assert found.number == only(place.created(wish))["number"]


async def test_a_look_up_that_lags_behind_creates_no_second_one(place: Place) -> None:
    wish, desk = a_wish(), place.desk()
    place.simulator.fault("lagging_lookup", delay_ms=1_000)
    place.simulator.fault("lost_reply")
    found = await until(desk, wish)
    assert isinstance(found, Found)
    assert len(place.created(wish)) == 1


async def test_absence_is_final_only_when_no_earlier_creation_can_still_arrive(
    place: Place,
) -> None:
    """A worker was killed after it had written down that it begins."""
    wish, desk = a_wish(), place.desk()
    assert await place.shelf.begin_master(place.target, wish, place.clock.now(), None)
    await asyncio.sleep(0.2)
    waits = await until(
        desk, wish, lambda it: isinstance(it, Delayed) and "being created since" in it.detail
    )
    assert isinstance(waits, Delayed)
    assert "being created since" in waits.detail
    assert place.created(wish) == []
    place.clock.ahead = ABSENT_FINAL
    assert isinstance(await until(desk, wish), Found)
    assert len(place.created(wish)) == 1


async def test_a_worker_killed_between_creation_and_record_leaves_no_double(place: Place) -> None:
    wish = a_wish()
    assert await place.shelf.begin_master(place.target, wish, place.clock.now(), None)
    erp: Any = adapter_of(place.simulator.system, place.simulator.url)
    created = await erp.create_customer(wish)
    await erp.close()
    assert isinstance(created, Booked)
    assert await until(place.desk(), wish) == Found(created.document, "created")
    assert len(place.created(wish)) == 1


async def test_many_workers_create_one_customer_once(place: Place) -> None:
    wish, desks = a_wish(), [place.desk() for _ in range(6)]
    found = await asyncio.gather(*(until(desk, wish) for desk in desks for _ in range(3)))
    numbers = {it.number for it in found if isinstance(it, Found)}
    assert len(numbers) == 1
    assert all(isinstance(it, Found) for it in found)
    assert len(place.created(wish)) == 1


async def test_an_erp_that_is_away_delays_and_leaves_nothing_behind(place: Place) -> None:
    wish, desk = a_wish(), place.desk()
    place.simulator.fault("outage", count=1_000, mode="503")
    away = await until(desk, wish, lambda it: isinstance(it, Delayed) and "asked" not in it.detail)
    assert isinstance(away, Delayed)
    assert await place.shelf.master(place.target, wish.reference) is None
    place.simulator.heal()
    assert isinstance(await until(desk, wish), Found)
    assert len(place.created(wish)) == 1


async def test_a_customer_of_an_unknown_company_is_refused(simulator: Simulator) -> None:
    erp: Any = adapter_of(simulator.system, simulator.url)
    refused = await erp.create_customer(a_wish()._replace(legal_entity="XX99"))
    await erp.close()
    assert isinstance(refused, Refused)


async def test_an_order_is_booked_on_the_number(place: Place) -> None:
    wish = a_wish()
    found = await until(place.desk(), wish)
    assert isinstance(found, Found)
    erp = adapter_of(place.simulator.system, place.simulator.url)
    place.simulator.set(known_customers_only=True)
    try:
        refused = await send(erp, new_order())
        booked = await send(erp, new_order(customer={"ref": found.number, "name": "Ada Example"}))
    finally:
        place.simulator.set(known_customers_only=False)
        await erp.close()
    assert isinstance(refused, Refused)
    assert isinstance(booked, Booked)


async def test_of_two_beginnings_one_wins_and_a_number_stays(ledger: SqlLedger) -> None:
    wish, now = a_wish(), datetime(2026, 11, 26, 12, tzinfo=UTC)
    later = now + timedelta(minutes=20)
    assert await ledger.begin_master(Target.CLOUD, wish, now, None)
    assert not await ledger.begin_master(Target.CLOUD, wish, now, None)
    assert await ledger.begin_master(Target.LEGACY, wish, now, None), "each ERP has its own"
    assert await ledger.begin_master(Target.CLOUD, wish, later, now)
    assert not await ledger.begin_master(Target.CLOUD, wish, later, now)
    await ledger.end_master(Target.CLOUD, wish.reference, now)
    kept = await ledger.master(Target.CLOUD, wish.reference)
    assert kept is not None
    assert kept.begun_at == later, "what another has begun since is not forgotten"
    await ledger.keep_master(Target.CLOUD, wish, "C1")
    await ledger.keep_master(Target.CLOUD, wish, "C2")
    await ledger.end_master(Target.CLOUD, wish.reference, later)
    kept = await ledger.master(Target.CLOUD, wish.reference)
    assert kept is not None
    assert kept.number == "C1"
