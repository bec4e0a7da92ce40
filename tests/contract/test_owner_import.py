"""Importing owners: every line has one fate, whoever is killed, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from gateway.canonical.exchange.owning import Import
from gateway.canonical.process import Target
from gateway.canonical.staff import Role, Staff
from gateway.clock import SystemClock
from gateway.errors import BadRequest, Forbidden, PublishError
from gateway.flow import owner_file
from gateway.flow.audit import Auditor
from gateway.flow.owner_file import OwnerFile
from gateway.flow.owner_import import OwnerImports
from gateway.ports import Owners
from gateway.store.ledger import SqlLedger, open_ledger
from tests.contract.stream import Stream

pytestmark = pytest.mark.anyio

ADA = Staff("ada", frozenset({Role.LEAD}), "cli")


def unheard(_: Import) -> None:
    """Nobody looks at the progress."""


async def imported(
    ledger: SqlLedger, path: Path, progress: Callable[[Import], None] = unheard
) -> Import:
    return await OwnerImports(ledger, Auditor(ledger), SystemClock()).run(
        OwnerFile(path), ADA, "", progress
    )


async def faults_of(ledger: SqlLedger, done: Import) -> dict[int, tuple[str, str]]:
    found = await ledger.import_faults(done.file, 0, 100_000)
    return {it.line: (it.kind, it.detail) for it in found}


async def test_a_ledger_keeps_owners(ledger: SqlLedger) -> None:
    conforms: Owners = ledger
    assert conforms is ledger


async def test_each_line_is_imported_known_or_reported_with_its_number(
    ledger: SqlLedger, tmp_path: Path
) -> None:
    stream = Stream()
    stream.accept("order:webshop:S-1", owner="cloud", route="cloud")
    stream.accept("order:webshop:S-2")
    await ledger.project(stream.partition, stream.events)
    path = tmp_path / "owners.csv"
    path.write_text(
        "\ufeffchannel;order_ref;amount;owner\r\n"
        "webshop;A-1;1;legacy\r\n"
        "webshop;A-2;1;cloud\r\n"
        "webshop;A-1;2;legacy\r\n"
        "webshop;A-2;1;legacy\r\n"
        "\r\n"
        "webshop;S-1;1;legacy\r\n"
        "webshop;S-2;1;legacy\r\n"
        "webshop;A-3;1;mainframe\r\n"
        "webshop\r\n"
        'webshop;"A-4;1;cloud\r\n'
        'webshop;"A-5";1;cloud'
    )

    done = await imported(ledger, path)

    assert (done.imported, done.known, done.faults) == (3, 1, 6)
    assert await faults_of(ledger, done) == {
        4: ("duplicate", "line 2 of this file says legacy"),
        5: ("conflict", "line 3 of this file says cloud"),
        7: ("conflict", "the ledger (rules) says cloud"),
        9: ("unreadable", "owner 'mainframe' is not legacy or cloud"),
        10: ("unreadable", "has 1 columns, fewer than the first line"),
        11: ("unreadable", "is no row of CSV: unexpected end of data"),
    }
    assert await ledger.owner("order:webshop:A-5") is Target.CLOUD
    assert await ledger.owner("order:webshop:S-1") is Target.CLOUD


async def test_the_same_file_again_changes_nothing_and_other_files_know_the_first(
    ledger: SqlLedger, tmp_path: Path
) -> None:
    path, other = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("object_key,owner\norder:w:1,legacy\n")
    other.write_text("object_key,owner\norder:w:1,legacy\norder:w:2,cloud\norder:w:1,cloud\n")

    first = await imported(ledger, path)
    again = await imported(ledger, path)
    later = await imported(ledger, other)

    assert first == again
    assert (later.imported, later.known, later.faults) == (1, 1, 1)
    assert len(await ledger.imports()) == 2


async def test_random_files_have_the_fate_a_dictionary_gives_them(
    ledger: SqlLedger, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(seed)
    monkeypatch.setattr(owner_file, "CHUNK_BYTES", 200)
    known: dict[str, str] = {}
    for number in range(3):
        lines, fates = ["store,business_date,owner"], {}
        counts = {"imported": 0, "known": 0}
        here: set[str] = set()
        for at in range(2, 80):
            store, owner = f"NL-{chance.randrange(40)}", chance.choice(("legacy", "cloud"))
            lines.append(f"{store},2026-11-21,{owner}")
            key = f"store-day:{store}:2026-11-21"
            if key not in known:
                known[key] = owner
                here.add(key)
                counts["imported"] += 1
            elif known[key] != owner:
                fates[at] = "conflict"
            elif key in here:
                fates[at] = "duplicate"
            else:
                counts["known"] += 1
        path = tmp_path / f"{number}.csv"
        path.write_text("\n".join(lines))

        done = await imported(ledger, path)

        kinds = {line: kind for line, (kind, _) in (await faults_of(ledger, done)).items()}
        assert kinds == fates
        assert {"imported": done.imported, "known": done.known} == counts
    assert {it.object_key: it.owner for it in await ledger.owners_after("", 1000)} == known


async def test_two_at_once_take_each_line_once(
    ledger: SqlLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner_file, "CHUNK_BYTES", 300)
    path = tmp_path / "owners.csv"
    lines = [f"order:w:{at},legacy" for at in range(300)]
    path.write_text("object_key,owner\n" + "\n".join(lines))

    ended = await asyncio.gather(
        *(imported(ledger, path) for _ in range(3)), return_exceptions=True
    )

    assert all(isinstance(it, Import | PublishError) for it in ended)
    done = await imported(ledger, path)
    assert (done.imported, done.known, done.faults) == (300, 0, 0)
    assert len(await ledger.owners_after("", 1000)) == 300


async def test_only_a_lead_imports(ledger: SqlLedger, tmp_path: Path) -> None:
    path = tmp_path / "owners.csv"
    path.write_text("object_key,owner\norder:w:1,legacy\n")
    bob = Staff("bob", frozenset({Role.VIEWER}), "cli")

    with pytest.raises(Forbidden):
        await OwnerImports(ledger, Auditor(ledger), SystemClock()).run(
            OwnerFile(path), bob, "", unheard
        )
    assert await ledger.imports() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has nothing"),
        ("object_key\n", "it has object_key"),
        ("owner,store\n", "owner, store"),
        ("x" * 10_000, "no CSV"),
    ],
)
def test_a_file_without_a_header_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "owners.csv"
    path.write_text(text)

    with pytest.raises(BadRequest, match=said):
        OwnerFile(path)


IMPORTER = """
import asyncio, sys
from pathlib import Path
from gateway.flow import owner_file
from tests.contract.test_owner_import import imported
from gateway.store.ledger import open_ledger
owner_file.CHUNK_BYTES = 2000
async def main():
    ledger = await open_ledger(sys.argv[1])
    print("ready", flush=True)
    await imported(ledger, Path(sys.argv[2]))
asyncio.run(main())
"""


def killed(url: str, path: Path, after_s: float) -> bool:
    """Start an import and kill it; say whether it was still at it."""
    command = [sys.executable, "-c", IMPORTER, url, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(after_s)
        alive = running.poll() is None
        running.send_signal(signal.SIGKILL)
    return alive


async def test_killed_at_any_point_it_goes_on_and_takes_each_line_once(
    new_ledger: Callable[[], str], tmp_path: Path, seed: int
) -> None:
    chance = Random(seed)
    path, url = tmp_path / "owners.csv", new_ledger()
    count = 8_000
    lines = [f"order:w:{at},{('legacy', 'cloud')[at % 2]}" for at in range(count)]
    path.write_text("object_key,owner\n" + "\n".join([*lines, lines[7]]))
    ledger = await open_ledger(url)
    kills = [await asyncio.to_thread(killed, url, path, chance.random() * 0.3) for _ in range(3)]

    done = await imported(ledger, path)

    assert any(kills)
    assert (done.imported, done.known, done.faults, done.line) == (count, 0, 1, count + 2)
    assert await ledger.owner(f"order:w:{count - 1}") is Target.CLOUD
    await ledger.close()
