"""`coexist rules diff` and `left`, as a migration lead reads them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import coexist

ROOT = Path(__file__).parents[3]


def run(*args: str) -> Result:
    return CliRunner().invoke(coexist, ["rules", *args])


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example with one percentage raised; no installation is configured."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "rules"
    shutil.copytree(ROOT / "routing_rules", folder)
    wave = folder / "waves" / "3-nl-webshop-orders.yaml"
    wave.write_text(wave.read_text().replace("cloud_percent: 5", "cloud_percent: 12.5"))
    return folder


def test_a_diff_says_which_share_moves(changed: Path) -> None:
    done = run("diff", str(ROOT / "routing_rules"), str(changed))

    assert done.exit_code == 0, done.output
    assert (
        "order.intake: channel webshop; legal_entity NL01: split 5 % by customer_ref -> "
        "split 12.5 % by customer_ref (7.5 % by customer_ref to cloud;"
    ) in " ".join(done.output.split())
    assert len(done.output.splitlines()) == 2


def test_a_diff_back_says_so_too(changed: Path) -> None:
    found = json.loads(run("diff", str(changed), str(ROOT / "routing_rules"), "--json").output)

    (move,) = found["moves"]
    assert move["moves"] == "7.5 % by customer_ref to legacy"
    assert move["when"] == {"channel": ["webshop"], "legal_entity": ["NL01"]}


def test_a_wave_that_is_taken_away_moves_what_it_moved(changed: Path) -> None:
    (changed / "waves" / "6-de-stores.yaml").unlink()

    found = json.loads(run("diff", str(changed), str(ROOT / "routing_rules"), "--json").output)

    sales = [it for it in found["moves"] if it["process"] == "store.sale"]
    assert [(it["from"], it["to"], it["moves"]) for it in sales] == [("legacy", "cloud", "all")]
    assert sales[0]["when"]["business_date"] == {"from": "2027-07-01"}


def test_nothing_moves_between_rules_and_themselves(changed: Path) -> None:
    assert "nothing moves" in run("diff", str(changed), str(changed)).output


def test_left_lists_every_process_and_follow_up(changed: Path) -> None:
    rows = json.loads(run("left", str(changed), "--json").output)["left"]

    assert {row["process"] for row in rows} >= {"order.intake", "store.sale", "return.credit"}
    (sales,) = [row for row in rows if row["process"] == "store.sale"]
    assert any(it["rule"] == "de-franchise-sales" for it in sales["where"])


def test_a_folder_that_is_none_is_named(changed: Path) -> None:
    done = run("diff", "nowhere", str(changed))

    assert done.exit_code != 0
    assert "nowhere" in str(done.exception)
