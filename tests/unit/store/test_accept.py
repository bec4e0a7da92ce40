"""Accept and reserve: claim, marker, owner, order, and nothing half-done."""

from __future__ import annotations

import asyncio

import pytest

from gateway.canonical.envelope import Marker, partition_of
from gateway.canonical.exchange import Accepted, Clash, Ownerless, Replay, Stale
from gateway.canonical.process import Target
from gateway.errors import Overloaded, StoreUnavailable
from gateway.store.redis import keys
from gateway.store.redis.client import Client
from gateway.store.redis.intake import RedisIntake
from tests.valkey import NOW_MS, PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio


async def test_a_new_order_is_taken_owned_and_ready(buffer: Buffer) -> None:
    one = entry("A-1", target=Target.CLOUD)
    assert await buffer.intake.accept(one) == Accepted(one.transaction_id, NOW_MS)
    assert await buffer.intake.owner(one.object_key) is Target.CLOUD
    assert (await buffer.lanes.backlog())["cloud"] == 1
    progress = await buffer.intake.progress(one.transaction_id)
    assert progress is not None
    assert (progress.state, progress.owner) == ("waiting", Target.CLOUD)
    assert await buffer.kinds(one.object_key) == [("accepted", one.transaction_id)]


async def test_a_repeat_is_answered_with_the_first_transaction(buffer: Buffer) -> None:
    first, second = entry("A-1"), entry("A-1")
    await buffer.intake.accept(first)
    buffer.later(5000)
    assert await buffer.intake.accept(second) == Replay(first.transaction_id, NOW_MS)
    assert (await buffer.lanes.backlog())["legacy"] == 1
    assert await buffer.intake.claimed(first.object_key, first.claim) == first.transaction_id


async def test_the_same_reference_with_another_body_is_a_clash(buffer: Buffer) -> None:
    first = entry("A-1")
    await buffer.intake.accept(first)
    assert await buffer.intake.accept(entry("A-1", digest=b"x" * 16)) == Clash(first.transaction_id)


async def test_of_many_concurrent_repeats_one_is_taken(buffer: Buffer) -> None:
    copies = [entry("A-1") for _ in range(50)]
    answers = await asyncio.gather(*(buffer.intake.accept(copy) for copy in copies))
    taken = [a for a in answers if isinstance(a, Accepted)]
    assert len(taken) == 1
    assert {a.transaction_id for a in answers if isinstance(a, Replay)} == {taken[0].transaction_id}


async def test_repeats_through_two_gateway_processes_are_taken_once(
    buffer: Buffer, valkey_url: str
) -> None:
    other_client = Client(valkey_url)
    other = RedisIntake(other_client, PARTITIONS, buffer.intake._clock)
    copies = [entry("A-1") for _ in range(20)]
    answers = await asyncio.gather(
        *((buffer.intake if n % 2 else other).accept(copy) for n, copy in enumerate(copies))
    )
    await other_client.close()
    assert sum(isinstance(a, Accepted) for a in answers) == 1


async def test_another_epoch_is_refused_with_the_marker_and_leaves_nothing(buffer: Buffer) -> None:
    await buffer.under(Marker(2, "v2"))
    before = await buffer.client.command("DBSIZE")
    one = entry("A-1", epoch=1)
    assert await buffer.intake.accept(one) == Stale(Marker(2, "v2"))
    assert await buffer.client.command("DBSIZE") == before


async def test_a_follow_up_on_an_unknown_object_is_ownerless_and_leaves_nothing(
    buffer: Buffer,
) -> None:
    before = await buffer.client.command("DBSIZE")
    assert await buffer.intake.accept(entry("Z", process="order.cancellation")) == Ownerless()
    held = entry("Z", process="order.cancellation", target=Target.HOLD)
    assert await buffer.intake.accept(held) == Ownerless()
    assert await buffer.client.command("DBSIZE") == before


async def test_an_owner_found_elsewhere_is_pinned(buffer: Buffer) -> None:
    follow = entry("Z", process="order.cancellation", owner_found=Target.CLOUD)
    assert isinstance(await buffer.intake.accept(follow), Accepted)
    assert await buffer.intake.owner(follow.object_key) is Target.CLOUD


async def test_an_owner_is_never_changed_by_a_later_route(buffer: Buffer) -> None:
    await buffer.intake.accept(entry("D", process="store.sale", reference="1"))
    later = entry("D", process="store.sale", reference="2", target=Target.CLOUD)
    await buffer.intake.accept(later)
    assert await buffer.intake.owner(later.object_key) is Target.LEGACY
    assert (await buffer.lanes.backlog())["cloud"] == 0


async def test_an_idempotency_key_is_bound_to_one_transaction_and_body(buffer: Buffer) -> None:
    one, two = entry("A-1").transaction_id, entry("A-2").transaction_id
    digest, other = b"d" * 16, b"e" * 16
    assert await buffer.intake.reserve("shop|key|k", one, digest) == Accepted(one, NOW_MS)
    assert await buffer.intake.reserve("shop|key|k", two, digest) == Replay(one, NOW_MS)
    assert await buffer.intake.reserve("shop|key|k", two, other) == Clash(one)


