"""``kill -9`` of an apply, in a process of its own, at every step, while gateways accept."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from pathlib import Path

import pytest

from gateway.canonical.envelope import Marker, order_key
from gateway.canonical.exchange import Limits, Window
from gateway.canonical.process import ERPS, Target
from gateway.clock import SystemClock
from gateway.flow.accept import Acceptor
from gateway.flow.calls import Caller
from gateway.flow.owners import OwnerFinder
from gateway.flow.versions import RuleVersions
from gateway.policy.windows import Windows
from gateway.store.ledger import SqlLedger
from gateway.store.redis.client import Client
from gateway.store.redis.intake import RedisIntake
from gateway.store.redis.rulebook import RedisRuleBook
from tests.unit.flow.doubles import OpenQuotas
from tests.unit.flow.governed import LEASE_MS, Governed
from tests.unit.flow.test_accept import submission
from tests.unit.flow.test_backlog import Stage
from tests.valkey import PARTITIONS

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
GATEWAYS = 3

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


class Town:
    """Gateways that accept all the while, each by the rules it knows of itself."""

    def __init__(self, url: str, ledger: SqlLedger) -> None:
        self.clients = [Client(url) for _ in range(GATEWAYS)]
        self.acceptors = [self._acceptor(it, ledger) for it in self.clients]
        self.taken: dict[str, str] = {}  # transaction → object
        self.stop = False

    def _acceptor(self, client: Client, ledger: SqlLedger) -> Acceptor:
        versions = RuleVersions(RedisRuleBook(client, PARTITIONS), ledger, SystemClock(), LEASE_MS)
        quotas = OpenQuotas(client, dict.fromkeys(ERPS, Limits(5, (Window(9, 1000),), 3000)))
        finder = OwnerFinder(ledger, {}, Caller(quotas, SystemClock(), Windows()))
        intake = RedisIntake(client, PARTITIONS, SystemClock())
        return Acceptor(intake, versions, finder, SystemClock(), PARTITIONS)

    async def sell(self, gateway: int, ref: str) -> None:
        receipt = await self.acceptors[gateway].accept(submission(ref))
        self.taken[receipt.transaction_id] = order_key("webshop", ref)

    async def run(self, gateway: int) -> None:
        """Sell until stopped; a gateway that were stuck would not end."""
        for n in itertools.count():
            await self.sell(gateway, f"T-{gateway}-{n}")
            if self.stop:
                return
            await asyncio.sleep(0.02)


async def killed_after(steps: int, url: str, folder: Path) -> None:
    """Let an admin's process flip, and kill it when it has said so many steps."""
    admin = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ADMIN, url, f"sqlite:///{folder / 'ledger.sqlite3'}",
        str(folder / "rules"), str(PARTITIONS), str(LEASE_MS),
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
    assert await admin.wait() == -signal.SIGKILL


#: After each partition, and within the backlog, which comes after the gateways: finished if odd,
#: else taken back. `test_publish` and `test_backlog` do both after every step, without a process.
KILLS = [(steps, ("rollback", "resume")[steps % 2]) for steps in (1, 2, 3, 4, 7)]
assert PARTITIONS == 4


@pytest.mark.parametrize(("steps", "way"), KILLS)
async def test_whatever_the_kill_left_is_finished_or_taken_back_under_traffic(
    governed: Governed, tmp_path: Path, valkey_url: str, steps: int, way: str
) -> None:
    governed.buffer.client.now_ms = ""
    stage = Stage(governed, tmp_path / "rules")  # the wave's files are the ones written last
    await stage.first()
    town = Town(valkey_url, governed.ledger)
    selling = [asyncio.create_task(town.run(n)) for n in range(GATEWAYS)]
    await killed_after(steps, valkey_url, tmp_path)
    markers = await governed.book.partitions()
    raised = min(steps, PARTITIONS)
    assert [it.epoch for it in markers] == [2] * raised + [1] * (PARTITIONS - raised)

    if way == "resume":
        marker = await stage.publisher.resume("bob")
        assert marker == Marker(2, stage.cloud.version)
    else:
        marker = await stage.publisher.rollback("bob", "", backlog="move")
        assert marker == Marker(3, stage.legacy.version)
    returned = set(town.taken)
    for n in range(20):
        await town.sell(n % GATEWAYS, f"L-{n}")
    town.stop = True
    async with asyncio.timeout(20):
        await asyncio.gather(*selling)
    for client in town.clients:
        await client.close()
    assert set(await governed.book.partitions()) == {marker}
    await everything_went_right(stage, town, marker, returned)


async def everything_went_right(
    stage: Stage, town: Town, marker: Marker, returned: set[str]
) -> None:
    """Each order is where the rules in force now send it, and was taken once."""
    epochs: dict[str, int] = {}
    for partition in range(PARTITIONS):
        for event in await stage.it.buffer.feed.events(partition, "0-0", 100_000):
            if event.kind == "accepted":
                assert event.transaction_id not in epochs
                epochs[event.transaction_id] = int(event.fields["epoch"])
    assert sorted(epochs) == sorted(town.taken)
    assert len(town.taken) > GATEWAYS * 5
    assert {epochs[it] for it in town.taken if it not in returned} == {marker.epoch}
    wanted = stage.cloud if marker.version == stage.cloud.version else stage.legacy
    owner = Target.CLOUD if wanted is stage.cloud else Target.LEGACY
    assert {await stage.intake.owner(it) for it in town.taken.values()} == {owner}
