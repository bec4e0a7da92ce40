"""What a failing run prints of an offender: every source, in the order of time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from gateway.store.ledger import tables
from loadtests.findings import Finding
from loadtests.journal import Journal
from tests.chaos.history import Sources, logged, merged
from tests.unit.loadtests.doctoring import good_run


def test_journal_books_events_and_logs_of_an_offender_are_told_in_order(tmp_path: Path) -> None:
    evidence = good_run().evidence()
    entry = evidence.journal.messages[0]
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    engine = create_engine(url)
    tables.metadata.create_all(engine)
    with engine.begin() as connection:
        row: dict[str, Any] = {
            "partition": 1,
            "ms": 5,
            "seq": 0,
            "kind": "accepted",
            "at_ms": 1_000_500,
        }
        row |= {"transaction_id": entry.transaction_id, "fields": {"owner": "legacy"}}
        connection.execute(tables.events.insert(), row)
    engine.dispose()
    call: dict[str, Any] = {
        "event": "erp_call",
        "call": "send",
        "erp": "legacy",
        "outcome": "stored",
    }
    call |= {"duration_ms": 4, "detail": "", "transaction_id": entry.transaction_id}
    lines = [json.dumps(call | {"timestamp": "1970-01-01T00:16:41Z"}), "something else"]
    (tmp_path / "worker-1.log").write_text("\n".join(lines))
    finding = Finding("duplicated", entry.message.reference, "booked twice", "here")
    sources = Sources(tmp_path, url, evidence.journal, evidence.documents)
    told = "\n".join(sources.histories([finding]))
    places = [told.index(words) for words in (
        "== duplicated", f"journal: {entry.message.process}", "books #",
        "event accepted owner=legacy", "worker-1: send legacy -> stored in 4 ms",
    )]  # fmt: skip
    assert places == sorted(places)


def test_an_offender_nobody_knows_is_told_without_a_history(tmp_path: Path) -> None:
    finding = Finding("driver_unfinished", "journal", "no end", "driver")
    sources = Sources(tmp_path, "sqlite://", Journal(), [])
    assert list(sources.histories([finding])) == [f"== driver_unfinished: {finding}"]


def test_a_line_that_is_no_event_is_told_as_it_is_and_comes_first() -> None:
    at_s, said = logged("gateway-1", "Traceback of T1")
    assert (at_s, said) == (0.0, "gateway-1: Traceback of T1")
    assert next(merged([(2.0, "late")], [(at_s, said)])).endswith(said)
