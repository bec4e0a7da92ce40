"""The canonical text: what names a version, what is stored, what processes compile from."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from gateway.canonical.process import Target
from gateway.errors import RulesUnavailable
from gateway.routing.compile import compile_rules
from gateway.routing.facts import Facts
from gateway.routing.loader import load, parse
from gateway.routing.model import DateRange, Mode, Place, Rule, Wave, percent_text
from gateway.routing.ruleset import RuleSet
from tests.unit.routing.conftest import RuleFiles

SPLIT = Rule(
    "web",
    "order.intake",
    Mode.SPLIT,
    when=(("channel", ("marketplace", "webshop")), ("legal_entity", ("NL01",))),
    percent_hundredths=1250,
    sticky_by="customer_ref",
    wave="w",
)
DATED = Rule(
    "stores",
    "store.sale",
    Mode.CLOUD,
    when=(("store", ("NL-001",)),),
    dates=DateRange("2026-11-21"),
    wave="w",
)
SHADOWED = Rule("orders", "order.intake", Mode.LEGACY, shadow=Target.CLOUD)
WAVE = Wave("w", "order-management", ("b", "a"))


def test_the_text_is_canonical_json_without_what_does_not_apply() -> None:
    rule_set = RuleSet.of([DATED, SPLIT, SHADOWED], [WAVE])

    assert rule_set.text == (
        '{"format":1,"rules":['
        '{"id":"orders","mode":"legacy","process":"order.intake","shadow":"cloud"},'
        '{"cloud_percent_hundredths":1250,"id":"web","mode":"split","process":"order.intake",'
        '"sticky_by":"customer_ref","wave":"w",'
        '"when":{"channel":["marketplace","webshop"],"legal_entity":["NL01"]}},'
        '{"id":"stores","mode":"cloud","process":"store.sale","wave":"w",'
        '"when":{"business_date":{"from":"2026-11-21"},"store":["NL-001"]}}],'
        '"waves":[{"depends_on":["a","b"],"name":"w","owner":"order-management"}]}'
    )
    assert rule_set.version == sha256(rule_set.text.encode()).hexdigest()[:12]


def test_what_is_parsed_is_what_was_rendered() -> None:
    rule_set = RuleSet.of([DATED, SPLIT, SHADOWED], [Wave("w", "o", ("a", "b"))])

    assert parse(rule_set.text, rule_set.version) == rule_set


def test_where_a_rule_is_written_is_not_part_of_it() -> None:
    placed = Rule("a", "store.sale", Mode.HOLD, place=Place("f.yaml", 3, 1, "rules[0]"))
    elsewhere = Rule("a", "store.sale", Mode.HOLD, place=Place("g.yaml", 9, 1, "rules[4]"))

    assert RuleSet.of([placed]) == RuleSet.of([elsewhere])
    stored = RuleSet.of([placed])
    assert parse(stored.text, stored.version).rules[0].place is None


def test_layout_comments_and_order_do_not_change_the_version(files: RuleFiles) -> None:
    files.wave(
        """
        - id: a
          process: order.intake
          when: {channel: [webshop, pos], legal_entity: NL01}
          mode: split
          cloud_percent: 12.5
          sticky_by: customer_ref
        - {id: b, process: store.sale, when: {store: NL-001}, mode: hold}
        """,
        head="depends_on: [x, y]",
    )
    files.wave("", name="x")
    files.wave("", name="y")
    before = load(files.root)

    files.wave(
        """
        # the other way round
        - mode: hold
          "when":
            store:
              - 'NL-001'
          process: store.sale
          id: b
        - {sticky_by: customer_ref, cloud_percent: 12.50, mode: split, id: a, process: order.intake,
           when: {legal_entity: [NL01], channel: [pos, "webshop"]}}
        """,
        head="depends_on:\n- y\n- x",
    )
    (files.root / "waves" / "w.yaml").rename(files.root / "waves" / "0.yaml")

    assert load(files.root) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cloud_percent: 12.5", "cloud_percent: 12.51"),
        ("sticky_by: customer_ref", "sticky_by: order_ref"),
        ("channel: webshop", "channel: pos"),
        ("id: a", "id: a2"),
        ("owner: team", "owner: another-team"),
    ],
)
def test_what_the_rules_say_changes_the_version(files: RuleFiles, old: str, new: str) -> None:
    files.wave("""
        - {id: a, process: order.intake, when: {channel: webshop}, mode: split,
           cloud_percent: 12.5, sticky_by: customer_ref}
    """)
    before = load(files.root).version

    path = files.root / "waves" / "w.yaml"
    path.write_text(path.read_text().replace(old, new))

    assert load(files.root).version != before


def test_text_stays_as_it_is_written(files: RuleFiles) -> None:
    files.wave(
        "- {id: a, process: order.intake, when: {country: [NO, 007, 1e3, ~x]}, mode: hold}\n"
    )

    assert load(files.root).rules_of("order.intake")[0].when == (
        ("country", ("007", "1e3", "NO", "~x")),
    )


@pytest.mark.parametrize(
    ("percent", "hundredths"),
    [
        ("0", 0),
        ("0.01", 1),
        ("5", 500),
        ("12.5", 1250),
        ("12.34", 1234),
        ("99.99", 9999),
        ("100.00", 10000),
    ],
)
def test_percentages_are_read_without_a_float(
    files: RuleFiles, percent: str, hundredths: int
) -> None:
    files.wave(f"""
        - {{id: a, process: order.intake, when: {{channel: webshop}}, mode: split,
            cloud_percent: {percent}, sticky_by: customer_ref}}
    """)

    assert load(files.root).rules_of("order.intake")[0].percent_hundredths == hundredths


@pytest.mark.parametrize(
    ("hundredths", "text"),
    [(0, "0"), (1, "0.01"), (10, "0.1"), (1250, "12.5"), (3000, "30"), (10000, "100")],
)
def test_percentages_are_written_as_people_do(hundredths: int, text: str) -> None:
    assert percent_text(hundredths) == text


def doctored(**changes: Any) -> str:
    record = json.loads(RuleSet.of([SPLIT], [WAVE]).text)
    record["rules"][0].update(changes)
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def version_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Input data was truncated"),
        ("[]", "Expected `object`, got `array`"),
        ('{"format":1}', "Object missing required field `rules`"),
        (doctored(mode="clowd"), "Invalid enum value 'clowd' - at `$.rules[0].mode`"),
        (doctored(process="order.x"), "no process 'order.x' in this release"),
        (doctored(when={"store": ["x"]}), "order.intake is not routed by store"),
        (doctored(comment="hello"), "Object contains unknown field `comment` - at `$.rules[0]`"),
        (doctored(when={"channel": "webshop"}), "Expected `object | array`, got `str`"),
    ],
)
def test_a_text_this_release_cannot_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(RulesUnavailable) as caught:
        parse(text, version_of(text))

    assert caught.value.detail.startswith(f"the stored rules cannot be read ({said}")
    assert caught.value.detail.endswith("); apply the rule files again")


@pytest.mark.parametrize(
    "text",
    [
        "",
        doctored(cloud_percent_hundredths=9999),
        doctored(when={"channel": ["webshop", "marketplace"]}),
        RuleSet.of([SPLIT], [WAVE]).text + "\n",
        RuleSet.of([DATED]).text,
    ],
    ids=["nothing", "edited", "reordered", "longer", "another version's"],
)
def test_what_is_not_the_text_of_its_version_is_refused(text: str) -> None:
    version = RuleSet.of([SPLIT], [WAVE]).version

    with pytest.raises(RulesUnavailable) as caught:
        parse(text, version)

    assert caught.value.detail == (
        f"what is stored as rule version {version} is another text: somebody edited it; "
        "apply the rule files again"
    )


def test_a_text_of_a_later_format_is_refused() -> None:
    later = '{"format":2,"rules":{"anything":"else"}}'
    with pytest.raises(RulesUnavailable) as caught:
        parse(later, version_of(later))

    assert caught.value.detail == (
        "the stored rules have format 2, this release reads 1; run a release that knows it, or "
        "apply the rules anew"
    )


def test_a_follow_up_nobody_wrote_a_rule_for_goes_to_the_owner() -> None:
    stored = RuleSet.of([SPLIT])  # as by a release that knew fewer follow-ups
    rules = parse(stored.text, stored.version)
    (default,) = rules.rules_of("return.receipt")
    assert (default.rule_id, default.mode) == ("default-return-receipt", Mode.OWNER)
    assert compile_rules(rules).decide(Facts("return.receipt")).target is None
    with pytest.raises(RulesUnavailable, match="no default for process"):
        compile_rules(rules).decide(Facts("store.sale"))
