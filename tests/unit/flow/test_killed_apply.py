"""``kill -9`` of an apply, in a process of its own, at every step, while orders are accepted."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Accepted, Stale
from gateway.flow.moving import Mover
from gateway.flow.publish import Publisher
from tests.unit.flow.governed import LEASE_MS, Governed
from tests.unit.flow.test_backlog import Stage, order
from tests.valkey import PARTITIONS

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]

#: An admin's process. Says each step of its flip, and goes on when it is told to.
ADMIN = """
import asyncio, sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.flow.moving import Mover
from gateway.flow.publish import Publisher, Terms
from gateway.flow.versions import RuleVersions
from gateway.routing.loader import load
from gateway.store.ledger import SqlLedger
from gateway.store.redis.client import Client
from gateway.store.redis.moving import RedisMoves
from gateway.store.redis.rulebook import RedisRuleBook

def step(it):
    print(it.doing, it.done, flush=True)
    sys.stdin.readline()

async def main(url, ledger_url, rules, partitions, lease_ms):
    client, ledger, clock = Client(url), SqlLedger(ledger_url), SystemClock()
    book = RedisRuleBook(client, partitions)
    mover = Mover(
        RedisMoves(client, partitions), RuleVersions(book, ledger, clock, lease_ms), partitions
    )
    publisher = Publisher(book, ledger, clock, partitions, lease_ms, mover)
    await publisher.apply(load(Path(rules)), "ann", "", step, terms=Terms(backlog="move"))
    print("done", flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
"""


class Till:
    """Accepts orders one after another, by the rules each partition says it is under."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.sets = {it.version: it for it in (stage.legacy, stage.cloud)}
        self.taken: list[tuple[str, int]] = []
        self.stop = False

    async def run(self) -> None:
        while not self.stop:
            await self.sell(f"T-{len(self.taken)}")
            await asyncio.sleep(0.01)

    async def sell(self, ref: str) -> None:
        marker = Marker(1, self.stage.legacy.version)
        for _ in range(5):
            one = order(ref, self.sets[marker.version], marker.epoch)
            answer = await self.stage.intake.accept(one)
            if isinstance(answer, Accepted):
                self.taken.append((one.object_key, marker.epoch))
                return
            assert isinstance(answer, Stale)
            marker = answer.marker
        raise AssertionError(f"{ref} was not taken")


#: After the first, middle and last partition, and within the backlog; `test_backlog` and
#: `test_publish` die after every single step, without a process of its own.
@pytest.mark.parametrize("steps", [1, 2, PARTITIONS, PARTITIONS + 3, PARTITIONS * 2 + 1])
async def test_whatever_the_kill_left_is_finished_or_taken_back_under_traffic(
    governed: Governed, tmp_path: Path, valkey_url: str, steps: int
) -> None:
    stage = Stage(governed, tmp_path / "rules")  # the wave's files are the ones written last
    await stage.first()
    till = Till(stage)
    selling = asyncio.create_task(till.run())
    ledger_url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    admin = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ADMIN, valkey_url, ledger_url, str(tmp_path / "rules"),
        str(PARTITIONS), str(LEASE_MS),
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert admin.stdin is not None
    assert admin.stdout is not None
    for step in range(steps):
        assert (await admin.stdout.readline()) not in (b"", b"done\n")
        if step < steps - 1:
            admin.stdin.write(b"\n")
            await admin.stdin.drain()
    admin.kill()
    await admin.wait()

    publisher = Publisher(
        governed.book, governed.ledger, governed.clock, PARTITIONS, LEASE_MS,
        Mover(governed.buffer.moves, governed.versions, PARTITIONS),
    )  # fmt: skip
    if steps % 2:
        marker = await publisher.resume("bob")
        assert marker == Marker(2, stage.cloud.version)
    else:
        marker = await publisher.rollback("bob", "", backlog="move")
        assert marker == Marker(3, stage.legacy.version)
    till.stop = True
    await selling
    returned = len(till.taken)
    for n in range(20):
        await till.sell(f"L-{n}")
    assert set(await governed.book.partitions()) == {marker}
    assert {epoch for _, epoch in till.taken[returned:]} == {marker.epoch}
    wanted = "cloud" if steps % 2 else "legacy"
    owners = {await stage.intake.owner(key) for key, _ in till.taken}
    assert {str(it) for it in owners} == {wanted}
