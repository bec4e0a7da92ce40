"""``coexist poslog`` and ``coexist stores``, as stores' operations call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from gateway import cli
from gateway.errors import FileRefused
from tests.contract.command_line import coexist
from tests.processes import ROOT
from tests.unit.channels.poslogs import log, sale, tender, total, totals, transaction


@pytest.fixture
def home(home: Path) -> Path:
    """An installation whose first store has another name in its files."""
    file = home / "coexist.yaml"
    config = yaml.safe_load(file.read_text())
    config["stores"]["NL-001"] |= {"retail_store_id": "502", "time_zone": "Europe/Amsterdam"}
    file.write_text(yaml.safe_dump(config))
    return home


def test_files_are_taken_whole_or_not_at_all_and_reported(home: Path) -> None:
    assert "no file was taken yet" in coexist("poslog", "list")
    assert "no receipts of these days" in coexist("stores", "report")
    coexist("rules", "apply", str(ROOT / "loadtests/rules/0-all-legacy"), "--by", "lee")
    weighed = transaction(3, sale(pieces="0.35"), tender("21.00"), total("21.00"))
    whole = log(transaction(1), weighed, totals("<File Count='2' Amount='42.00'/>"))
    (home / "day.xml").write_bytes(whole)
    for content, said in (
        (whole[:-40], "line 5: the file ends too early"),
        (whole.replace(b"42.00", b"42.10"), "a difference of 0.10"),
        (log(transaction(1)), "no control totals are stated"),
    ):
        (home / "bad.xml").write_bytes(content)
        with pytest.raises(FileRefused, match=said):
            coexist("poslog", "import", "bad.xml", "--channel", "pos")
    assert json.loads(coexist("poslog", "list", "--json")) == []

    said = coexist("poslog", "import", "day.xml", "--channel", "pos")
    assert "day.xml (2 transactions, 42.00 EUR): 1 accepted, 1 held" in said
    assert "NL-001/2026-11-21/2/3" in said
    again = json.loads(coexist("poslog", "import", "day.xml", "--channel", "pos", "--json"))
    assert again[0]["counts"] == {"replayed": 2}
    (home / "bare.xml").write_bytes(
        log(transaction(4, sale(more="<Moon>full</Moon>"), tender("21.00"), total("21.00")))
    )
    stated = ("--count", "1", "--amount", "21.00")
    assert "1 accepted" in coexist("poslog", "import", "bare.xml", "--channel", "pos", *stated)
    assert coexist("poslog", "list").count("taken") == 2
    assert "whole: coexist drift show NL-001/2026-11-21/2/4" in coexist("drift", "--channel", "pos")
    kept = coexist("drift", "show", "NL-001/2026-11-21/2/4", "--unmask")
    assert "<Moon>full</Moon></Sale></LineItem>" in kept

    coexist("stores", "close", "NL-001", "2026-11-21", "--reason", "end of day")
    day = ("--store", "NL-001", "--day", "2026-11-21")
    (found,) = json.loads(coexist("stores", "report", *day, "--json"))
    assert found["closed_at"]
    audited = json.loads(coexist("audit", "list", "--json"))
    assert {row["action"] for row in audited} >= {"receipts.take", "store-day.close"}


def test_what_is_asked_for_wrongly_is_said(home: Path) -> None:
    (home / "a.xml").write_bytes(log())
    (home / "b.xml").write_bytes(log())
    for arguments, said in (
        (("poslog", "import", "a.xml", "--channel", "webshop"), "store-sales; pos is"),
        (("poslog", "import", "a.xml", "b.xml", "--channel", "pos", "--count", "1"), "one file"),
        (("poslog", "import", "a.xml", "--channel", "pos", "--amount", "x"), "is no amount"),
        (("stores", "report", "--store", "NL-999"), "is not a store"),
        (("stores", "close", "NL-999", "2026-11-21"), "is not a store"),
    ):
        done = CliRunner().invoke(cli.coexist, arguments)
        assert done.exit_code == 2
        assert said in " ".join(done.output.replace("│", "").split())
