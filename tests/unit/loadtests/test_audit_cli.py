"""``python -m loadtests audit``: from files and from the control API, to a table and JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from rich.console import Console

from loadtests import present
from loadtests.audit import Claims, audit, verdict
from loadtests.books import ERPS, Document, documents_of
from loadtests.cli import main
from loadtests.errors import BadFile, LoadTestError
from loadtests.events import EventLog
from loadtests.findings import DEMO, HAZARDS
from loadtests.journal import JournalWriter
from tests.serving import Asked, served
from tests.unit.loadtests.doctoring import good_run
from tests.unit.loadtests.history import History, tampered

#: What the report is promised to hold, whoever reads it.
PROMISED = {
    "accepted", "duplicates_answered", "booked_legacy", "booked_cloud", "booked_once", "lost",
    "duplicated", "wrong_owner", "out_of_order", "wrong_amount", "stale_route_after_apply",
    "value_accepted", "value_booked", "followups_across_flip", "late_days_after_flip",
    "lost_replies_after_booking", "late_bookings", "killed_with_work_in_flight", "erp_429",
    "flips", "kills", "accept_p50_ms", "accept_p99_ms", "duration_s", "seed",
}  # fmt: skip


def books_json(history: History, erp: str) -> dict[str, Any]:
    documents = []
    for document in history.documents:
        if document.erp == erp:
            row = asdict(document)
            del row["erp"]
            documents.append(json.loads(json.dumps(row, default=str)))
    return {"system": erp, "documents": sorted(documents, key=lambda row: row["sequence"])}


@pytest.fixture
def history() -> History:
    return good_run()


@pytest.fixture
def folder(tmp_path: Path, history: History) -> Path:
    writer = JournalWriter(tmp_path / "journal.jsonl")
    assert history.journal.run is not None
    assert history.journal.ended is not None
    writer.write(history.journal.run)
    for entry in history.journal.messages:
        writer.write(entry)
    writer.write(history.journal.ended)
    writer.close()
    log = EventLog(tmp_path / "events.jsonl")
    for apply in history.events.applies:
        log.append(apply)
    for kill in history.events.kills:
        log.append(kill)
    for erp in ERPS:
        _write(tmp_path / f"{erp}.json", books_json(history, erp))
        _write(tmp_path / f"{erp}-counters.json", history.counters[erp])
    return tmp_path


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), "utf-8")


def arguments(folder: Path, *more: str) -> list[str]:
    named = ["audit", "--journal", str(folder / "journal.jsonl")]
    named += ["--events", str(folder / "events.jsonl"), "--json", str(folder / "report.json")]
    for erp in ERPS:
        named += [f"--{erp}-books", str(folder / f"{erp}.json")]
        named += [f"--{erp}-counters", str(folder / f"{erp}-counters.json")]
    return [*named, *more]


def report_of(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    return report


def test_a_good_run_exits_0_and_writes_all_it_promised(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(folder)) == 0
    report = report_of(folder)
    assert set(report) >= PROMISED
    assert report["passed"] is True
    assert report["findings"] == report["reasons"] == []
    assert report["value_accepted"] == report["value_booked"]
    assert report["seed"] == 7
    assert report["duration_s"] == 410.0
    shown = capsys.readouterr().out
    assert "PASSED" in shown
    assert "transactions accepted" in shown


def test_a_doctored_book_exits_1_and_says_what_where(
    folder: Path, history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = next(one for one in history.documents if one.kind == "return")
    history.documents.remove(victim)
    _write(folder / f"{victim.erp}.json", books_json(history, victim.erp))
    assert main(arguments(folder)) == 1
    report = report_of(folder)
    assert (report["passed"], report["lost"]) == (False, 1)
    (finding,) = report["findings"]
    assert finding["kind"] == "lost"
    assert finding["where"] == f"transaction {victim.transaction_id}"
    shown = capsys.readouterr().out
    assert "FAILED: 1 accepted, but booked nowhere" in shown
    assert f"! {finding['reference']}: return.credit accepted" in shown


def test_held_transactions_come_from_a_file(folder: Path, history: History) -> None:
    victim = next(one for one in history.documents if one.kind == "return")
    history.documents.remove(victim)
    _write(folder / f"{victim.erp}.json", books_json(history, victim.erp))
    _write(folder / "held.json", [victim.transaction_id])
    held = ["--held", str(folder / "held.json")]
    assert main(arguments(folder, *held)) == 1
    assert report_of(folder)["reasons"] == ["1 accepted, but still held (0 allowed)"]
    assert main(arguments(folder, *held, "--held-allowed", "1")) == 0


def test_only_what_is_claimed_must_have_occurred(folder: Path) -> None:
    _write(folder / "cloud-counters.json", {})
    _write(folder / "legacy-counters.json", {})
    assert main(arguments(folder)) == 1
    assert len(report_of(folder)["reasons"]) == 3
    assert main(arguments(folder, "--claims", "none")) == 0
    assert main(arguments(folder, "--claims", "flips,kills")) == 0
    assert main(arguments(folder, "--claims", "flips,erp_429")) == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--claims", "floods"], "--claims floods: no such hazard; there are duplicates_answered,"),
        (["--journal", "gone.jsonl"], "gone.jsonl: cannot be read: No such file or directory"),
        (["--legacy-books", "gone.json"], "gone.json: cannot be read: No such file or directory"),
        (["--cloud-books", "http://127.0.0.1:1"], "http://127.0.0.1:1/control/"),
    ],
)
def test_wrong_input_exits_2_and_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert main(arguments(folder, *more)) == 2
    assert capsys.readouterr().err.startswith(message)


def test_rules_nobody_can_evaluate_exit_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "events.jsonl"
    path.write_text(path.read_text("utf-8").replace('"channel"', '"chanel"'), "utf-8")
    assert main(arguments(folder)) == 2
    assert "when.chanel: the audit does not know this dimension" in capsys.readouterr().err


def test_held_must_be_a_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write(folder / "held.json", {"0a-1": True})
    assert main(arguments(folder, "--held", str(folder / "held.json"))) == 2
    assert "held.json: not a list of transaction ids" in capsys.readouterr().err


@contextmanager
def control_api(books: dict[str, Any], counters: dict[str, int], page: int) -> Iterator[str]:
    """The control API of a simulator, which lists so many documents a call."""

    def answer(asked: Asked) -> tuple[int, object]:
        parts = urlsplit(asked.path)
        content: Any = counters
        if parts.path == "/control/books":
            after = int(parse_qs(parts.query)["after"][0])
            later = [row for row in books["documents"] if row["sequence"] > after]
            content = {**books, "documents": later[:page]}
        return 200 if parts.path.startswith("/control/") else 404, content

    with served(answer) as url:
        yield url


@pytest.mark.parametrize("suffix", ["", "/", "/control/books"])
def test_books_and_counters_come_from_running_simulators(
    folder: Path, history: History, suffix: str
) -> None:
    legacy = control_api(books_json(history, "legacy"), {"throttled_429": 2}, page=100)
    cloud = control_api(books_json(history, "cloud"), {"throttled_429": 5}, page=7)
    with legacy as legacy_url, cloud as cloud_url:
        named = ["audit", "--journal", str(folder / "journal.jsonl"), "--claims", "none"]
        named += ["--events", str(folder / "events.jsonl"), "--json", str(folder / "report.json")]
        named += ["--legacy-books", legacy_url + suffix, "--cloud-books", cloud_url + suffix]
        assert main(named) == 0
    report = report_of(folder)
    assert report["erp_429"] == 7
    assert report["booked_legacy"] + report["booked_cloud"] == len(history.documents)


def test_books_read_back_as_they_were(history: History) -> None:
    for erp in ERPS:
        mine = [one for one in history.documents if one.erp == erp]
        read = documents_of(erp, books_json(history, erp), "books")
        assert sorted(read, key=_sequence) == sorted(mine, key=_sequence)


def _sequence(document: Document) -> int:
    return document.sequence


@pytest.mark.parametrize(
    ("books", "message"),
    [
        ({}, "books: documents: missing: these are no books"),
        ({"documents": [{"number": "S-1"}]}, "books: document S-1: cannot be read: KeyError"),
        ({"documents": ["S-1"]}, r"books: document \?: cannot be read: "),
    ],
)
def test_books_nobody_can_read_are_named(books: dict[str, Any], message: str) -> None:
    with pytest.raises(BadFile, match=message):
        documents_of("legacy", books, "books")


def test_a_long_list_of_findings_is_cut_on_screen_only(history: History) -> None:
    history.documents = [tampered(one, currency="SEK") for one in history.documents]
    report = audit(history.evidence())
    judged = verdict(report, Claims(frozenset()))
    console = Console(width=100, record=True, file=io.StringIO())
    present.show(report, judged, console)
    shown = console.export_text()
    assert shown.count("\n! ") == present.SHOWN + 1
    assert f"! and {len(report.findings) - present.SHOWN} more" in shown
    assert len(present.as_json(report, judged)["findings"]) == report.wrong_amount
    assert "value booked, SEK" in shown
    assert "value accepted, EUR" in shown


#: Written out, so that nothing the demo says it survives can be dropped unseen.
DEMO_CLAIMS = {
    "duplicates_answered", "followups_across_flip", "late_days_after_flip",
    "lost_replies_after_booking", "late_bookings", "killed_with_work_in_flight", "erp_429",
    "flips", "kills", "compared", "waves_scheduled", "waves_paused", "rollbacks",
    "cloud_lost_replies", "cloud_late_bookings", "cloud_429", "cloud_outage_refusals",
    "workers_killed", "gateways_killed", "deliveries_lost", "deliveries_repeated",
    "deliveries_missigned", "deliveries_disordered", "batches_disordered", "numbers_lost",
}  # fmt: skip


def test_claims_by_name() -> None:
    assert Claims.parse("all").hazards == frozenset(HAZARDS)
    assert Claims.parse("demo").hazards == DEMO.keys() == DEMO_CLAIMS
    assert Claims.parse("none", 3) == Claims(frozenset(), 3)
    assert Claims.parse("flips, kills").hazards == {"flips", "kills"}
    with pytest.raises(LoadTestError, match="no such hazard"):
        Claims.parse("flips,")
