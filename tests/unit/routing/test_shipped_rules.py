"""What ships beside the code: the example rules, the demo's rule sets, schema and reference."""

from __future__ import annotations

import json
import re
from pathlib import Path
from string import Template

import pytest

from gateway.canonical.process import PROCESSES, Target
from gateway.routing.compile import Compiled, compile_rules
from gateway.routing.facts import Facts
from gateway.routing.loader import load
from gateway.routing.model import Mode, Vocabulary, modes_of
from gateway.routing.reference import reference
from gateway.routing.schema import schema
from gateway.routing.sticky import bucket

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "loadtests" / "rules"
TODAY, YESTERDAY = "2026-11-21", "2026-11-20"

VOCABULARY = Vocabulary(
    channels={"webshop", "marketplace", "pos", "returns-desk", "ops"},
    legal_entities={"NL01", "DE01"},
    stores={f"NL-{n:03d}" for n in range(1, 7)} | {f"DE-{n:03d}" for n in range(1, 5)},
)

#: Who the example is about.
RETAILER = Vocabulary(
    channels={"webshop", "marketplace", "pos"},
    legal_entities={"NL01", "DE01"},
    stores={f"NL-{n:03d}" for n in range(1, 25)} | {f"DE-{n:03d}" for n in range(1, 17)},
)


def demo_rules(name: str, tmp_path: Path) -> Compiled:
    """Do what the demo does: copy a set with the business date filled in, then load it."""
    for path in (DEMO / name).rglob("*.yaml"):
        copy = tmp_path / path.relative_to(DEMO)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(Template(path.read_text()).safe_substitute(today=TODAY))
    return compile_rules(load(tmp_path / name, VOCABULARY))


def test_the_example_rules_load() -> None:
    rule_set = load(ROOT / "routing_rules", RETAILER)

    assert {rule.process for rule in rule_set.rules if rule.is_default} == set(PROCESSES)
    assert {rule.mode for rule in rule_set.rules if rule.is_default} == {Mode.LEGACY, Mode.OWNER}
    assert [wave.name for wave in rule_set.waves] == [
        "de-marketplace", "de-stores", "nl-item-master", "nl-pilot-stores", "nl-stores",
        "nl-webshop-orders",
    ]  # fmt: skip
    assert all(wave.owner for wave in rule_set.waves)


def test_the_example_uses_every_mode_and_shadows_both_ways() -> None:
    rule_set = load(ROOT / "routing_rules", RETAILER)

    assert {rule.mode for rule in rule_set.rules} == set(Mode)
    assert {rule.shadow for rule in rule_set.rules} == {None, Target.LEGACY, Target.CLOUD}


def test_every_one_of_forty_stores_moves_on_its_day_but_for_the_franchise() -> None:
    rules = compile_rules(load(ROOT / "routing_rules", RETAILER))
    days = ("2027-01-31", "2027-02-28", "2027-06-30", "2027-07-01")
    clouds = []
    for day in days:
        facts = (
            Facts("store.sale", store=it, business_date=day) for it in sorted(RETAILER.stores or ())
        )
        clouds.append({it.store for it in facts if rules.decide(it).target is Target.CLOUD})

    assert [len(it) for it in clouds] == [0, 2, 24, 39]
    assert "DE-016" not in clouds[-1]


def test_the_demo_starts_with_everything_in_legacy(tmp_path: Path) -> None:
    rules = demo_rules("0-all-legacy", tmp_path)

    for process in PROCESSES:
        facts = Facts(process, "webshop", "DE01", store="NL-001", business_date=TODAY, sku="X")
        assert rules.decide(facts).target in (Target.LEGACY, None)


def test_before_wave_1_what_it_is_to_move_is_compared_and_nothing_is_moved(tmp_path: Path) -> None:
    before = demo_rules("0-all-legacy", tmp_path)
    compared = demo_rules("0-wave-1-compared", tmp_path)
    wave = demo_rules("1-first-stores-and-split", tmp_path)

    asked = set()
    for process in PROCESSES:
        for channel in ("webshop", "marketplace", "pos", "shop-nl"):
            for entity in ("NL01", "DE01"):
                facts = Facts(
                    process, channel, entity, store="NL-001", business_date=TODAY, sku="X",
                    customer_ref="C-1",
                )  # fmt: skip
                decision = compared.decide(facts)
                assert decision.target is before.decide(facts).target
                assert before.decide(facts).shadow is None
                if decision.shadow is Target.CLOUD:
                    asked.add((process, channel, entity))
                    assert wave.decide(facts).rule_id == decision.rule_id, "what the wave moves"
    assert asked == {
        *(("order.intake", it, "NL01") for it in ("webshop", "marketplace", "pos", "shop-nl")),
        ("inventory.availability", "webshop", "NL01"),
    }
    assert [it.name for it in compared.rule_set.waves] == [it.name for it in wave.rule_set.waves]


