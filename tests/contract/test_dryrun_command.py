"""`coexist rules dryrun` as a shell sees it: the same figures as text, JSON, evidence and page."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random

import pytest
import yaml

from gateway.settings import load
from gateway.store.ledger import open_ledger
from tests.contract.command_line import coexist, ended
from tests.contract.dryrun_story import HOURS, START_S, keep, story
from tests.processes import ROOT

#: The period of the story, as the command is told it.
PERIOD = ("--since", "2026-11-18T11:00", "--until", "2026-11-18T15:00")


@pytest.fixture
def draft(home: Path, seed: int) -> Path:
    """An installation with recorded traffic, and rules that send orders to the cloud ERP."""

    async def record() -> None:
        settings = load()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        ledger = await open_ledger(settings.ledger)
        await keep(ledger, story(Random(seed)))
        await ledger.close()

    asyncio.run(record())
    rules = yaml.safe_load((ROOT / "routing_rules" / "defaults.yaml").read_text())
    for rule in rules["rules"]:
        if rule["process"] in ("order.intake", "catalog.product"):
            rule["mode"] = "cloud"
    folder = home / "draft"
    folder.mkdir()
    (folder / "defaults.yaml").write_text(yaml.safe_dump(rules))
    return folder


def test_text_json_evidence_and_page_say_the_same(draft: Path, seed: int) -> None:
    assert (START_S, HOURS) == (1_794_999_600, 4)
    files = ("--evidence", "e.json", "--html", "p.html")
    shown = coexist("rules", "dryrun", str(draft), *PERIOD, *files)
    found = json.loads(coexist("rules", "dryrun", str(draft), *PERIOD, "--json"))
    moved, load_ = found["evidence"]["moved"], found["evidence"]["load"]
    gone = sum(
        (it.process in ("order.intake", "catalog.product") and it.went == "legacy")
        or (it.process == "return.credit" and it.went == "legacy")
        for it in story(Random(seed))
    )
    assert moved["decisions"] == gone > 0
    assert f"moved: {gone:,} ({moved['share']:.1%})" in shown
    for erp in ("legacy", "cloud"):
        assert f"{erp}: {load_[erp]['draft']['calls']:,} calls" in shown
    evidence = json.loads(Path("e.json").read_text())
    assert evidence["evidence"] == found["evidence"]
    assert evidence["evidence_hash"] == found["evidence_hash"]
    assert found["evidence_hash"] in shown.replace("\n", "")
    page = Path("p.html").read_text()
    assert f"What moves: {gone:,} decisions" in page
    assert found["evidence_hash"] in page


def test_a_period_the_wrong_way_round_or_empty_is_refused(draft: Path) -> None:
    turned = ended("rules", "dryrun", str(draft), "--since", "1h", "--until", "2h")
    assert turned.exit_code == 2
    assert "is not before --until" in turned.said
    empty = ended("rules", "dryrun", str(draft), "--since", "2020-01-01", "--until", "2020-01-02")
    assert empty.exit_code == 1
    assert "no decisions were recorded in this period" in empty.err
