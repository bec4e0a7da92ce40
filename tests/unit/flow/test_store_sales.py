"""Store sales over a real buffer and ledger: files, offline replays, one number used twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.canonical.exchange.stores import DayClosed, TakenFile
from gateway.canonical.process import Target
from gateway.canonical.staff import Role, Staff
from gateway.clock import SystemClock
from gateway.errors import Forbidden, StoreUnavailable
from gateway.flow.audit import Auditor
from gateway.flow.project import Projector
from gateway.flow.publish import Publisher
from gateway.flow.receipt_files import BATCH, Taking, take_file
from gateway.flow.store_sales import Item, StoreIntake, status_of
from gateway.policy.registers import Gap, StoreDay, report
from gateway.routing.model import Mode
from gateway.store.ledger import SqlLedger, open_ledger
from tests.unit.channels.poslogs import items, log, sale, tender, total, transaction
from tests.unit.flow.doubles import StillClock
from tests.unit.flow.rulesets import all_to
from tests.unit.flow.test_accept import Gateway
from tests.valkey import PARTITIONS, Buffer

pytestmark = pytest.mark.anyio

DAY = date(2026, 11, 21)
OPERATOR = Staff("olga", frozenset({Role.OPERATOR}), "cli")


@dataclass
class Estate:
    """What takes store sales, over a real buffer and ledger."""

    buffer: Buffer
    ledger: SqlLedger
    stores: StoreIntake

    async def take(self, content: bytes) -> list[str]:
        """Take what a file says; return what became of each transaction."""
        found = items(content)
        await self.stores.take("pos", found)
        return [status_of(it.outcome) for it in found]

    async def file(self, content: bytes, sha256: str = "f" * 64) -> Taking:
        found = items(content)
        file = TakenFile(sha256, "pos", "f.xml", len(found), (), datetime.now(UTC), None)
        return await self.file_of(found, file)

    async def file_of(self, found: list[Item] | Iterator[Item], file: TakenFile) -> Taking:
        return await take_file(
            file, found, staff=OPERATOR, stores=self.stores, book=self.ledger,
            auditor=Auditor(self.ledger),
        )  # fmt: skip

    async def report(self) -> list[StoreDay]:
        """Bring the record up to date, and report."""
        projector = Projector(self.buffer.feed, self.ledger)
        for partition in range(PARTITIONS):
            lease = await self.buffer.lanes.lease(partition, "w1", 60_000)
            assert lease is not None
            while await projector.project(lease):
                pass
        return report(await self.ledger.store_numbers("", DAY, DAY), DAY, {})


@pytest.fixture
async def estate(buffer: Buffer, tmp_path: Path) -> AsyncIterator[Estate]:
    await buffer.client.command("FLUSHALL")
    ledger = await open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    await ledger.installation(PARTITIONS)
    publisher = Publisher(buffer.book, ledger, StillClock(), PARTITIONS, 1000)
    await publisher.apply(all_to(Mode.LEGACY), "ann", "")
    taking = Gateway(buffer, ledger, {}).acceptor
    stores = StoreIntake(taking, buffer.intake, ledger, ledger, SystemClock(), PARTITIONS)
    yield Estate(buffer, ledger, stores)
    await ledger.close()


OTHER = (sale(price="9.00"), tender("9.00"), total("9.00"))
WEIGHED = (sale(pieces="0.35"), tender("21.00"), total("21.00"))


async def test_an_offline_day_in_any_order_and_twice_is_one_day(estate: Estate, seed: int) -> None:
    sent = [transaction(n) for n in range(1, 60) if n not in {7, 8, 30}] * 2
    sent += [transaction(n, register="3") for n in range(10, 40)]
    Random(seed).shuffle(sent)
    said = await estate.take(log(*sent))
    assert (said.count("accepted"), said.count("replayed")) == (86, 56)
    (day,) = await estate.report()
    assert [(it.register_id, it.first, it.last, it.gaps) for it in day.registers] == [
        ("2", 1, 59, (Gap(7, 8), Gap(30, 30))), ("3", 10, 39, ()),
    ]  # fmt: skip
    assert not any(it.conflicts or it.late for it in day.registers)


async def test_one_number_twice_with_other_contents_is_held_apart_and_reported(
    estate: Estate,
) -> None:
    assert await estate.take(log(transaction(1), transaction(1, *OTHER))) == ["accepted", "held"]
    assert await estate.take(log(transaction(1, *OTHER), transaction(1))) == [
        "replayed", "replayed",
    ]  # fmt: skip
    ((one,),) = [it.registers for it in await estate.report()]
    ((first, second),) = one.conflicts
    assert first.transaction_id != second.transaction_id
    held = await estate.ledger.transaction(second.transaction_id)
    assert held is not None
    assert held.object_key.startswith(f"store-day:NL-001:{DAY}#2/1#")
    assert "sequence" not in held.body["sale"]  # type: ignore[operator]


async def test_what_cannot_be_mapped_first_or_last_never_passes_twice(estate: Estate) -> None:
    assert await estate.take(log(transaction(1, *WEIGHED))) == ["held"]
    # The register sends it again, corrected: staff see both, and no two of them can be booked.
    assert await estate.take(log(transaction(1))) == ["held"]
    assert await estate.take(log(transaction(2))) == ["accepted"]
    assert await estate.take(log(transaction(2, *WEIGHED))) == ["held"]
    assert await estate.take(log(transaction(2), transaction(1, *WEIGHED))) == [
        "replayed", "replayed",
    ]  # fmt: skip


async def test_what_is_held_apart_goes_where_the_day_went_after_a_flip_too(
    estate: Estate,
) -> None:
    await estate.take(log(transaction(1)))
    publisher = Publisher(estate.buffer.book, estate.ledger, StillClock(), PARTITIONS, 1000)
    await publisher.apply(all_to(Mode.CLOUD), "ann", "")
    assert await estate.take(log(transaction(1, *OTHER), transaction(2, *WEIGHED))) == ["held"] * 2
    day = f"store-day:NL-001:{DAY}"
    keys = {row["object_key"] for row in await _rows(estate) if row["object_key"] != day}
    assert len(keys) == 2
    for key in keys:
        assert await estate.buffer.intake.owner(key) is Target.LEGACY


async def _rows(estate: Estate) -> list[dict[str, Any]]:
    days = await estate.report()
    found = []
    for day in days:
        for register in day.registers:
            for uses in register.conflicts:
                for use in uses:
                    row = await estate.ledger.transaction(use.transaction_id)
                    assert row is not None
                    found.append({"object_key": row.object_key})
    reference = "NL-001/2026-11-21/2/2"
    taken = await estate.buffer.intake.claimed(
        f"store-day:NL-001:{DAY}", f"pos|store.sale|{reference}"
    )
    assert taken is not None
    row = await estate.ledger.transaction(taken)
    assert row is not None
    return [*found, {"object_key": row.object_key}]


EOD = "<ControlTransaction><BusinessEOD/></ControlTransaction>"


async def test_nothing_of_a_file_is_late_that_closes_its_own_day(estate: Estate) -> None:
    closing = transaction(2, body=EOD)
    taking = await estate.file(log(closing, transaction(1), *(transaction(n) for n in range(3, 9))))
    assert dict(taking.counts) == {"accepted": 7, "noted": 1}
    await asyncio.sleep(0.01)
    await estate.take(log(transaction(9)))
    (day,) = await estate.report()
    assert [[it.sequence for it in register.late] for register in day.registers] == [[9]]
    again = DayClosed("NL-001", DAY, datetime(2027, 1, 1, tzinfo=UTC), "x")
    await estate.ledger.note_numbers([], [again])
    ((closed,),) = [(await estate.ledger.store_numbers("NL-001", DAY, DAY)).closed]
    assert closed.by == "pos", "the first to say so counts"


class CutError(Exception):
    """The process dies."""


@pytest.mark.parametrize(("cut", "done"), [(0, 0), (BATCH + 5, BATCH)])
async def test_a_file_cut_off_between_any_two_receipts_is_finished_by_the_same_file(
    cut: int, done: int, estate: Estate
) -> None:
    content = log(*(transaction(n) for n in range(1, BATCH + 40)))
    file = TakenFile("a" * 64, "pos", "f.xml", BATCH + 39, (), datetime.now(UTC), None)

    def dying() -> Iterator[Item]:
        for at, item in enumerate(items(content)):
            if at == cut:
                raise CutError
            yield item

    with pytest.raises(CutError):
        await estate.file_of(dying(), file)
    (kept,) = await estate.ledger.taken_files(5)
    assert kept.taken_at is None
    taking = await estate.file_of(items(content), file)
    assert taking.counts == Counter(accepted=BATCH + 39 - done, replayed=done)
    (kept,) = await estate.ledger.taken_files(5)
    assert kept.taken_at is not None
    (day,) = await estate.report()
    assert (day.is_clean, day.registers[0].counts) == (True, {"sale": BATCH + 39})


async def test_one_file_brought_twice_at_once_is_one_file(estate: Estate) -> None:
    content = log(*(transaction(n) for n in range(1, 200)), transaction(200, *WEIGHED))
    one, other = await asyncio.gather(estate.file(content), estate.file(content))
    counts = one.counts + other.counts
    assert counts == {"accepted": 199, "held": 1, "replayed": 200}
    assert len(await estate.ledger.taken_files(5)) == 1
    (day,) = await estate.report()
    assert day.registers[0].counts == {"sale": 200}
    assert not day.registers[0].conflicts


async def test_a_buffer_that_goes_away_says_how_far_it_got(estate: Estate) -> None:
    content = log(*(transaction(n) for n in range(1, 5)))

    async def away(_entry: object) -> object:
        raise StoreUnavailable("does not answer", 9)

    estate.buffer.intake.accept = away  # type: ignore[method-assign,assignment]
    with pytest.raises(StoreUnavailable, match="0 of 4 transactions are taken: import the same"):
        await estate.file(content)


async def test_who_may_not_bring_receipts_brings_none(estate: Estate) -> None:
    viewer = Staff("vic", frozenset({Role.VIEWER}), "cli")
    file = TakenFile("a" * 64, "pos", "f.xml", 1, (), datetime.now(UTC), None)
    with pytest.raises(Forbidden):
        await take_file(
            file, items(log(transaction(1))), staff=viewer, stores=estate.stores,
            book=estate.ledger, auditor=Auditor(estate.ledger),
        )  # fmt: skip
    assert await estate.ledger.taken_files(5) == []
    assert await estate.report() == []
