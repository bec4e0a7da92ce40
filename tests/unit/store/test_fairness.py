"""Who is next: shares of channels, ageing, lent classes, pauses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.canonical.envelope import Marker, order_key, partition_of
from gateway.canonical.exchange import Entry, Lease
from gateway.canonical.process import Priority, Target
from gateway.policy.fairness import RISEN_SHARE, Fairness
from tests.valkey import PARTITIONS, Buffer, entry

pytestmark = pytest.mark.anyio

LEGACY = Target.LEGACY
REFS = [f"F-{n}" for n in range(2000)]
MINE = [it for it in REFS if partition_of(order_key("webshop", it), PARTITIONS) == 0]


async def flood(buffer: Buffer, channels: Sequence[str], priority: int = 2, start: int = 0) -> None:
    """One object after the other, of partition 0, each of the channel in turn."""
    for n, channel in enumerate(channels):
        await buffer.intake.accept(entry(MINE[start + n], channel=channel, priority=priority))


async def leased(buffer: Buffer, fairness: Fairness) -> Lease:
    buffer.lanes.favour(fairness)
    lease = await buffer.lanes.lease(0, "w1", 10**9)
    assert lease is not None
    return lease


async def lane_of(buffer: Buffer, one: Entry) -> str:
    prefix = buffer.lanes._partitions[0].prefix
    return str((await buffer.client.command("HGET", f"{prefix}b:{one.object_key}", "ln")).decode())


async def channels_taken(buffer: Buffer, lease: Lease, count: int, at_once: int = 1) -> list[str]:
    taken: list[str] = []
    prefix = buffer.lanes._partitions[0].prefix
    while len(taken) < count:
        some = await buffer.lanes.take(lease, LEGACY, min(at_once, count - len(taken)))
        if not some:
            break
        for it in some:
            found = await buffer.client.command("HGET", f"{prefix}m:{it.transaction_id}", "ch")
            taken.append(found.decode())
    return taken


@pytest.mark.parametrize("at_once", [1, 7])
async def test_a_flood_of_one_channel_delays_another_by_its_share_only(
    buffer: Buffer, at_once: int
) -> None:
    await flood(buffer, ["webshop"] * 60 + ["pos"] * 10)
    lease = await leased(buffer, Fairness())
    order = await channels_taken(buffer, lease, 22, at_once)
    assert order.count("pos") == 10


async def test_weights_say_how_large_the_shares_are(buffer: Buffer) -> None:
    await flood(buffer, ["webshop", "pos", "market"] * 40)
    lease = await leased(buffer, Fairness(weights={"webshop": 3, "market": 0.5}))
    shares = Counter(await channels_taken(buffer, lease, 45))
    assert abs(shares["webshop"] - 30) <= 1
    assert abs(shares["pos"] - 10) <= 1
    assert abs(shares["market"] - 5) <= 1


async def test_a_silent_channel_neither_saves_up_its_share_nor_loses_it(buffer: Buffer) -> None:
    await flood(buffer, ["webshop"] * 100)
    lease = await leased(buffer, Fairness())
    await channels_taken(buffer, lease, 50)
    await flood(buffer, ["pos"] * 30, start=100)
    order = await channels_taken(buffer, lease, 20)
    assert abs(order.count("pos") - 10) <= 1


@given(
    weights=st.fixed_dictionaries({"a": st.sampled_from([0.5, 1, 2, 5]), "b": st.just(1)}),
    sizes=st.tuples(st.integers(20, 40), st.integers(20, 40)),
    at_once=st.integers(1, 9),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_while_both_have_work_no_channel_is_ahead_of_its_share_by_more_than_a_turn(
    buffer: Buffer, weights: dict[str, float], sizes: tuple[int, int], at_once: int
) -> None:
    await buffer.client.command("FLUSHALL")
    await buffer.under(Marker(1, "v1"))
    await flood(buffer, ["a"] * sizes[0] + ["b"] * sizes[1])
    lease = await leased(buffer, Fairness(weights=weights))
    order = await channels_taken(buffer, lease, sum(sizes), at_once)
    assert Counter(order) == {"a": sizes[0], "b": sizes[1]}
    for n in range(len(order)):
        a, b = order[:n].count("a"), order[:n].count("b")
        if a < sizes[0] and b < sizes[1]:
            assert abs(a / weights["a"] - b) <= 1 + 1 / weights["a"]


async def test_urgent_classes_leave_first_whatever_waits(buffer: Buffer) -> None:
    for priority in (3, 2, 1, 0):
        await flood(buffer, ["webshop"] * 2, priority, start=priority * 2)
    lease = await leased(buffer, Fairness())
    taken = await buffer.lanes.take(lease, LEGACY, 8)
    refs = [it.object_key.rpartition(":")[2] for it in taken]
    assert [set(refs[n : n + 2]) for n in range(0, 8, 2)] == [
        set(MINE[n : n + 2]) for n in range(0, 8, 2)
    ]


async def test_what_has_waited_rises_and_never_above_the_critical(buffer: Buffer) -> None:
    await flood(buffer, ["webshop"] * 4, 3)
    buffer.later(2500)
    await flood(buffer, ["webshop"] * 12, 1, start=4)
    await flood(buffer, ["webshop"] * 2, 0, start=16)
    lease = await leased(buffer, Fairness(rise_ms=1000))
    (ready,) = (await buffer.lanes.ready([lease], LEGACY)).values()
    assert ready.by_class == (2, 16, 0, 0)
    urgent, risen, *none = ready.since_ms
    assert (urgent - risen, none) == (2500, [inf, inf]), "since what is due the longest came"
    taken = await buffer.lanes.take(lease, LEGACY, 18)
    low = [n for n, it in enumerate(taken) if it.object_key.rpartition(":")[2] in MINE[:4]]
    assert low[0] >= 2, "the critical ones first"
    turns = 1 / RISEN_SHARE
    assert low[0] <= 2 + turns, "and then it has its part, though others of the class wait"
    assert low[1] - low[0] <= turns + 1


async def test_without_ageing_nothing_rises(buffer: Buffer) -> None:
    await flood(buffer, ["webshop"], 3)
    buffer.later(10**7)
    await flood(buffer, ["webshop"], 2, start=1)
    lease = await leased(buffer, Fairness())
    taken = await buffer.lanes.take(lease, LEGACY, 1)
    assert taken[0].object_key.endswith(MINE[1])


async def test_a_paused_class_waits_however_old_it_is_unless_it_is_lent_a_better_one(
    buffer: Buffer,
) -> None:
    await flood(buffer, ["webshop"] * 2, 3)
    buffer.later(10**7)
    lease = await leased(buffer, Fairness(rise_ms=1000, paused_from=Priority.LOW))
    assert await buffer.lanes.take(lease, LEGACY, 5) == []
    (ready,) = (await buffer.lanes.ready([lease], LEGACY)).values()
    assert ready.by_class == (0, 0, 0, 0)
    cancel = entry(MINE[0], process="order.cancellation", reference="X")
    await buffer.intake.accept(cancel)
    (taken,) = await buffer.lanes.take(lease, LEGACY, 5)
    assert taken.object_key == cancel.object_key
    buffer.lanes.favour(Fairness())
    assert len(await buffer.lanes.take(lease, LEGACY, 5)) == 1


async def test_a_cancellation_lends_its_class_to_the_order_before_it(buffer: Buffer) -> None:
    await flood(buffer, ["webshop"] * 20, 1)
    last = MINE[19]
    cancel = entry(last, process="order.cancellation", reference="X", channel="pos")
    await buffer.intake.accept(cancel)
    assert await lane_of(buffer, cancel) == "l:legacy:0:webshop", "of its head's channel"
    lease = await leased(buffer, Fairness())
    (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
    assert taken.object_key == cancel.object_key
    assert taken.transaction_id != cancel.transaction_id, "in order all the same"
    await buffer.lanes.attempt(taken)
    await buffer.lanes.book(taken.transaction_id, "D", "")
    (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
    assert taken.transaction_id == cancel.transaction_id


async def test_once_the_lender_is_gone_the_object_falls_back(buffer: Buffer) -> None:
    one = entry("A-1", priority=0)
    later = entry("A-1", reference="2", priority=3)
    for it in (one, later):
        await buffer.intake.accept(it)
    lease = await buffer.lease_of(one.object_key)
    (taken,) = await buffer.lanes.take(lease, LEGACY, 1)
    await buffer.lanes.book(taken.transaction_id, "D", "")
    prefix = buffer.lanes._partitions[lease.partition].prefix
    lane = await buffer.client.command("HGET", f"{prefix}b:{one.object_key}", "ln")
    assert lane == b"l:legacy:3:webshop"


async def test_lanes_that_are_empty_are_forgotten(buffer: Buffer) -> None:
    await flood(buffer, ["a", "b", "c"] * 3)
    lease = await leased(buffer, Fairness())
    for it in await buffer.lanes.take(lease, LEGACY, 9):
        await buffer.lanes.book(it.transaction_id, "D", "")
    await flood(buffer, ["d"] * 5, start=9)
    await buffer.lanes.take(lease, LEGACY, 5)
    await buffer.lanes.take(lease, LEGACY, 5)
    prefix = buffer.lanes._partitions[0].prefix
    known = await buffer.client.command("HKEYS", f"{prefix}q:legacy")
    assert b"22:a" not in known
    assert len(await buffer.lanes.take(lease, LEGACY, 5)) == 0


async def test_the_store_counts_what_waits_and_since_when(buffer: Buffer) -> None:
    await flood(buffer, ["webshop"] * 3, 3)
    buffer.later(700)
    await flood(buffer, ["webshop"] * 2, 1, start=3)
    buffer.later(300)
    backlog = await buffer.backlog.read()
    assert (backlog.waiting, backlog.oldest_ms) == ((0, 2, 0, 3), (0, 300, 0, 1000))
    assert backlog.events >= 5
    lease = await leased(buffer, Fairness())
    for it in await buffer.lanes.take(lease, LEGACY, 2):
        await buffer.lanes.book(it.transaction_id, "D", "")
    backlog = await buffer.backlog.read()
    assert (backlog.waiting, backlog.booked, backlog.legacy) == ((0, 0, 0, 3), 2, 3)