async def test_a_repeat_after_a_crash_between_reserve_and_accept_is_taken(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.reserve("shop|key|k", one.transaction_id, one.digest)
    bound = await buffer.intake.reserve("shop|key|k", entry("A-1").transaction_id, one.digest)
    again = entry("A-1", transaction_id=bound.transaction_id)
    assert isinstance(await buffer.intake.accept(again), Accepted)


async def test_claims_live_at_least_thirty_days(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    bucket, _ = keys.field(one.claim)
    part = keys.partition_keys(PARTITIONS)[partition_of(one.object_key, PARTITIONS)]
    generation = buffer.intake._generation()
    left_ms = await buffer.client.command("PTTL", part.claims(generation, bucket))
    assert left_ms >= 30 * 24 * 3600 * 1000


async def test_gateways_whose_clocks_disagree_at_a_generation_s_end_see_each_other(
    buffer: Buffer,
) -> None:
    class Ahead(RedisIntake):
        def _generation(self) -> int:
            return super()._generation() + 1

    ahead = Ahead(buffer.client, PARTITIONS, buffer.intake._clock)
    first, repeat = entry("A-1"), entry("A-1")
    await ahead.accept(first)
    assert isinstance(await buffer.intake.accept(repeat), Replay)
    second, repeat = entry("A-2"), entry("A-2")
    await buffer.intake.accept(second)
    assert isinstance(await ahead.accept(repeat), Replay)


WRONG_TYPE = ["rules", "c:{generation}:{claim}", "o:{owner}", "b:{object}", "f:{object}",
              "e", "parked", "n", "q:legacy", "l:legacy:1:webshop",
              "l:cloud:1:webshop"]  # fmt: skip


@pytest.mark.parametrize("name", WRONG_TYPE)
async def test_a_key_of_a_wrong_type_fails_before_anything_is_written(
    buffer: Buffer, name: str
) -> None:
    routes = {"parked": Target.HOLD, "l:cloud:1:webshop": Target.CLOUD}
    one = entry("A-1", target=routes.get(name, Target.LEGACY))
    part = keys.partition_keys(PARTITIONS)[partition_of(one.object_key, PARTITIONS)]
    spoilt = part.prefix + name.format(
        generation=buffer.intake._generation(),
        claim=keys.field(one.claim)[0],
        owner=keys.field(one.object_key)[0],
        object=one.object_key,
    )
    await buffer.client.command("DEL", spoilt)
    await buffer.client.command("SET", spoilt, "spoilt")
    before = await _dump(buffer)
    with pytest.raises(Exception, match="WRONGTYPE"):
        await buffer.intake.accept(one)
    assert await _dump(buffer) == before


async def test_a_restarted_server_that_forgot_the_scripts_is_taught_again(buffer: Buffer) -> None:
    await buffer.intake.accept(entry("A-1"))
    await buffer.client.command("SCRIPT", "FLUSH")
    assert isinstance(await buffer.intake.accept(entry("A-2")), Accepted)


async def test_a_full_server_refuses_to_accept_but_still_settles(buffer: Buffer) -> None:
    one = entry("A-1")
    await buffer.intake.accept(one)
    await buffer.client.command("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(Overloaded):
            await buffer.intake.accept(entry("A-2"))
        lease = await buffer.lease_of(one.object_key)
        (taken,) = await buffer.lanes.take(lease, Target.LEGACY, 5)
        assert await buffer.lanes.attempt(taken)
        await buffer.lanes.book(one.transaction_id, "D-1", "")
    finally:
        await buffer.client.command("CONFIG", "SET", "maxmemory", "0")
    assert (await buffer.lanes.backlog())["legacy"] == 0


async def test_processes_start_and_report_at_a_full_server(buffer: Buffer) -> None:
    await buffer.book.install()
    await buffer.client.command("CONFIG", "SET", "maxmemory", "1")
    try:
        await buffer.book.install()
        await buffer.book.report("g1", 3, 1000)
        await buffer.book.look("g2", 2, 1000)
        assert await buffer.book.gateways() == {"g1": 3, "g2": 2}
        assert await buffer.lanes.workers("w1", 1000) == 1
        assert await buffer.lanes.workers("w1", 0) == 0
    finally:
        await buffer.client.command("CONFIG", "SET", "maxmemory", "0")


async def test_a_server_that_is_not_there_is_a_clear_error() -> None:
    client = Client("redis://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await client.ping()
    await client.close()


async def _dump(buffer: Buffer) -> dict[bytes, bytes | None]:
    names = await buffer.client.command("KEYS", "*")
    return {name: await buffer.client.command("DUMP", name) for name in names}
