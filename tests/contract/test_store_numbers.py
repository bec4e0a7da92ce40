"""Registers' numbers in the ledger, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from gateway.canonical.exchange.stores import DayClosed, FileTotal, NumberUsed, TakenFile
from gateway.store.ledger import SqlLedger
from tests.contract.stream import Stream

pytestmark = pytest.mark.anyio

DAY = date(2026, 11, 21)
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def number(sequence: int, day: int = 0, store: str = "NL-001", register: str = "1") -> NumberUsed:
    on = DAY + timedelta(days=day)
    return NumberUsed(store, on, register, sequence, "pos", "void", "void", "", AT, AT)


def stream_of(*references: str, sale: dict[str, object] | None = None) -> Stream:
    stream = Stream()
    for reference in references:
        body = {"sale": sale if sale is not None else {"sold_at": "2026-11-21T10:00:00Z"}}
        stream.accept("store-day:NL-001:2026-11-21", process="store.sale", body=dict(body))
        envelope = stream.events[-1].envelope
        assert envelope is not None
        named = envelope.model_copy(update={"reference": reference})
        object.__setattr__(stream.events[-1], "envelope", named)
    return stream


async def test_receipts_are_noted_with_their_acceptance_and_once(ledger: SqlLedger) -> None:
    stream = stream_of(
        "NL-001/2026-11-21/1/17", "NL-001/2026-11-21/1/18#ab12", "not a receipt", "a/b/c/d",
    )  # fmt: skip
    for _ in range(2):
        await ledger.project(stream.partition, stream.events)
    found = (await ledger.store_numbers("", DAY, DAY)).used
    assert [(it.register_id, it.sequence, it.kind) for it in found] == [
        ("1", 17, "sale"), ("1", 18, "sale"),
    ]  # fmt: skip
    assert found[0].sold_at == datetime(2026, 11, 21, 10, tzinfo=UTC)


async def test_a_body_that_says_nothing_stops_no_projection(ledger: SqlLedger) -> None:
    stream = stream_of("NL-001/2026-11-21/1/17", sale={"sold_at": "soon"})
    await ledger.project(stream.partition, stream.events)
    (found,) = (await ledger.store_numbers("NL-001", DAY, DAY)).used
    assert found.sold_at is None


async def test_a_report_gets_its_days_and_each_registers_day_before(ledger: SqlLedger) -> None:
    used = [
        number(1, -40), number(2, -9), number(3, 0), number(4, 1), number(9, -9, register="2"),
        number(5, 0, store="NL-002"),
    ]  # fmt: skip
    await ledger.note_numbers(used, [])
    await ledger.note_numbers(used[:2], [])
    found = (await ledger.store_numbers("NL-001", DAY, DAY)).used
    assert sorted(it.sequence for it in found) == [2, 3, 9]
    every = (await ledger.store_numbers("", DAY, DAY + timedelta(days=1))).used
    assert sorted(it.sequence for it in every) == [2, 3, 4, 5, 9]


async def test_a_day_is_closed_once(ledger: SqlLedger) -> None:
    closings = [DayClosed("NL-001", DAY, AT + timedelta(hours=n), str(n)) for n in range(6)]
    await asyncio.gather(*(ledger.note_numbers([], [it]) for it in closings))
    (closed,) = (await ledger.store_numbers("", DAY, DAY)).closed
    await ledger.note_numbers([], [DayClosed("NL-001", DAY, AT - timedelta(1), "x")])
    assert (await ledger.store_numbers("", DAY, DAY)).closed == (closed,)


async def test_a_file_is_begun_once_and_ended_once(ledger: SqlLedger) -> None:
    totals = (FileTotal("EUR", Decimal("12.30")),)
    files = [
        TakenFile("a" * 64, "pos", f"{n}.xml", 3, totals, AT + timedelta(seconds=n), None)
        for n in range(4)
    ]
    begun = await asyncio.gather(*(ledger.begin_file(it) for it in files))
    assert len({it.name for it in begun}) == 1
    assert begun[0].totals == totals
    await ledger.end_file("a" * 64, "pos")
    (ended,) = await ledger.taken_files(9)
    assert ended.taken_at is not None
    await ledger.end_file("a" * 64, "pos")
    assert await ledger.taken_files(9) == [ended]
