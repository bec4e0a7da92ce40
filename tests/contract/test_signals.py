"""What guardrails, readiness and hypercare read of the ledger, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.canonical.exchange import Left
from gateway.canonical.exchange.hypercare import Route, Span
from gateway.canonical.exchange.shadowing import Compared, Counts, Findings
from gateway.canonical.guardrail import Finding, Notice, Reading
from gateway.ports import Findings as KeptFindings
from gateway.ports import Signals, WaveFigures
from gateway.store.ledger import SqlLedger
from tests.contract.stream import START, START_MS, Stream
from tests.contract.test_owner_import import imported

pytestmark = pytest.mark.anyio

#: The rule that all messages of a stream come under.
MINE, OTHERS = ["default-intake"], ["another"]
BEFORE, AFTER = START - timedelta(minutes=1), START + timedelta(minutes=1)
SPAN = Span(BEFORE, AFTER)


async def projected(ledger: SqlLedger, stream: Stream) -> None:
    await ledger.installation(16)
    await ledger.project(stream.partition, stream.events)


def answered() -> Stream:
    """Two booked, one stored, one held, one that waits, two deferred: one of them unknown."""
    stream = Stream()
    ids = [stream.accept(f"order:webshop:S-{n}") for n in range(8)]
    for identity in ids[:7]:
        stream.add("attempted", identity, attempt="1")
    stream.add("booked", ids[0], document="1", result="")
    stream.add("booked", ids[1], document="2", result="")
    stream.add("stored", ids[2], document="3")
    stream.add("held", ids[3], cause="not-accepted", detail="no")
    stream.add("waits", ids[4], cause="unknown-item", detail="no such SKU", retry="60000")
    stream.add("deferred", ids[5], reason="busy", unknown="0")
    stream.add("deferred", ids[6], reason="reset", unknown="1")
    return stream


async def test_answers_are_counted_and_being_told_to_come_later_is_none(ledger: SqlLedger) -> None:
    signals: Signals = ledger
    await projected(ledger, answered())
    assert await signals.answers(MINE, BEFORE) == (3, 6)
    assert await signals.answers(OTHERS, BEFORE) == (0, 0)
    assert await signals.answers(MINE, AFTER) == (0, 0)
    assert await signals.answers_about(["order.intake"], SPAN) == (3, 6)
    assert await signals.answers_about(["return.credit"], SPAN) == (0, 0)
    assert await signals.answers_about(["order.intake"], Span(AFTER, AFTER)) == (0, 0)


async def test_held_objects_and_the_oldest_that_no_erp_has(ledger: SqlLedger) -> None:
    signals: Signals = ledger
    assert await signals.held_objects(MINE, BEFORE) == Reading(None, 0)
    assert await signals.lag(MINE, BEFORE, START) == Reading(None, 0)
    await projected(ledger, answered())
    assert await signals.held_objects(MINE, BEFORE) == Reading(1.0, 8)
    assert await signals.held_objects(MINE, AFTER) == Reading(1.0, 1), "it is held now"
    assert await signals.held_objects(OTHERS, BEFORE) == Reading(None, 0)
    lag = await signals.lag(MINE, BEFORE, START + timedelta(seconds=90))
    assert lag.samples == 8
    assert lag.value == pytest.approx(90, abs=0.1)


async def test_refund_failures_are_of_the_rules_objects_whatever_rule_they_came_by(
    ledger: SqlLedger,
) -> None:
    signals: Signals = ledger
    stream = Stream()
    for n in range(4):
        stream.accept(f"order:webshop:S-{n}")
        credit = stream.accept(f"order:webshop:S-{n}", process="return.credit")
        stream.add("attempted", credit, attempt="1")
        if n < 3:
            stream.add("held", credit, cause="not-accepted", detail="no")
        else:
            stream.add("booked", credit, document="9", result="")
    await projected(ledger, stream)
    assert await signals.refund_failures(MINE, BEFORE) == Reading(3.0, 4)
    assert await signals.refund_failures(OTHERS, BEFORE) == Reading(None, 0)


async def test_shadow_mismatches_are_a_percentage_of_what_was_compared(ledger: SqlLedger) -> None:
    signals: Signals = ledger
    assert await signals.shadow_mismatches(MINE, BEFORE) == Reading(None, 0)
    minute = START_MS // 60_000
    for at, rule in ((minute, MINE[0]), (minute + 1, MINE[0]), (minute, "another")):
        key = Compared(at, rule, "catalog.price", "cloud")
        await ledger.add_findings(Findings({key: Counts(compared=40, different=3)}, {}, {}))
    assert await signals.shadow_mismatches(MINE, BEFORE) == Reading(7.5, 80)
    assert await signals.shadow_mismatches(MINE, AFTER) == Reading(7.5, 40)


def finding(verdict: str, at: datetime, value: float | None) -> Finding:
    return Finding(
        at=at, wave="nl", signal="erp_error_rate", verdict=verdict, value=value, samples=40,
        above=5.0, window_s=300, epoch=7, version="v7", by="p1",
    )  # fmt: skip


async def test_findings_are_kept_with_their_numbers_and_trips_longer_than_the_rest(
    ledger: SqlLedger,
) -> None:
    kept: KeptFindings = ledger
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    told = [
        finding("fine", at, 2.5), finding("tripped", at, 12.25),
        finding("silent", at + timedelta(days=2), None),
    ]  # fmt: skip
    await kept.found(told, ())
    assert list(await kept.findings(10, "nl")) == told[::-1]
    assert list(await kept.findings(10, "de")) == []
    assert await kept.forget_findings(at + timedelta(days=1)) == 1
    assert [it.verdict for it in await kept.findings(10)] == ["silent", "tripped"]


async def test_of_two_who_deliver_a_notice_one_notes_it(ledger: SqlLedger) -> None:
    kept: KeptFindings = ledger
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    notice = Notice(
        notice_id="n-1", webhook="pager", kind="wave.tripped", at=at, body="{}", next_at=at
    )
    await kept.found([], [notice])
    await kept.found([], [notice])
    (due,) = await kept.due(at, 10)
    assert due == notice

    done = replace(due, attempts=1, sent_at=at)
    assert await kept.sent(done, 0)
    assert not await kept.sent(done, 0)
    assert list(await kept.due(at, 10)) == []


async def test_what_a_rollback_leaves_in_the_cloud_is_counted(ledger: SqlLedger) -> None:
    figures: WaveFigures = ledger
    stream = Stream()
    body: dict[str, object] = {"order_ref": "x", "total": "10.50", "currency": "EUR"}
    ids = [
        stream.accept(f"order:webshop:S-{n}", owner="cloud", route="cloud", body=body)
        for n in range(5)
    ]
    for identity in ids[:3]:
        stream.book(identity)
    stream.add("attempted", ids[3], attempt="1")
    stream.add("held", ids[3], cause="not-accepted", detail="no")
    cancelled = stream.accept("order:webshop:S-0", owner="cloud", process="order.cancellation")
    stream.add("attempted", cancelled, attempt="1")
    stream.add("booked", cancelled, document="7", result="cancelled")
    stream.accept("order:webshop:S-1", owner="cloud", process="return.credit")
    await projected(ledger, stream)
    found = await figures.left("cloud", MINE)
    # The rule of a stream is that of its follow-ups too: their objects are the orders'.
    assert (found.objects, found.value) == (5, {"EUR": Decimal("52.50")})
    assert (found.held, found.to_ship, found.to_refund) == (1, 2, 1)
    assert await figures.left("cloud", []) == Left()
    assert await figures.left("legacy", MINE) == Left()
    counted = await figures.messages(["order.intake", "return.credit"], SPAN)
    assert counted == Counter({
        Route("order.intake", "cloud", "booked"): 3,
        Route("order.intake", "cloud", "held"): 1,
        Route("order.intake", "cloud", "waiting"): 1,
        Route("return.credit", "cloud", "waiting"): 1,
    })  # fmt: skip
    (open_,) = await figures.open_exceptions(10)
    assert open_.transaction_id == ids[3]


async def test_what_an_import_left_out_is_counted_by_kind(
    ledger: SqlLedger, tmp_path: Path
) -> None:
    path = tmp_path / "owners.csv"
    path.write_text(
        "object_key,owner\norder:w:1,legacy\norder:w:1,legacy\norder:w:1,cloud\norder:w:2,mars\n"
        "order:w:3\norder:w:4,cloud\n"
    )
    done = await imported(ledger, path)
    assert (done.imported, done.faults) == (2, 4)
    assert await ledger.faults_of(done.file) == {"duplicate": 1, "conflict": 1, "unreadable": 2}
    assert await ledger.faults_of("no such file") == {}
    assert await ledger.has_imports()
    assert [it.file for it in await ledger.imports()] == [done.file]
    assert (await ledger.owned_by("legacy"), await ledger.owned_by("cloud")) == (1, 1)
    assert await ledger.owners_of(["order:w:1", "order:w:9"]) == {"order:w:1": "legacy"}