def test_the_bad_wave_is_wave_1_and_reads_with_a_guardrail(tmp_path: Path) -> None:
    before = demo_rules("1-first-stores-and-split", tmp_path)
    bad = demo_rules("3-bad-wave", tmp_path)

    (added,) = set(bad.rule_set.rules) - set(before.rule_set.rules)
    assert set(before.rule_set.rules) < set(bad.rule_set.rules)
    assert (added.process, added.mode) == ("catalog.product", Mode.CLOUD), "no write is touched"
    (wave,) = (it for it in bad.rule_set.waves if it.name == "bad-wave")
    assert wave.guardrails


def test_every_rule_set_of_the_demo_is_checked_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    for folder in DEMO.iterdir():
        assert folder.is_file() or f'demo_rules("{folder.name}", tmp_path)' in text


def test_wave_1_moves_three_stores_from_today_on_and_splits_dutch_orders(tmp_path: Path) -> None:
    rules = demo_rules("1-first-stores-and-split", tmp_path)

    def sale(store: str, day: str) -> Target | None:
        return rules.decide(
            Facts("store.sale", "pos", "NL01", store=store, business_date=day)
        ).target

    def order(channel: str, entity: str) -> set[Target | None]:
        facts = (Facts("order.intake", channel, entity, customer_ref=f"C-{n}") for n in range(40))
        return {rules.decide(each).target for each in facts}

    assert [sale(f"NL-{n:03d}", TODAY) for n in (1, 2, 3)] == [Target.CLOUD] * 3
    assert sale("NL-001", YESTERDAY) is Target.LEGACY
    assert sale("NL-004", TODAY) is Target.LEGACY
    for channel in ("webshop", "marketplace"):
        assert order(channel, "NL01") == {Target.LEGACY, Target.CLOUD}
        assert order(channel, "DE01") == {Target.LEGACY}
    assert rules.decide(Facts("inventory.availability", "pos", "NL01")).target is Target.CLOUD


def test_wave_2_adds_german_orders_and_their_reads(tmp_path: Path) -> None:
    before = demo_rules("1-first-stores-and-split", tmp_path)
    after = demo_rules("2-de-orders-cloud", tmp_path)

    for process in ("order.intake", "inventory.availability", "catalog.price"):
        for channel in ("webshop", "marketplace"):
            german = Facts(process, channel, "DE01", customer_ref="C-1", sku="X")
            assert before.decide(german).target is Target.LEGACY
            assert after.decide(german).target is Target.CLOUD
            dutch = german._replace(legal_entity="NL01")
            assert before.decide(dutch).target is after.decide(dutch).target
    assert set(before.rule_set.rules) < set(after.rule_set.rules)


def test_the_readme_teaches_the_hash_the_code_uses() -> None:
    text = (ROOT / "routing_rules" / "README.md").read_text()
    command = re.search(r"python3 -c '(.+)'\n(\d+)\n", text)

    assert command is not None
    assert 'sha256(b"customer_ref=C-1001").digest()[:8], "big") % 10000' in command[1]
    assert int(command[2]) == bucket("customer_ref", "C-1001")


def test_the_overlap_the_readme_warns_of_is_settled_as_it_says(tmp_path: Path) -> None:
    text = (ROOT / "routing_rules" / "README.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    overlap = next(block for block in blocks if "german-webshop" in block)
    (tmp_path / "waves").mkdir()
    (tmp_path / "defaults.yaml").write_text((DEMO / "0-all-legacy" / "defaults.yaml").read_text())
    (tmp_path / "waves" / "w.yaml").write_text(f"wave: w\nowner: o\nrules:\n{overlap}")

    rules = compile_rules(load(tmp_path, VOCABULARY))

    assert rules.decide(Facts("order.intake", "webshop", "DE01")).rule_id == "german-webshop"


@pytest.mark.parametrize(
    ("path", "generated", "command"),
    [
        ("routing_rules/rules.schema.json", schema, "gateway.routing.schema"),
        ("docs/reference/rules.md", reference, "gateway.routing.reference"),
    ],
)
def test_a_generated_file_is_up_to_date(path: str, generated: object, command: str) -> None:
    assert callable(generated)
    assert (ROOT / path).read_text(encoding="utf-8") == generated(), (
        f"run: python -m {command} > {path}"
    )


def test_the_schema_says_of_each_process_what_the_loader_does() -> None:
    document = json.loads(schema())
    conditions = document["$defs"]["rule"]["allOf"]

    for process in PROCESSES.values():
        then = next(
            each["then"]["properties"]
            for each in conditions
            if each["if"]["properties"].get("process") == {"const": process.name}
        )
        assert set(then["when"]["properties"]) == set(process.basis)
        assert then["mode"]["enum"] == [str(mode) for mode in modes_of(process)]
        assert then.get("sticky_by", {"enum": []})["enum"] == list(process.sticky_keys)


def test_the_reference_has_a_row_for_each_process_and_mode() -> None:
    text = reference()

    for word in (*PROCESSES, *Mode):
        assert f"| `{word}` |" in text
