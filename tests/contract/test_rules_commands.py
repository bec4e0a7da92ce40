"""`coexist rules check | explain | history` as a shell sees them: text and exit code."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from gateway.routing.loader import load as load_rules
from tests.contract.command_line import ended
from tests.processes import ROOT

RULES = ROOT / "routing_rules"
LOADED = load_rules(RULES)
VERSION, COUNT = LOADED.version, len(LOADED.rules)
DEFAULTS = (RULES / "defaults.yaml").read_text(encoding="utf-8")

#: One default with a mode that is none: what is said of it, to people and to machines.
WRONG = DEFAULTS.replace("store.sale, mode: legacy", "store.sale, mode: legcy")
PROBLEM = {
    "file": "wrong/defaults.yaml",
    "line": 8,
    "column": 57,
    "key": "rules[1].mode",
    "problem": "unknown mode 'legcy'",
    "remedy": "did you mean 'legacy'? known here: legacy, cloud, split, hold, owner",
}
SAID = (
    "wrong/defaults.yaml:8:57: rules[1].mode: unknown mode 'legcy'; did you mean 'legacy'? "
    "known here: legacy, cloud, split, hold, owner\n1 problem(s) in the routing rules\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules that pass and rules that do not; no installation is configured."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(RULES, tmp_path / "rules")
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "defaults.yaml").write_text(WRONG, encoding="utf-8")
    return tmp_path


# --------------------------------------------------------------------------- check


def test_rules_that_pass_are_counted(folder: Path) -> None:
    assert ended("rules", "check", "rules") == (
        0, f"{COUNT} rules in 6 wave(s), no problems\nversion {VERSION}\n", ""
    )  # fmt: skip
    code, out, err = ended("rules", "check", "rules", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "ok": True,
        "version": VERSION,
        "rules": COUNT,
        "problems": [],
        "waves_without_rules": [],
    }


def test_rules_that_do_not_are_told_with_their_place_and_end_with_1(folder: Path) -> None:
    assert ended("rules", "check", "wrong") == (1, "", SAID)
    code, out, err = ended("rules", "check", "wrong", "--json")
    assert (code, err) == (1, "")
    assert json.loads(out) == {"ok": False, "problems": [PROBLEM]}


def test_a_folder_that_is_none_is_told_alike(folder: Path) -> None:
    problem, remedy = "does not exist", "name a directory that has defaults.yaml"
    assert ended("rules", "check", "nowhere") == (
        1, "", f"nowhere:1:1: (file): {problem}; {remedy}\n1 problem(s) in the routing rules\n"
    )  # fmt: skip
    code, out, _ = ended("rules", "check", "nowhere", "--json")
    assert (code, json.loads(out)["problems"]) == (1, [
        {"file": "nowhere", "line": 1, "column": 1, "key": "(file)", "problem": problem,
         "remedy": remedy}
    ])  # fmt: skip


def test_without_folder_and_configuration_there_is_nothing_to_check(folder: Path) -> None:
    assert ended("rules", "check") == (
        2, "", ("coexist: configuration from the environment (no coexist.yaml here) cannot work:\n"
        "  legal_entities: is needed and not there\n  channels: is needed and not there\n"
        "  erps: is needed and not there\n"
        "change to the folder of an installation, or begin one: `coexist init`\n"),
    )  # fmt: skip


# --------------------------------------------------------------------------- explain

WEBSHOP = ("order.intake", "channel=webshop", "legal_entity=NL01", "customer_ref=C-1001")
WON = (
    "matches 2 dimensions (channel, legal_entity), mode split 5 % by customer_ref: "
    "bucket 732 of 10000 >= 500, so legacy"
)


def test_a_request_is_explained_rule_by_rule(folder: Path) -> None:
    code, out, err = ended("rules", "explain", *WEBSHOP, "--rules", "rules")
    assert (code, err) == (0, "")
    assert out == (
        "order.intake (channel=webshop, legal_entity=NL01, customer_ref=C-1001)\n"
        "  goes to legacy: split of 5 % by customer_ref: legacy side\n"
        f"  by rules {VERSION}\n"
        f"  + nl-webshop-intake (rules/waves/3-nl-webshop-orders.yaml:11): {WON}\n"
        "  - de-marketplace-swiss (rules/waves/5-de-marketplace.yaml:20): does not match: "
        "channel is 'webshop', not marketplace\n"
        "  - de-marketplace-intake (rules/waves/5-de-marketplace.yaml:13): does not match: "
        "channel is 'webshop', not marketplace\n"
        "  - de-webshop-waits (rules/waves/5-de-marketplace.yaml:27): does not match: "
        "legal_entity is 'NL01', not DE01\n"
        "  - default-order-intake (rules/defaults.yaml:7): less specific than nl-webshop-intake: "
        "matches anything, as the default\n"
    )


def test_machines_are_told_the_same(folder: Path) -> None:
    code, out, err = ended("rules", "explain", *WEBSHOP, "--rules", "rules", "--json")
    told = json.loads(out)
    rules = told.pop("rules")
    assert (code, err) == (0, "")
    assert told == {
        "process": "order.intake",
        "facts": {
            "process": "order.intake",
            "channel": "webshop",
            "legal_entity": "NL01",
            "customer_ref": "C-1001",
        },
        "version": VERSION,
        "target": "legacy",
        "shadow": None,
        "rule": "nl-webshop-intake",
        "reason": "split of 5 % by customer_ref: legacy side",
    }
    assert rules[0] == {
        "rule": "nl-webshop-intake",
        "place": "rules/waves/3-nl-webshop-orders.yaml:11",
        "won": True,
        "why": WON,
    }
    assert [it["won"] for it in rules] == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a PROCESS, or a recorded one with --transaction ID"),
        (
            ("order.intak",),
            (
                "unknown process 'order.intak'; known are order.intake, order.cancellation, "
                "return.authorisation, return.receipt, return.credit, store.sale, "
                "inventory.availability, catalog.product, catalog.price"
            ),
        ),
        (
            ("order.intake", "chanel=webshop"),
            (
                "'chanel=webshop' is not a fact; write name=value with one of channel, "
                "legal_entity, country, region, store, node, brand, category, customer_group, "
                "business_date, customer_ref, order_ref, sku"
            ),
        ),
        (
            ("store.sale", "business_date=20261121"),
            "'business_date=20261121' is no day; write business_date=2026-11-21",
        ),
        (
            ("order.intake", "--transaction", "0c-01m7zmtvkt0cs5eqbxdqvkbnt7"),
            "--transaction ID is explained as it was decided; name no more",
        ),
    ],
)
def test_a_call_that_cannot_be_explained_says_what_to_write(
    folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = ended("rules", "explain", *arguments)
    assert (done.exit_code, done.out, done.said) == (2, "", said)


def test_with_rules_that_are_wrong_nothing_is_explained(folder: Path) -> None:
    assert ended("rules", "explain", *WEBSHOP, "--rules", "wrong") == (1, "", SAID)


# --------------------------------------------------------------------------- in an installation


def test_the_history_and_what_is_in_force(home: Path) -> None:
    """Before the first flip, and after it."""
    assert ended("rules", "history") == (
        0, "no rules were ever applied; run `coexist rules apply`\n", ""
    )  # fmt: skip
    nothing: dict[str, object] = {
        "in_force": {"epoch": 0, "version": ""},
        "open": None,
        "history": [],
    }
    assert json.loads(ended("rules", "history", "--json").out) == nothing
    assert ended("rules", "explain", "order.intake") == (
        1, "", "coexist: no rules are in force yet; run `coexist rules apply`\n"
    )  # fmt: skip
    shutil.copytree(
        ROOT / "loadtests" / "rules" / "0-all-legacy", home / "routing_rules", dirs_exist_ok=True
    )
    assert ended("rules", "apply", "--by", "Ada", "--note", "first").exit_code == 0
    defaults = home / "routing_rules" / "defaults.yaml"
    prices = "process: catalog.price, mode: "
    defaults.write_text(defaults.read_text().replace(f"{prices}legacy", f"{prices}cloud"))
    assert ended("rules", "apply", "--by", "Lee", "--note", "prices").exit_code == 0
    at = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    lines = (
        rf"\*    2 ([0-9a-f]{{12}}) apply    {at} Lee  prices\n"
        rf"     1 0c1184996089 apply    {at} Ada  first\n"
    )
    code, out, err = ended("rules", "history")
    assert (code, err) == (0, "")
    found = re.fullmatch(lines, out)
    assert found, out
    version = found[1]
    told = json.loads(ended("rules", "history", "--json", "--count", "1").out)
    (newest,) = told.pop("history")
    assert re.fullmatch(at.replace(" ", "T") + r"[.\d]*\+00:00", newest.pop("at"))
    assert newest == {
        "epoch": 2, "version": version, "kind": "apply", "by": "Lee", "note": "prices"
    }  # fmt: skip
    assert told == {"in_force": {"epoch": 2, "version": version}, "open": None}
    assert ended("rules", "explain", "catalog.price", "channel=webshop").out == (
        "catalog.price (channel=webshop)\n  goes to cloud: default of catalog.price\n"
        f"  by rules {version}\n"
        "  + default-catalog-price: no other rule matches, mode cloud\n"
    )
    unknown = ended("rules", "explain", "--transaction", "0c-unknown")
    assert unknown == (
        1, "", "coexist: no transaction '0c-unknown' is known; check the id\n"
    )  # fmt: skip


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_history_of_no_lines_is_refused(folder: Path, count: str) -> None:
    done = ended("rules", "history", "--count", count)
    why = "is not a valid integer range" if count == "many" else "is not in the range x>=1"
    shown = repr(count) if count == "many" else count
    assert (done.exit_code, done.said) == (
        2, f"Invalid value for '--count': {shown} {why}."
    )  # fmt: skip
