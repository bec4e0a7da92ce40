"""Problems of files, and of names that several files use: each exact text."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import RulesError
from gateway.routing.loader import load
from tests.unit.routing.conftest import RuleFiles, intake, sale

# ------------------------------------------------------------------ one file


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RulesError) as caught:
        load(tmp_path / "nowhere")

    assert caught.value.detail == (
        f"{tmp_path}/nowhere:1:1: (file): does not exist; name a directory that has defaults.yaml"
    )


def test_no_defaults_file(files: RuleFiles) -> None:
    (files.root / "defaults.yaml").unlink()

    assert files.problems() == [
        "defaults.yaml:1:1: (file): does not exist; write one rule per process there, its default"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "1:1: (file): is empty; remove the file, or write rules into it"),
        ("# later\n", "1:1: (file): is empty; remove the file, or write rules into it"),
        (
            "wave: w\nowner: o\nrules: [a\n",
            ("4:1: (file): is not YAML: did not find expected ',' or ']'; correct the syntax"),
        ),
        (
            "wave: w: x\n",
            (
                "1:8: (file): is not YAML: mapping values are not allowed in this context; "
                "correct the syntax"
            ),
        ),
        (
            "wave: w\n---\nwave: x\n",
            "2:1: (file): holds a second document; keep one, in a file of its own",
        ),
        (
            b"wave: caf\xe9\n",
            "1:1: (file): is not UTF-8 text: byte 9 is 0xe9; save it as UTF-8",
        ),
        (
            "wave: a\x07b\n",
            "1:1: (file): has the character U+0007, which YAML forbids; remove it",
        ),
        ("[" * 3000, "1:11: (file): is nested too deeply; rules need a depth of five"),
        ("- a\n", "1:1: (file): is not a mapping; write `key: value` pairs"),
        (
            "wave: w\nowner: o\nrules: []\nruls: []\n",
            (
                "4:1: ruls: unknown key 'ruls'; did you mean 'rules'? known here: wave, owner, "
                "depends_on, older_orders, guardrails, rules"
            ),
        ),
        (
            "wave: w\nowner: o\nrules: {}\n",
            "3:8: rules: is not a list; write `- …` items, or [] for none",
        ),
        ("owner: o\nrules: []\n", "1:1: (file): has no 'wave'; add `wave: …`"),
        (
            "wave: w\nowner: ~\nrules: []\n",
            "2:8: owner: is empty; write a value, or remove the key",
        ),
        (
            "wave: W 1\nowner: o\nrules: []\n",
            (
                "1:7: wave: 'W 1' is not a name; use 1 to 64 of a-z, 0-9, '.', '_' and '-', "
                "starting with a letter or digit"
            ),
        ),
        (
            "? [a]\n: b\nwave: w\nowner: o\nrules: []\n",
            (
                "1:3: ?: unknown key '?'; known here: wave, owner, depends_on, older_orders, "
                "guardrails, rules"
            ),
        ),
    ],
)
def test_a_problem_of_one_file(files: RuleFiles, content: str | bytes, said: str) -> None:
    files.write("waves/w.yaml", content)

    assert files.problems() == [f"waves/w.yaml:{said}"]


def test_a_file_that_cannot_be_read(files: RuleFiles) -> None:
    (files.root / "waves" / "w.yaml").mkdir(parents=True)

    assert files.problems() == [
        "waves/w.yaml:1:1: (file): cannot be read: Is a directory; make it readable"
    ]


@pytest.mark.parametrize("stray", ["wave.yaml", "waves/w.yml", "waves/w.YAML", "old/w.yaml"])
def test_yaml_that_would_silently_not_be_read(files: RuleFiles, stray: str) -> None:
    files.write(stray, "wave: w\nowner: o\nrules: []\n")

    assert files.problems() == [
        (
            f"{stray}:1:1: (file): is not read; rules belong in defaults.yaml and waves/*.yaml: "
            "move or "
            "rename it"
        )
    ]


# ------------------------------------------------------------------ defaults


def test_each_missing_default_is_named_with_the_rule_to_add(files: RuleFiles) -> None:
    files.defaults("""
        - {id: a, process: order.intake, mode: legacy}
        - {id: b, process: return.credit, mode: owner}
        - {id: c, process: store.sale, mode: legacy}
        - {id: d, process: catalog.product, mode: legacy}
        - {id: e, process: catalog.price, mode: legacy}
    """)

    assert files.problems() == [
        (
            "defaults.yaml:1:1: rules: no default for inventory.availability; add `- {id: "
            "default-inventory-availability, process: inventory.availability, mode: legacy}`"
        ),
    ]


def test_an_invalid_default_is_not_reported_as_missing_too(files: RuleFiles) -> None:
    text = (files.root / "defaults.yaml").read_text()
    files.write(
        "defaults.yaml", text.replace("order.intake, mode: legacy", "order.intake, mode: x")
    )

    assert [said.split(": ")[1] for said in files.problems()] == ["rules[0].mode"]


def test_nothing_is_missing_from_a_file_that_cannot_be_read(files: RuleFiles) -> None:
    files.write("defaults.yaml", "rules: [\n")

    assert len(files.problems()) == 1


def test_two_defaults_of_one_process(files: RuleFiles) -> None:
    path = files.root / "defaults.yaml"
    path.write_text(path.read_text() + "- {id: second, process: order.intake, mode: hold}\n")

    assert files.problems() == [
        "defaults.yaml:9:3: rules[7]: order.intake has two defaults, the first in "
        f"{path}:2; keep one of them".replace(f"{files.root}/", "")
    ]


@pytest.mark.parametrize(
    ("default", "said"),
    [
        (
            "process: store.sale, mode: cloud",
            (
                "5:46: rules[3].mode: as a default it would move days of store.sale that are long "
                "closed; keep legacy, and write a rule of a wave with business_date: {from: "
                "YYYY-MM-DD}"
            ),
        ),
        (
            "process: store.sale, when: {store: X}, mode: legacy",
            (
                "5:46: rules[3].when: a default matches every request; remove it, or move the rule "
                "to a wave"
            ),
        ),
        (
            "process: store.sale, wave: x, mode: legacy",
            (
                "5:40: rules[3].wave: unknown key 'wave'; known here: id, process, when, mode, "
                "cloud_percent, sticky_by, shadow, needs"
            ),
        ),
    ],
)
def test_a_problem_of_a_default(files: RuleFiles, default: str, said: str) -> None:
    path = files.root / "defaults.yaml"
    lines = path.read_text().splitlines()
    lines[4] = f"- {{id: default-s, {default}}}"
    files.write("defaults.yaml", "\n".join(lines))

    assert files.problems() == [f"defaults.yaml:{said}"]


def test_a_default_may_say_that_it_matches_everything(files: RuleFiles) -> None:
    path = files.root / "defaults.yaml"
    path.write_text(path.read_text().replace("order.intake, mode", "order.intake, when: {}, mode"))

    assert load(files.root).rules_of("order.intake")[0].is_default


def test_defaults_without_rules(files: RuleFiles) -> None:
    files.write("defaults.yaml", "owner: me\n")

    assert files.problems() == [
        "defaults.yaml:1:1: (file): has no 'rules'; add `rules: …`",
        "defaults.yaml:1:1: owner: unknown key 'owner'; known here: rules",
    ]


# ------------------------------------------------------------------ names and waves


def test_an_id_used_twice(files: RuleFiles) -> None:
    files.wave(intake("same", "channel: pos"), name="w1")
    files.wave(sale("same", "store: NL-001"), name="w2")

    assert files.problems() == [
        (
            "waves/w2.yaml:5:3: rules[0]: id 'same' is used already, in waves/w1.yaml:5; give it "
            "another one"
        )
    ]


def test_a_wave_named_twice(files: RuleFiles) -> None:
    files.wave("", name="w1")
    files.write("waves/w2.yaml", "wave: w1\nowner: o\nrules: []\n")

    assert files.problems() == [
        (
            "waves/w2.yaml:1:7: wave: wave 'w1' is used already, in waves/w1.yaml:1; give it "
            "another one"
        )
    ]


def test_a_wave_that_depends_on_an_unknown_one(files: RuleFiles) -> None:
    files.wave("", name="item-master")
    files.wave("", name="w2", head="depends_on: [item-master, item-mastre]")

    assert files.problems() == [
        (
            "waves/w2.yaml:3:27: depends_on[1]: unknown wave 'item-mastre'; did you mean "
            "'item-master'? known here: item-master, w2"
        )
    ]


def test_waves_that_depend_on_each_other(files: RuleFiles) -> None:
    for name, before in (("a", "c"), ("b", "[a]"), ("c", "[b, d]"), ("d", "[]"), ("e", "e")):
        files.wave("", name=name, head=f"depends_on: {before}")

    assert files.problems() == [
        (
            "waves/a.yaml:1:7: wave: the waves depend on each other in a circle: a -> c -> b -> a; "
            "remove one of the dependencies"
        ),
        (
            "waves/e.yaml:1:7: wave: the waves depend on each other in a circle: e -> e; remove "
            "one of the dependencies"
        ),
    ]


def test_a_byte_order_mark_is_no_problem(files: RuleFiles) -> None:
    files.write("waves/w.yaml", b"\xef\xbb\xbfwave: w\nowner: o\nrules: []\n")

    assert [wave.name for wave in load(files.root).waves] == ["w"]
