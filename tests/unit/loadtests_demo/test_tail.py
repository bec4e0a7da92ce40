"""Following a journal while another process writes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtests.demo.tail import JournalTail, Traffic, began


def message(transaction_id: str, latency_ms: float = 10, **other: object) -> str:
    row = {
        "entry": "message",
        "state": "accepted",
        "transaction_id": transaction_id,
        "replayed": False,
        "intended": 100.0,
        "answered": 100.0 + latency_ms / 1000,
    }
    return json.dumps(row | other) + "\n"


def attempt(status: int) -> str:
    return json.dumps({"entry": "attempt", "status": status}) + "\n"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_nothing_yet_is_no_traffic(journal: Path) -> None:
    assert JournalTail(journal).read() == Traffic()
    assert began(journal) is None


def test_a_transaction_counts_once_and_its_repeats_apart(journal: Path) -> None:
    journal.write_text(message("a") + message("a", replayed=True) + message("b"))
    traffic = JournalTail(journal).read()
    assert (traffic.accepted, traffic.repeats) == (2, 1)


def test_only_what_is_new_is_read_and_half_a_line_waits(journal: Path) -> None:
    tail = JournalTail(journal)
    whole, rest = message("a"), message("b")
    journal.write_text(whole + rest[:30])
    assert tail.read().accepted == 1
    with journal.open("a") as file:
        file.write(rest[30:])
    assert tail.read().accepted == 2
    assert tail.read().accepted == 2


def test_other_outcomes_have_their_own_counts(journal: Path) -> None:
    rejected = message("", state="rejected", answered=None)
    unknown = message("", state="unknown", answered=None)
    read = '{"entry": "read"}\n'
    journal.write_text(rejected + unknown + read + read + attempt(0) + attempt(503) + attempt(202))
    traffic = JournalTail(journal).read()
    assert traffic == Traffic(rejected=1, reads=2, attempts_failed=2)


def test_percentiles_are_of_the_latest_requests(journal: Path) -> None:
    journal.write_text("".join(message(str(n), 1000) for n in range(400)))
    tail = JournalTail(journal)
    assert tail.read().p50_ms == pytest.approx(1000)
    with journal.open("a") as file:
        file.writelines(message(str(n), n - 399) for n in range(400, 800))
    traffic = tail.read()
    assert traffic.p50_ms == pytest.approx(200, abs=1)
    assert traffic.p99_ms == pytest.approx(396, abs=1)


def test_the_traffic_begins_when_the_first_line_says(journal: Path) -> None:
    journal.write_text('{"entry": "run", "start')
    assert began(journal) is None
    journal.write_text('{"entry": "run", "started": 12.5}\n{"entry": "att')
    assert began(journal) == 12.5
