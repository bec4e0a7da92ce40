"""Events reach the ledger at least once; what it records must not depend on how often."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from gateway.canonical.exchange import BufferEvent
from gateway.canonical.lifecycle import TRANSITIONS, State, after
from gateway.errors import LedgerUnavailable
from gateway.store.ledger import SqlLedger, open_ledger, recording
from tests.contract.reading import event_rows, everything, record_of
from tests.contract.stream import STEPS, Stream

NewLedger = Callable[[], str]

pytestmark = pytest.mark.anyio


def _random_life(stream: Stream, chance: random.Random) -> None:
    legal = {move: state for move, state in TRANSITIONS.items() if move[0] is not None}
    states: dict[str, State] = {}
    for _ in range(120):
        if not states or chance.random() < 0.2:
            parked = chance.random() < 0.3
            identity = stream.accept(
                f"order:webshop:S-{chance.randrange(8)}",
                owner="" if parked else chance.choice(["legacy", "cloud"]),
                route="hold" if parked else "cloud",
            )
            states[identity] = State.PARKED if parked else State.WAITING
            continue
        identity = chance.choice(list(states))
        moves = [event for state, event in legal if state is states[identity]]
        if not moves:
            continue
        event = chance.choice(moves)
        kind, fields = STEPS[event]
        stream.add(kind, identity, **fields)
        states[identity] = after(states[identity], event)


async def test_however_events_are_repeated_the_record_is_the_same(
    new_ledger: NewLedger, seed: int
) -> None:
    chance = random.Random(seed)
    stream = Stream()
    _random_life(stream, chance)
    once, often = await open_ledger(new_ledger()), await open_ledger(new_ledger())
    await once.project(stream.partition, stream.events)

    done = 0
    while done < len(stream.events):
        start = chance.randrange(done + 1)  # at least once: some of what was recorded comes again
        done = min(len(stream.events), max(done, start) + chance.randrange(1, 20))
        batch = stream.events[start:done]
        chance.shuffle(batch)
        await often.project(stream.partition, batch + batch[:3])
    await often.project(stream.partition, stream.events)

    assert await everything(often) == await everything(once)
    await once.close()
    await often.close()


async def test_a_batch_behind_the_checkpoint_changes_nothing(ledger: SqlLedger) -> None:
    stream = Stream()
    identity = stream.accept("order:webshop:S-1")
    stream.book(identity)
    await ledger.project(stream.partition, stream.events)
    before = await everything(ledger)
    await ledger.project(stream.partition, stream.events[:2])
    await ledger.project(stream.partition, [])
    assert await everything(ledger) == before


async def test_stream_ids_compare_as_numbers(ledger: SqlLedger) -> None:
    def released(sequence: str) -> BufferEvent:
        return BufferEvent(sequence, "released", "0a-nobody", 1, {"by": "ada"})

    assert await ledger.checkpoint(3) == "0-0"
    for sequence in ("9-9", "9-10", "10-0", "9-11", "100-2"):
        await ledger.project(3, [released(sequence)])
    assert await ledger.checkpoint(3) == "100-2"
    assert [row[:2] for row in await event_rows(ledger)] == [(9, 9), (9, 10), (10, 0), (100, 2)]
    assert await ledger.checkpoint(4) == "0-0"


async def test_the_marker_of_a_partition_is_kept_among_its_events(ledger: SqlLedger) -> None:
    stream = Stream()
    stream.accept("order:webshop:S-1")
    stream.add("marker", "", epoch="2", version="v-2", by="ada")
    await ledger.project(stream.partition, stream.events)
    assert [row[2] for row in await event_rows(ledger)] == ["accepted", "marker"]
    assert await ledger.checkpoint(stream.partition) == stream.events[-1].sequence


async def test_two_projectors_of_a_partition_take_turns(ledger: SqlLedger) -> None:
    stream = Stream()
    for number in range(40):
        stream.book(stream.accept(f"order:webshop:S-{number}"))
    await asyncio.gather(*(ledger.project(stream.partition, stream.events) for _ in range(6)))
    assert len(await event_rows(ledger)) == len(stream.events)
    assert await ledger.counts() == {("booked", "legacy"): 40}


async def test_partitions_are_projected_side_by_side(ledger: SqlLedger) -> None:
    streams = [Stream(partition) for partition in range(6)]
    for stream in streams:
        for number in range(20):
            stream.book(stream.accept(f"order:webshop:S-{stream.partition}-{number}"))
    await asyncio.gather(*(ledger.project(s.partition, s.events) for s in streams))
    for stream in streams:
        assert await ledger.checkpoint(stream.partition) == stream.events[-1].sequence


async def test_a_crash_within_a_batch_leaves_nothing_of_it(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream()
    identity = stream.accept("order:webshop:S-1")
    await ledger.project(stream.partition, stream.events)
    before = await everything(ledger)
    stream.book(identity)
    apply = recording._apply

    def crash(*args: object) -> None:
        apply(*args)  # type: ignore[arg-type]
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(recording, "_apply", crash)
        with pytest.raises(RuntimeError, match="power cut"):
            await ledger.project(stream.partition, stream.events)
    assert await everything(ledger) == before

    await ledger.project(stream.partition, stream.events)
    assert (await record_of(ledger, identity)).state == "booked"


@pytest.mark.parametrize(
    ("kind", "fields", "why"),
    [
        ("teleported", {}, "is of a kind this version does not know"),
        ("accepted", {"owner": "", "route": "hold"}, "has no envelope"),
        ("held", {"cause": "poison"}, "has no field 'detail'"),
        ("attempted", {"attempt": "many"}, "has attempt 'many', which is no number"),
    ],
)
async def test_an_event_that_cannot_be_recorded_waits(
    ledger: SqlLedger, kind: str, fields: dict[str, str], why: str
) -> None:
    stream = Stream()
    identity = stream.accept("order:webshop:S-1")
    bad = stream.add(kind, identity, **fields)
    with pytest.raises(LedgerUnavailable) as refusal:
        await ledger.project(stream.partition, stream.events)
    assert refusal.value.detail == (
        f"event {bad.sequence} ({kind} of {identity}) {why}: it waits in the buffer; run a version "
        "of coexist that can record it"
    )
    assert await ledger.checkpoint(stream.partition) == "0-0"
    assert await event_rows(ledger) == []


async def test_a_stream_id_that_is_none_is_named(ledger: SqlLedger) -> None:
    event = BufferEvent("12", "released", "0a-nobody", 1, {"by": "ada"})
    with pytest.raises(ValueError, match=r"'12' is not a stream id"):
        await ledger.project(1, [event])
