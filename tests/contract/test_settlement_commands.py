"""``coexist settlements``, as finance calls it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway import cli
from gateway.canonical.exchange.reports import Report
from gateway.errors import FileRefused, NotFound
from gateway.settings import load
from gateway.store.ledger import open_ledger
from tests.contract.command_line import coexist
from tests.unit.channels.settlement_files import ROWS, settlement


def test_a_settlement_is_taken_once_listed_and_shown(home: Path) -> None:
    assert "no settlement was taken yet" in coexist("settlements", "list")
    odd = {**ROWS[0], "amount-description": "MoonFee", "amount": "0.00"}
    (home / "s.txt").write_bytes(settlement([*ROWS, odd]))
    said = coexist("settlements", "import", "s.txt", "--by", "fay")
    assert "settlement 19900000001 taken: 8 rows, 60.44 EUR" in said
    assert "1 row(s) of 1 kind(s) that no list has" in said
    again = json.loads(coexist("settlements", "import", "s.txt", "--json"))
    assert (again["fresh"], again["rows"], again["total"]) == (False, 8, "60.44")
    shown = json.loads(coexist("settlements", "show", "19900000001", "--json"))
    known = {it["amount_description"]: it["known"] for it in shown["components"]}
    assert known["MoonFee"] is False
    assert known["Commission"] is True
    assert "MoonFee" in coexist("settlements", "show", "19900000001")
    lines = coexist("settlements", "rows", "19900000001").splitlines()
    assert [json.loads(line)["amount"] for line in lines][:2] == ["89.9000", "18.8800"]
    assert "19900000001" in coexist("settlements", "list")
    audited = json.loads(coexist("audit", "list", "--json"))
    assert {row["action"] for row in audited} == {"settlement.take"}
    named = json.loads(coexist("drift", "--json"))[0]["reference"]
    (kept,) = json.loads(coexist("drift", "show", named, "--unmask", "--json"))
    assert json.loads(kept["text"])["amount-description"] == "MoonFee"


def test_bad_input_is_said_with_its_line_and_nothing_is_kept(home: Path) -> None:
    (home / "s.txt").write_bytes(settlement(total="1.00"))
    with pytest.raises(FileRefused, match=r"line 2: total-amount: 1\.00 EUR is stated"):
        coexist("settlements", "import", "s.txt")
    for option, value, said in (
        ("--encoding", "klingon", "is no encoding"), ("--channel", "moon", "is not a channel"),
    ):  # fmt: skip
        done = CliRunner().invoke(cli.coexist, ["settlements", "import", "s.txt", option, value])
        assert (done.exit_code, said in done.output) == (2, True), done.output
    for command in ("show", "rows"):
        with pytest.raises(NotFound, match="no settlement '42' was taken"):
            coexist("settlements", command, "42")
    assert json.loads(coexist("settlements", "list", "--json")) == []


async def found() -> None:
    ledger = await open_ledger(load().ledger)
    at = datetime(2026, 11, 26, 12, tzinfo=UTC)
    reports = [
        Report("amazon-nl", "1", "doc-1", at, at, "19900000001"),
        Report("amazon-nl", "2", "doc-2", at, at, tries=2, problem="line 4: 19 fields"),
        Report("amazon-nl", "3", "doc-3", at, at),
    ]
    await ledger.found_reports(reports)
    await ledger.close()


def test_what_became_of_each_report_is_said(home: Path) -> None:
    assert "no report was found yet" in coexist("settlements", "reports")
    asyncio.run(found())
    said = coexist("settlements", "reports")
    assert "amazon-nl  settlement 19900000001" in said
    assert "refused 2 time(s), again from 2026-11-26 12:00 UTC\n  line 4: 19 fields" in said
    assert "to be fetched" in said
    assert len(json.loads(coexist("settlements", "reports", "--count", "2", "--json"))) == 2
