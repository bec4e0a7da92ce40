"""What every ledger database has to do, on SQLite and on PostgreSQL: messages, owners, rules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from gateway.canonical.exchange import Applied, Record
from gateway.canonical.lifecycle import TRANSITIONS, State, after
from gateway.canonical.process import Target
from gateway.errors import ConfigError, InstallationMismatch, LedgerUnavailable
from gateway.ports import Ledger
from gateway.store.ledger import SqlLedger, open_ledger, tables
from tests.contract.reading import event_rows, record_of
from tests.contract.stream import START, START_MS, STEPS, WAYS_TO, Stream

NewLedger = Callable[[], str]

pytestmark = pytest.mark.anyio


def test_it_is_a_ledger(new_ledger: NewLedger) -> None:
    conforms: Ledger = SqlLedger(new_ledger())
    assert isinstance(conforms, SqlLedger)


# --------------------------------------------------------------------------- a message's life


async def test_a_message_is_recorded_from_acceptance_to_booking(ledger: SqlLedger) -> None:
    stream = Stream()
    identity = stream.accept("order:webshop:S-1")
    stream.add("attempted", identity, attempt="1")
    stream.add("deferred", identity, reason="connection lost", unknown="1")
    stream.add("attempted", identity, attempt="2")
    stream.add("stored", identity, document="0000000000012345")
    booked = stream.add("booked", identity, document="4500001", result="partly")
    await ledger.project(stream.partition, stream.events)

    assert await ledger.transaction(identity) == Record(
        transaction_id=identity,
        partition=10,
        process="order.intake",
        channel="webshop",
        object_key="order:webshop:S-1",
        reference="SHOP-0",
        owner="legacy",
        state="booked",
        document="4500001",
        result="partly",
        cause="",
        detail="",
        accepted_at=START,
        settled_at=START + timedelta(milliseconds=booked.at_ms - START_MS, microseconds=-456),
        rule_id="default-intake",
        rule_version="v-1",
        attempts=2,
        facts={"channel": "webshop", "legal_entity": "NL01"},
        body={"order_ref": "SHOP-0", "total": "44.85"},
    )
    assert await ledger.checkpoint(stream.partition) == booked.sequence
    assert len(await event_rows(ledger)) == len(stream.events)


async def test_it_says_which_crosswalks_shaped_the_newest_attempt(ledger: SqlLedger) -> None:
    """Whatever came of it: also of an attempt whose answer was lost and that a probe found."""
    stream = Stream()
    identity = stream.accept("order:webshop:S-1")
    stream.add("attempted", identity, attempt="1", shaped_by="sku 3 (item-master)")
    stream.add("waits", identity, cause="unknown-item", detail="no such item", retry="1000")
    await ledger.project(stream.partition, stream.events)
    assert (await shaped_by(ledger, identity)) == "sku 3 (item-master)"
    stream.add("attempted", identity, attempt="2", shaped_by="sku 4 (item-master\x00)")
    stream.add("deferred", identity, reason="no answer", unknown="1")
    stream.add("booked", identity, document="4500001", result="")
    await ledger.project(stream.partition, stream.events)
    assert (await shaped_by(ledger, identity)) == "sku 4 (item-master\N{REPLACEMENT CHARACTER})"
    kept = [it.fields.get("shaped_by") for it in await ledger.history_of(identity)]
    assert [it for it in kept if it] == ["sku 3 (item-master)", "sku 4 (item-master\x00)"]


async def shaped_by(ledger: SqlLedger, identity: str) -> str:
    record = await ledger.transaction(identity)
    assert record is not None
    return record.shaped_by


async def test_states_follow_the_lifecycle(ledger: SqlLedger) -> None:
    moves = [(state, event) for state, event in TRANSITIONS if state is not None]
    stream = Stream()
    messages = [
        stream.accept(
            f"order:webshop:{state}-{event}",
            owner="" if state is State.PARKED else "cloud",
            route="hold" if state is State.PARKED else "cloud",
        )
        for state, event in moves
    ]
    for identity, (state, _) in zip(messages, moves, strict=True):
        for step in WAYS_TO[state]:
            kind, fields = STEPS[step]
            stream.add(kind, identity, **fields)
    await ledger.project(stream.partition, stream.events)
    reached = [(await record_of(ledger, identity)).state for identity in messages]
    assert reached == [state for state, _ in moves]

    for identity, (_, event) in zip(messages, moves, strict=True):
        kind, fields = STEPS[event]
        stream.add(kind, identity, **fields)
    await ledger.project(stream.partition, stream.events)
    reached = [(await record_of(ledger, identity)).state for identity in messages]
    assert reached == [after(state, event) for state, event in moves]


async def test_a_deferral_of_unknown_outcome_leaves_the_attempt_open(ledger: SqlLedger) -> None:
    stream = Stream()
    identity = stream.accept("order:webshop:S-1")
    stream.add("attempted", identity, attempt="1")
    stream.add("deferred", identity, reason="connection lost", unknown="1")
    await ledger.project(stream.partition, stream.events)
    record = await record_of(ledger, identity)
    assert (record.state, record.detail, record.settled_at) == ("sent", "connection lost", None)


async def test_a_booking_is_final_whatever_is_told_later(ledger: SqlLedger) -> None:
    stream = Stream()
    identity = stream.accept("order:webshop:S-1")
    stream.book(identity)
    await ledger.project(stream.partition, stream.events)
    booked = await record_of(ledger, identity)
    late = [
        stream.add("deferred", identity, reason="late", unknown="0"),
        stream.add("held", identity, cause="poison", detail="late"),
        stream.add("booked", identity, document="another", result="x"),
    ]
    await ledger.project(stream.partition, late)
    assert await record_of(ledger, identity) == booked
    assert len(await event_rows(ledger)) == 6


async def test_held_says_why_and_release_forgets_it(ledger: SqlLedger) -> None:
    stream = Stream()
    identity = stream.accept("order:webshop:S-1")
    held = stream.add("held", identity, cause="unknown-item", detail="no TEE-BLK-M")
    await ledger.project(stream.partition, stream.events)
    record = await record_of(ledger, identity)
    assert (record.cause, record.detail) == ("unknown-item", "no TEE-BLK-M")
    assert record.settled_at is not None
    assert int(record.settled_at.timestamp() * 1000) == held.at_ms

    await ledger.project(stream.partition, [stream.add("released", identity, by="ada")])
    record = await record_of(ledger, identity)
    assert (record.cause, record.detail, record.settled_at) == ("", "", None)


async def test_an_object_s_transactions_come_in_the_order_of_acceptance(ledger: SqlLedger) -> None:
    stream = Stream()
    wanted = [stream.accept("order:webshop:S-1") for _ in range(30)]
    stream.accept("order:webshop:S-2")
    await ledger.project(stream.partition, stream.events)
    records = await ledger.transactions_of("order:webshop:S-1")
    assert [record.transaction_id for record in records] == wanted
    assert await ledger.transactions_of("order:webshop:S-9") == []
    assert await ledger.transaction("0a-01jd3kq0t5w6x7y8z9abcdefgh") is None


async def test_text_that_no_database_likes_is_kept(ledger: SqlLedger) -> None:
    body: dict[str, object] = {
        "name": "A\x00B \ud800 Ünïcödé 株式会社 '); DROP TABLE owners",
        "n": [1],
    }
    stream = Stream()
    identity = stream.accept("order:webshop:S-1", body=body)
    stream.add("held", identity, cause="not-accepted", detail="bad\x00byte \ud800")
    await ledger.project(stream.partition, stream.events)
    record = await record_of(ledger, identity)
    assert record.body == body
    assert record.detail == "bad\N{REPLACEMENT CHARACTER}byte ?"


async def test_counts(ledger: SqlLedger) -> None:
    stream = Stream()
    stream.book(stream.accept("order:webshop:S-1"))
    stream.book(stream.accept("order:webshop:S-2"))
    stream.accept("order:webshop:S-3", owner="", route="hold")
    await ledger.project(stream.partition, stream.events)
    assert await ledger.counts() == {("booked", "legacy"): 2, ("parked", ""): 1}


# --------------------------------------------------------------------------- owners


async def test_the_first_pin_of_an_object_stays(ledger: SqlLedger) -> None:
    stream = Stream()
    stream.accept("order:webshop:S-1", owner="legacy", route="legacy")
    stream.accept("order:webshop:S-1", owner="cloud", route="cloud")
    await ledger.project(stream.partition, stream.events)
    assert await ledger.owner("order:webshop:S-1") is Target.LEGACY
    stream.accept("order:webshop:S-1", owner="cloud", route="cloud")
    await ledger.project(stream.partition, stream.events)
    assert await ledger.owner("order:webshop:S-1") is Target.LEGACY
    assert await ledger.owner("order:webshop:S-2") is None


@pytest.mark.parametrize("batch", [1, 100])
async def test_an_object_pinned_later_owns_its_waiting_messages(
    ledger: SqlLedger, batch: int
) -> None:
    stream = Stream()
    parked = [stream.accept("order:webshop:S-1", owner="", route="hold") for _ in range(2)]
    other = stream.accept("order:webshop:S-2", owner="", route="hold")
    stream.add("owned", parked[0], owner="cloud", object="order:webshop:S-1")
    stream.add("released", parked[0], by="flip")
    for start in range(0, len(stream.events), batch):
        await ledger.project(stream.partition, stream.events[start : start + batch])
    assert await ledger.owner("order:webshop:S-1") is Target.CLOUD
    assert await ledger.owner("order:webshop:S-2") is None
    assert [(await record_of(ledger, each)).owner for each in parked] == ["cloud", "cloud"]
    assert (await record_of(ledger, parked[0])).state == "waiting"
    assert (await record_of(ledger, other)).owner == ""


async def test_where_an_owner_came_from_is_recorded(ledger: SqlLedger) -> None:
    stream = Stream()
    stream.accept("order:webshop:S-1", owner="cloud", route="cloud")
    stream.accept("order:webshop:OLD-1", owner="legacy", route="owner", process="return.credit")
    held = stream.accept("order:webshop:S-3", owner="", route="hold")
    stream.add("owned", held, owner="cloud", object="order:webshop:S-3")
    await ledger.project(stream.partition, stream.events)
    query = select(tables.owners.c.object_key, tables.owners.c.source)
    rows = await ledger._read(lambda db: db.execute(query).all())
    assert {row.object_key: row.source for row in rows} == {
        "order:webshop:S-1": "rules",
        "order:webshop:OLD-1": "lookup",
        "order:webshop:S-3": "flip",
    }


@pytest.mark.parametrize("batch", [1, 100])
async def test_an_object_that_was_moved_has_its_new_owner(ledger: SqlLedger, batch: int) -> None:
    stream = Stream()
    first = stream.accept("order:webshop:S-1")
    second = stream.accept("order:webshop:S-1")
    refused = stream.accept("order:webshop:S-2")
    stream.add("held", refused, cause="unknown-item", detail="no such SKU")
    told = {"owner": "cloud", "by": "ann", "epoch": "2"}
    stream.add("moved", first, object="order:webshop:S-1", refused="0", **told)
    stream.add("moved", refused, object="order:webshop:S-2", refused="1", **told)
    stream.book(first)
    for start in range(0, len(stream.events), batch):
        await ledger.project(stream.partition, stream.events[start : start + batch])
    for object_key in ("order:webshop:S-1", "order:webshop:S-2"):
        assert await ledger.owner(object_key) is Target.CLOUD
    rows = [await record_of(ledger, each) for each in (first, second, refused)]
    assert [(it.owner, it.state) for it in rows] == [
        ("cloud", "booked"), ("cloud", "waiting"), ("cloud", "waiting"),
    ]  # fmt: skip


# --------------------------------------------------------------------------- installation, rules


async def test_the_number_of_partitions_never_changes(ledger: SqlLedger) -> None:
    identity = await ledger.installation(16)
    assert await ledger.installation(16) == identity
    with pytest.raises(InstallationMismatch, match=r"installed with 16 partitions.* say 32.*=16"):
        await ledger.installation(32)
    assert await ledger.installation(16) == identity


async def test_many_processes_agree_on_one_installation(ledger: SqlLedger) -> None:
    identities = await asyncio.gather(*(ledger.installation(16) for _ in range(8)))
    assert len(set(identities)) == 1


async def test_rule_texts_never_change(ledger: SqlLedger) -> None:
    assert await ledger.rules("v-1") is None
    await ledger.keep_rules("v-1", "rules: []")
    await ledger.keep_rules("v-1", "rules: []")
    with pytest.raises(ConfigError, match="rule version v-1 is in the ledger with another text"):
        await ledger.keep_rules("v-1", "rules: [other]")
    assert await ledger.rules("v-1") == "rules: []"


async def test_the_history_of_flips(ledger: SqlLedger) -> None:
    lines = [
        Applied(epoch, "v-1", "rollback" if epoch == 3 else "apply", "ada", "why", START)
        for epoch in (1, 2, 3, 10)
    ]
    await ledger.keep_rules("v-1", "rules: []")
    for line in lines:
        await ledger.record_applied(line)
    await ledger.record_applied(Applied(2, "v-1", "rollback", "eve", "again", START))
    assert await ledger.history(3) == [lines[3], lines[2], lines[1]]
    assert await ledger.history(100) == lines[::-1]


async def test_a_flip_to_rules_nobody_can_read_is_not_recorded(ledger: SqlLedger) -> None:
    with pytest.raises(LedgerUnavailable, match="a row it refers to is missing"):
        await ledger.record_applied(Applied(1, "v-9", "apply", "ada", "", START))
    assert await ledger.history(1) == []


async def test_what_is_recorded_is_there_for_another_process(new_ledger: NewLedger) -> None:
    url = new_ledger()
    first = await open_ledger(url)
    stream = Stream()
    identity = stream.accept("order:webshop:S-1")
    await first.project(stream.partition, stream.events)
    second = await open_ledger(url)
    assert await second.transaction(identity) == await first.transaction(identity)
    rows = await second._read(lambda db: db.scalar(select(func.count()).select_from(tables.events)))
    assert rows == 1
    await second.ping()
    await first.close()
    await second.close()
