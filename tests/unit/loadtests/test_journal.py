"""Journal and events: what is written can be read back, what is damaged is named by its line."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from loadtests.audit import Evidence, audit
from loadtests.errors import BadFile
from loadtests.events import Apply, EventLog, Events, Fault, Kill, read_events
from loadtests.journal import (
    Attempt,
    End,
    Journal,
    JournalWriter,
    Read,
    entry_json,
    read_journal,
)
from tests.unit.loadtests.history import WAVE_1, make_history

ATTEMPT = Attempt("r", 1, "order.intake", "webshop", "http://x", 1.5, 2.5, "2026", 202)
READ = Read("s", "catalog.price", "webshop", 1.0, 1.5, None, 3, "http://x", 0, "unknown", "gone")


def write(path: Path, journal: Journal) -> None:
    writer = JournalWriter(path)
    assert journal.run is not None
    writer.write(journal.run)
    for attempt in journal.attempts:
        writer.write(attempt)
    for message in journal.messages:
        writer.write(message)
    for read in journal.reads:
        writer.write(read)
    if journal.ended is not None:
        writer.write(journal.ended)
    writer.close()


@pytest.fixture
def journal() -> Journal:
    made = make_history(7, requests=80).journal
    made.attempts.append(ATTEMPT)
    made.reads.append(READ)
    return made


def test_what_is_written_is_read_back(tmp_path: Path, journal: Journal) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, journal)
    assert read_journal(path) == journal


def test_money_and_names_in_the_file(journal: Journal) -> None:
    entry = next(one for one in journal.messages if one.message.process == "order.intake")
    row = json.loads(json.dumps(entry_json(entry)))
    assert row["entry"] == "message"
    assert Decimal(row["total"]) == entry.message.total
    assert row["total"] == str(entry.message.total)
    assert row["lines"][0]["amount"] == str(entry.message.lines[0].amount)
    named = "process channel object_key reference key legal_entity currency lines total facts"
    times = "intended sent answered answered_wall attempts gateway status state transaction_id"
    assert set(f"{named} {times} replayed repeat error request".split()) <= set(row)
    assert {"customer_ref", "country", "customer_group", "order_ref"} <= set(row["facts"])
    cancelled = next(one for one in journal.messages if one.message.total is None)
    assert entry_json(cancelled)["total"] is None


def test_each_line_can_be_followed_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    writer = JournalWriter(path)
    writer.write(End(1.0, "2026"))
    assert json.loads(path.read_text("utf-8")) == {
        "entry": "end",
        "ended": 1.0,
        "ended_wall": "2026",
    }
    writer.close()


def test_a_driver_that_died_in_the_middle_of_a_line(tmp_path: Path, journal: Journal) -> None:
    path = tmp_path / "journal.jsonl"
    journal.ended = None
    write(path, journal)
    whole = path.read_text("utf-8")
    path.write_text(whole + '{"entry": "end", "en', "utf-8")
    assert read_journal(path) == journal
    path.write_text(whole.rstrip("\n"), "utf-8")
    assert read_journal(path) == journal


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON: "),
        ("[]", "not a JSON object"),
        ('{"entry": "surprise"}', "entry 'surprise' is none of run, attempt, message, read, end"),
        ('{"ended": 1.0}', "KeyError('entry')"),
        ('{"entry": "end", "at": 1}', "unexpected keyword argument 'at'"),
        ('{"entry": "message"}', "KeyError('process')"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(f'{{"entry": "end", "ended": 1, "ended_wall": ""}}\n{line}\n', "utf-8")
    with pytest.raises(BadFile) as error:
        read_journal(path)
    assert str(error.value).startswith(f"{path}: line 2: ")
    assert reason in str(error.value)


def test_a_journal_that_cannot_be_written_or_read(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"j.jsonl: cannot be written: No such file or directory"):
        JournalWriter(tmp_path / "nowhere" / "j.jsonl")
    with pytest.raises(BadFile, match=r"j.jsonl: cannot be read: No such file or directory"):
        read_journal(tmp_path / "j.jsonl")


def test_an_empty_journal_says_that_the_driver_did_not_finish(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("", "utf-8")
    report = audit(Evidence(read_journal(path), Events(), ()))
    assert report.driver_unfinished == 1
    assert report.accepted == 0


APPLY = Apply(
    at_start=5.0, at_return=6.5, epoch=1, rules=tuple(WAVE_1), kind="apply", version="abc"
)
KILL = Kill(what="worker", at=7.0, in_flight=3)
FAULT = Fault(erp="cloud", name="lost_reply", at=8.0, until=12.0)


def test_events_are_read_back_by_kind_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    initial = Apply(at_start=1.0, at_return=1.0, epoch=0, rules=(), kind="initial")
    never = Apply(at_start=9.0, at_return=None, epoch=2, rules=(), kind="rollback")
    for event in (APPLY, FAULT, never, KILL, initial):
        log.append(event)
    events = read_events(path)
    assert [one.epoch for one in events.applies] == [0, 1, 2]
    assert [one.at_return for one in events.applies] == [1.0, 6.5, None]
    assert (events.kills, events.faults) == ([KILL], [FAULT])


def test_rules_survive_the_file_with_their_dates_as_text(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    EventLog(path).append(APPLY)
    (apply,) = read_events(path).applies
    stores = next(rule for rule in apply.rules if rule["id"] == "stores")
    assert APPLY.rules[2]["when"]["business_date"] == {"from": date(2026, 11, 21)}
    assert stores["when"]["business_date"] == {"from": "2026-11-21"}
    assert [rule["id"] for rule in apply.rules] == [rule["id"] for rule in WAVE_1]


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"event": "flood"}, "line 1: "),
        ({"event": "kill", "what": "printer", "at": 1}, "line 1: kill.what: "),
        ({"event": "kill", "what": "worker"}, "line 1: kill.at: this key is missing; add it"),
        ({"event": "apply", "at": 1}, "line 1: apply.at_start: this key is missing; add it"),
        (
            {"event": "fault", "erp": "cloud", "name": "x", "at": 1, "p": 1},
            "line 1: fault.p: unknown key; remove it or correct its spelling",
        ),
    ],
)
def test_a_wrong_event_is_named(tmp_path: Path, row: dict[str, object], place: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(row) + "\n", "utf-8")
    with pytest.raises(BadFile) as error:
        read_events(path)
    assert str(error.value).startswith(f"{path}: {place}")
