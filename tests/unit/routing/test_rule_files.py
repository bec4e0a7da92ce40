"""Problems of files, and of what rules of several files do to each other: each exact text."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import RulesError
from gateway.routing.loader import load
from gateway.routing.overlap import FOUND_MAX
from tests.unit.routing.conftest import RuleFiles

NARROWER = "make one of them narrower, or add a rule for what both match that names more dimensions"
REMOVE = "remove it, or change what it matches"


def intake(rule_id: str, when: str, mode: str = "cloud") -> str:
    return f"- {{id: {rule_id}, process: order.intake, when: {{{when}}}, mode: {mode}}}\n"


def sale(rule_id: str, when: str, mode: str = "hold") -> str:
    return f"- {{id: {rule_id}, process: store.sale, when: {{{when}}}, mode: {mode}}}\n"


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
            (
                "4:1: (file): is not YAML: expected ',' or ']', but got '<stream end>'; correct "
                "the "
                "syntax"
            ),
        ),
        (
            "wave: w: x\n",
            "1:8: (file): is not YAML: mapping values are not allowed here; correct the syntax",
        ),
        (
            "wave: w\n---\nwave: x\n",
            "2:1: (file): is not YAML: but found another document; correct the syntax",
        ),
        (
            b"wave: caf\xe9\n",
            "1:1: (file): is not UTF-8 text: byte 9 is 0xe9; save it as UTF-8",
        ),
        (
            "wave: a\x07b\n",
            "1:1: (file): has the character U+0007, which YAML forbids; remove it",
        ),
        ("[" * 3000, "1:1: (file): is nested too deeply; rules need a depth of five"),
        ("- a\n", "1:1: (file): is not a mapping; write `key: value` pairs"),
        (
            "wave: w\nowner: o\nrules: []\nruls: []\n",
            (
                "4:1: ruls: unknown key 'ruls'; did you mean 'rules'? known here: wave, owner, "
                "depends_on, rules"
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
                "starting "
                "with a letter or digit"
            ),
        ),
        (
            "? [a]\n: b\nwave: w\nowner: o\nrules: []\n",
            "1:3: ?: unknown key '?'; known here: wave, owner, depends_on, rules",
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
            "move "
            "or "
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
        (
            "defaults.yaml:1:1: rules: no default for order.cancellation; add `- {id: "
            "default-order-cancellation, process: order.cancellation, mode: owner}`"
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
                "to a "
                "wave"
            ),
        ),
        (
            "process: store.sale, wave: x, mode: legacy",
            (
                "5:40: rules[3].wave: unknown key 'wave'; known here: id, process, when, mode, "
                "cloud_percent, sticky_by, shadow"
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
            "another "
            "one"
        )
    ]


def test_a_wave_named_twice(files: RuleFiles) -> None:
    files.wave("", name="w1")
    files.write("waves/w2.yaml", "wave: w1\nowner: o\nrules: []\n")

    assert files.problems() == [
        (
            "waves/w2.yaml:1:7: wave: wave 'w1' is used already, in waves/w1.yaml:1; give it "
            "another "
            "one"
        )
    ]


def test_a_wave_that_depends_on_an_unknown_one(files: RuleFiles) -> None:
    files.wave("", name="item-master")
    files.wave("", name="w2", head="depends_on: [item-master, item-mastre]")

    assert files.problems() == [
        (
            "waves/w2.yaml:3:27: depends_on[1]: unknown wave 'item-mastre'; did you mean "
            "'item-master'? "
            "known here: item-master, w2"
        )
    ]


def test_waves_that_depend_on_each_other(files: RuleFiles) -> None:
    for name, before in (("a", "c"), ("b", "[a]"), ("c", "[b, d]"), ("d", "[]"), ("e", "e")):
        files.wave("", name=name, head=f"depends_on: {before}")

    assert files.problems() == [
        (
            "waves/a.yaml:1:7: wave: the waves depend on each other in a circle: a -> c -> b -> a; "
            "remove "
            "one of the dependencies"
        ),
        (
            "waves/e.yaml:1:7: wave: the waves depend on each other in a circle: e -> e; remove "
            "one of "
            "the dependencies"
        ),
    ]


# ------------------------------------------------------------------ overlaps


def test_two_rules_that_both_match_and_name_as_many_dimensions(files: RuleFiles) -> None:
    files.wave(intake("web", "channel: webshop"), name="w1")
    files.wave(intake("germany", "legal_entity: DE01"), name="w2")

    assert files.problems() == [
        "waves/w2.yaml:5:3: rules[0]: overlap without a winner: 'germany' and 'web' "
        "(waves/w1.yaml:5) "
        "both match channel=webshop, legal_entity=DE01 and both name 1 dimension; " + NARROWER
    ]


def test_the_overlap_is_settled_by_a_rule_that_names_more(files: RuleFiles) -> None:
    files.wave(
        intake("web", "channel: [webshop, pos]")
        + intake("germany", "legal_entity: DE01")
        + intake("german-web", "channel: webshop, legal_entity: DE01")
    )
    half_settled = files.problems()

    files.wave(
        intake("web", "channel: [webshop, pos]")
        + intake("germany", "legal_entity: DE01")
        + intake("german-web", "channel: webshop, legal_entity: DE01")
        + intake("german-tills", "channel: pos, legal_entity: [DE01, NL01]")
    )

    assert half_settled == [
        "waves/w.yaml:6:3: rules[1]: overlap without a winner: 'germany' and 'web' "
        "(waves/w.yaml:5) "
        "both match channel=pos, legal_entity=DE01 and both name 1 dimension; " + NARROWER
    ]
    assert len(load(files.root).rules_of("order.intake")) == 5


def test_three_rules_tie_in_pairs(files: RuleFiles) -> None:
    files.wave(
        intake("a", "channel: pos, region: N")
        + intake("b", "channel: pos, brand: X")
        + intake("c", "region: N, brand: X")
    )

    assert [said.split("winner: ")[1].split(" both match")[0] for said in files.problems()] == [
        "'b' and 'a' (waves/w.yaml:5)",
        "'c' and 'a' (waves/w.yaml:5)",
        "'c' and 'b' (waves/w.yaml:6)",
    ]


def test_lists_that_share_a_value(files: RuleFiles) -> None:
    files.wave(intake("one", "region: [N, S]") + intake("two", "region: [S, W]"))

    assert files.problems() == [
        "waves/w.yaml:6:3: rules[1]: overlap without a winner: 'two' and 'one' (waves/w.yaml:5) "
        "both "
        "match region=S and both name 1 dimension; " + NARROWER
    ]


def test_ranges_that_share_a_day(files: RuleFiles) -> None:
    files.wave(
        sale("one", "store: NL-001, business_date: {to: 2026-11-21}")
        + sale("two", "store: NL-001, business_date: {from: 2026-11-21}")
    )

    assert files.problems() == [
        "waves/w.yaml:6:3: rules[1]: overlap without a winner: 'two' and 'one' (waves/w.yaml:5) "
        "both "
        "match store=NL-001, business_date=2026-11-21 and both name 2 dimensions; " + NARROWER
    ]


def test_a_range_of_days_is_one_dimension(files: RuleFiles) -> None:
    files.wave(sale("days", "business_date: {to: 2026-11-21}") + sale("store", "store: NL-001"))

    assert files.problems() == [
        "waves/w.yaml:6:3: rules[1]: overlap without a winner: 'store' and 'days' (waves/w.yaml:5) "
        "both match store=NL-001, business_date=2026-11-21 and both name 1 dimension; " + NARROWER
    ]


@pytest.mark.parametrize(
    "rules",
    [
        intake("a", "channel: pos") + sale("b", "channel: pos"),
        intake("a", "channel: pos") + intake("b", "channel: webshop"),
        intake("a", "channel: pos") + intake("b", "channel: pos, region: N"),
        sale("a", "store: NL-001, business_date: {to: 2026-11-20}")
        + sale("b", "store: NL-001, business_date: {from: 2026-11-21, to: 2026-11-21}")
        + sale("c", "store: NL-001, business_date: {from: 2026-11-22}"),
        sale("a", "store: NL-001, channel: pos")
        + sale("b", "store: NL-001, business_date: {from: 2026-11-22}")
        + sale("c", "store: NL-001, channel: pos, business_date: {from: 2026-11-20}"),
    ],
    ids=["processes", "values", "specificity", "days", "settled from an earlier day on"],
)
def test_rules_that_never_tie(files: RuleFiles, rules: str) -> None:
    files.wave(rules)

    assert load(files.root).version


# ------------------------------------------------------------------ unreachable


def test_the_same_rule_twice(files: RuleFiles) -> None:
    files.wave(intake("a", "channel: pos, region: [N, S]"))
    files.wave(intake("b", "region: [S, N], channel: pos", "legacy"), name="w2")

    assert files.problems() == [
        "waves/w2.yaml:5:3: rules[0]: unreachable: 'b' can never win, 'a' (waves/w.yaml:5) match "
        "all "
        "it matches and name as many dimensions or more; " + REMOVE
    ]


def test_a_rule_inside_another_of_the_same_dimensions(files: RuleFiles) -> None:
    files.wave(
        sale("inner", "store: NL-001, business_date: {from: 2026-11-21, to: 2026-11-22}")
        + sale("outer", "store: [NL-001, NL-002], business_date: {from: 2026-11-01}")
    )

    assert files.problems() == [
        "waves/w.yaml:5:3: rules[0]: unreachable: 'inner' can never win, 'outer' (waves/w.yaml:6) "
        "match all it matches and name as many dimensions or more; " + REMOVE
    ]


def test_a_rule_below_rules_that_name_every_day(files: RuleFiles) -> None:
    until = "business_date: {to: 2026-11-20}"
    since = "business_date: {from: 2026-11-21}"
    files.wave(
        sale("store", "store: [NL-001, NL-002]")
        + sale("before", f"store: [NL-001, NL-002], {until}")
        + sale("after-1", f"store: NL-001, {since}")
        + sale("after-2", f"store: NL-002, {since}")
    )

    assert files.problems() == [
        "waves/w.yaml:5:3: rules[0]: unreachable: 'store' can never win, 'before' "
        "(waves/w.yaml:6), "
        "'after-1' (waves/w.yaml:7), 'after-2' (waves/w.yaml:8) match all it matches and name as "
        "many dimensions or more; " + REMOVE
    ]


def test_a_rule_with_a_day_left_is_reachable(files: RuleFiles) -> None:
    files.wave(
        sale("store", "store: NL-001")
        + sale("before", "store: NL-001, business_date: {to: 2026-11-19}")
        + sale("after", "store: NL-001, business_date: {from: 2026-11-21}")
    )

    assert len(load(files.root).rules_of("store.sale")) == 4


def test_a_flood_of_overlaps_is_cut(files: RuleFiles) -> None:
    files.wave(
        "".join(
            intake(f"c{n}", f"channel: [pos], region: R{n}")
            + intake(f"b{n}", f"region: R{n}, brand: B")
            for n in range(FOUND_MAX + 20)
        )
    )

    assert len(files.problems()) == FOUND_MAX


def test_a_byte_order_mark_is_no_problem(files: RuleFiles) -> None:
    files.write("waves/w.yaml", b"\xef\xbb\xbfwave: w\nowner: o\nrules: []\n")

    assert [wave.name for wave in load(files.root).waves] == ["w"]
