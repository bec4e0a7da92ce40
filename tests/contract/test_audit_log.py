"""The audit log on SQLite and PostgreSQL: many writers, and somebody who tampers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gateway.canonical.audit import Deed, Head
from gateway.canonical.staff import Action, Role, Staff
from gateway.errors import Forbidden, LedgerUnavailable
from gateway.flow.audit import Auditor
from gateway.ports import AuditLog
from gateway.store.ledger import SqlLedger, open_ledger

NewLedger = Callable[[], str]
ROOT = Path(__file__).parents[2]
LEAD = Staff("lee", frozenset({Role.LEAD}), "api")

pytestmark = pytest.mark.anyio

WRITER = """
import asyncio, sys
from gateway.canonical.audit import Deed
from gateway.store.ledger import SqlLedger

async def main(url, name):
    ledger = SqlLedger(url)
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(30):
        await ledger.append(Deed(name, "cli", "exceptions.retry", f"{n}", "", {}))
    await ledger.close()

asyncio.run(main(*sys.argv[1:]))
"""


def write_from_four_processes(url: str) -> None:
    """Let four processes write thirty rows each, all beginning at one word."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, f"writer-{n}"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n", writer.communicate()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _, errors = writer.communicate(timeout=90)
        assert writer.returncode == 0, errors


async def filled(ledger: SqlLedger, rows: int = 6) -> Auditor:
    auditor = Auditor(ledger)
    for n in range(rows):
        await auditor.record(LEAD, Action.RULES_APPLY, f"v-{n}", "wave 2", epoch=n)
    return auditor


async def tamper(ledger: SqlLedger, *statements: str) -> None:
    """Change the table as its owner could: without the triggers that refuse it."""

    def work(db: Connection) -> None:
        if db.dialect.name == "postgresql":
            db.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        else:
            for event in ("update", "delete"):
                db.execute(text(f"DROP TRIGGER audit_no_{event}"))
        for statement in statements:
            db.execute(text(statement))

    await ledger._write(work)


async def test_it_is_an_audit_log(ledger: SqlLedger) -> None:
    conforms: AuditLog = ledger
    assert await conforms.audited(0, 10) == []
    verdict = await Auditor(ledger).verify()
    assert (verdict.whole, verdict.rows, verdict.head) == (True, 0, Head())


async def test_rows_come_back_as_they_were_written_and_follow_each_other(
    ledger: SqlLedger,
) -> None:
    auditor = await filled(ledger)
    rows = [row async for row in auditor.rows()]
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6]
    assert (rows[3].by, rows[3].via, rows[3].action) == ("lee", "api", "rules.apply")
    assert (rows[3].subject, rows[3].reason, rows[3].details) == ("v-3", "wave 2", {"epoch": 3})
    assert [row.number for row in await ledger.newest(2)] == [6, 5]
    verdict = await auditor.verify(Head(6, rows[5].hash))
    assert (verdict.whole, verdict.rows) == (True, 6)


async def test_what_nobody_may_do_is_refused_and_not_written(ledger: SqlLedger) -> None:
    viewer = Staff("vera", frozenset({Role.VIEWER}), "api")
    with pytest.raises(Forbidden, match=r"vera may not do rules\.apply"):
        await Auditor(ledger).record(viewer, Action.RULES_APPLY, "v-1")
    assert await ledger.newest(1) == []


async def test_writers_of_one_process_take_turns(ledger: SqlLedger) -> None:
    deed = Deed("ada", "cli", "exceptions.retry", "", "", {})
    await asyncio.gather(*(ledger.append(deed) for _ in range(40)))
    verdict = await Auditor(ledger).verify()
    assert (verdict.whole, verdict.rows) == (True, 40), verdict.broken


async def test_writers_of_several_processes_take_turns(new_ledger: NewLedger) -> None:
    url = new_ledger()
    ledger = await open_ledger(url)
    await asyncio.to_thread(write_from_four_processes, url)
    verdict = await Auditor(ledger).verify()
    assert (verdict.whole, verdict.rows) == (True, 120), verdict.broken
    rows = [row.by async for row in Auditor(ledger).rows()]
    assert {name: rows.count(name) for name in set(rows)} == {f"writer-{n}": 30 for n in range(4)}
    await ledger.close()


@pytest.mark.parametrize("statement", ["UPDATE audit SET reason = 'x'", "DELETE FROM audit"])
async def test_the_database_refuses_to_change_the_log(ledger: SqlLedger, statement: str) -> None:
    await filled(ledger, 1)
    with pytest.raises(LedgerUnavailable, match="append-only"):
        await ledger._write(lambda db: db.execute(text(statement)))


TAMPERED = {
    "edited": (["UPDATE audit SET reason = 'other' WHERE number = 3"], "row 3 was changed"),
    "edited detail": (
        ["UPDATE audit SET details = '{\"epoch\": 9}' WHERE number = 4"], "row 4 was changed",
    ),
    "unreadable": (["UPDATE audit SET details = '{' WHERE number = 2"], "row 2 was changed"),
    "deleted": (["DELETE FROM audit WHERE number = 3"], "row 3 is missing: 4 follows 2"),
    "first deleted": (["DELETE FROM audit WHERE number = 1"], "row 1 is missing"),
    "swapped": (
        ["UPDATE audit SET number = 99 WHERE number = 3",
         "UPDATE audit SET number = 3 WHERE number = 4",
         "UPDATE audit SET number = 4 WHERE number = 99"],
        "row 3 does not follow",
    ),
    "closed up": (
        ["DELETE FROM audit WHERE number = 3",
         "UPDATE audit SET number = 3 WHERE number = 4",
         "UPDATE audit SET number = 4 WHERE number = 5",
         "UPDATE audit SET number = 5 WHERE number = 6"],
        "row 3 does not follow",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERED)
async def test_the_first_broken_row_is_named(ledger: SqlLedger, how: str) -> None:
    auditor = await filled(ledger)
    statements, said = TAMPERED[how]
    await tamper(ledger, *statements)
    verdict = await auditor.verify()
    assert not verdict.whole
    assert said in verdict.broken


async def test_cut_off_rows_are_shown_by_a_kept_head_alone(ledger: SqlLedger) -> None:
    auditor = await filled(ledger)
    kept = (await auditor.verify()).head
    await tamper(ledger, "DELETE FROM audit WHERE number > 4")
    assert (await auditor.verify()).whole, "a chain cannot know what came behind its end"
    assert "the newest rows were cut off" in (await auditor.verify(kept)).broken
