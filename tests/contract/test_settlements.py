"""Settlements in the ledger, on SQLite and PostgreSQL: whole or not at all, and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from gateway.canonical.exchange.settlements import KeptSettlement
from gateway.canonical.settlement import Component
from gateway.canonical.staff import Role, Staff
from gateway.channels.amazon.settlement import SettlementFile
from gateway.errors import FileRefused, Forbidden, IdempotencyClash
from gateway.flow.audit import Auditor
from gateway.flow.settlements import take_settlement
from gateway.store.ledger import SqlLedger, open_ledger, tables
from tests.unit.channels.settlement_files import ROWS, TOTAL, settlement, stream

NewLedger = Callable[[], str]
FIN = Staff("fay", frozenset({Role.FINANCE}), "cli")

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ledger(new_ledger: NewLedger) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(new_ledger())
    yield opened
    await opened.close()


async def keep(ledger: SqlLedger, content: bytes) -> KeptSettlement:
    return await ledger.keep_settlement(SettlementFile(stream(content)), "amazon-nl", "s.txt")


async def rows_in(ledger: SqlLedger) -> int:
    query = select(func.count()).select_from(tables.settlement_rows)
    return await ledger._read(lambda db: db.execute(query).scalar_one())


async def test_what_was_stated_comes_back(ledger: SqlLedger) -> None:
    rows = [{**ROWS[0], "loyalty-tier": "gold"}, *ROWS[1:]]
    columns = (*ROWS[0], *(set().union(*ROWS) - set(ROWS[0])))
    content = settlement(
        rows, columns=(*_head_columns(), *columns, "loyalty-tier"), settlement_id="1"
    )
    stated = list(SettlementFile(stream(content)).rows())
    kept = await keep(ledger, content)
    assert kept.fresh
    assert await ledger.settlement_rows("amazon", "1", 0, 100) == stated
    assert await ledger.settlement_rows("amazon", "1", 3, 2) == stated[3:5]
    found = await ledger.settlement("amazon", "1")
    assert found is not None
    assert (found.head, found.rows, found.sha256) == (kept.head, len(ROWS), kept.sha256)
    assert found.head.total == Decimal(TOTAL)


def _head_columns() -> tuple[str, ...]:
    return (
        "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date",
        "total-amount", "currency",
    )  # fmt: skip


async def test_equal_rows_are_both_kept_and_sums_are_exact(ledger: SqlLedger) -> None:
    await keep(ledger, settlement([*ROWS, ROWS[0]], total="150.34"))
    sums = {it: (n, e4) for it, n, e4 in await ledger.settlement_sums("amazon", "19900000001")}
    assert sums[Component("Order", "ItemPrice", "Principal")] == (2, 1_798_000)
    assert sum(e4 for _, e4 in sums.values()) == 1_503_400


async def test_the_same_file_again_changes_nothing(ledger: SqlLedger) -> None:
    first = await keep(ledger, settlement())
    again = await keep(ledger, settlement())
    assert (first.fresh, again.fresh) == (True, False)
    assert again.sha256 == first.sha256
    assert await rows_in(ledger) == len(ROWS)


async def test_the_same_settlement_saying_something_else_is_refused(ledger: SqlLedger) -> None:
    await keep(ledger, settlement())
    with pytest.raises(IdempotencyClash, match=r"was taken before, from s\.txt with 7 rows"):
        await keep(ledger, settlement([*ROWS, ROWS[0]], total="150.34"))
    assert await rows_in(ledger) == len(ROWS)


async def test_of_a_wrong_file_nothing_stays(ledger: SqlLedger) -> None:
    many = [ROWS[0]] * 5000
    with pytest.raises(FileRefused, match="add up"):
        await keep(ledger, settlement(many, total="1.00"))
    assert await rows_in(ledger) == 0
    assert await ledger.settlements(10) == []
    kept = await keep(ledger, settlement(many, total="449500.00"))
    assert (kept.fresh, kept.rows) == (True, 5000)


async def test_two_that_bring_it_at_once_keep_it_once(new_ledger: NewLedger) -> None:
    url = new_ledger()
    ledgers = [await open_ledger(url) for _ in range(4)]
    kept = await asyncio.gather(*(keep(it, settlement()) for it in ledgers))
    assert sorted(it.fresh for it in kept) == [False, False, False, True]
    assert await rows_in(ledgers[0]) == len(ROWS)
    for it in ledgers:
        await it.close()


async def test_who_brought_it_is_written_down_and_must_be_allowed_to(ledger: SqlLedger) -> None:
    async def take(staff: Staff) -> KeptSettlement:
        reading = SettlementFile(stream(settlement()))
        return await take_settlement(
            reading, channel="", file="s.txt", staff=staff, settlements=ledger,
            auditor=Auditor(ledger),
        )  # fmt: skip

    with pytest.raises(Forbidden, match=r"settlement\.take"):
        await take(Staff("vic", frozenset({Role.VIEWER}), "cli"))
    assert await rows_in(ledger) == 0
    await take(FIN)
    [row] = await ledger.newest(10)
    assert (row.by, row.action, row.subject) == ("fay", "settlement.take", "amazon 19900000001")
