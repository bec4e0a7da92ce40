"""What a decision costs: at most 1.5 µs with 10 rules, and with 10,000 at most 3.

Run with ``pytest tests/bench/test_decide.py --benchmark-enable``. A round is 1,024 requests in
random order, each with facts of its own, as requests have: a quarter each is won by a plain rule,
by a split, by a rule with business days, and by a default. The rules of each size name the same
combinations of dimensions (six for orders, two for store sales), because that is what a decision
costs.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from gateway.routing.check import check_rules
from gateway.routing.compile import compile_rules
from gateway.routing.facts import Decision, Facts
from gateway.routing.model import DateRange, Mode, Rule
from gateway.routing.ruleset import RuleSet, parse

SIZES = (10, 100, 10_000)
KINDS = ("plain", "split", "dated", "default")
REQUESTS = 1024
ROUNDS = 200

BAR_US = 1.5
#: With 10,000 rules.
BAR_LARGE_US = 3.0
BAR_RATIO = 1.5

ORDER_DIMENSIONS = (
    ("channel", "country", "legal_entity"),
    ("channel", "customer_group", "legal_entity"),
    ("country", "customer_group", "legal_entity"),
    ("channel", "legal_entity"),
    ("legal_entity", "region"),
    ("legal_entity",),
)
SALE_DIMENSIONS = (("legal_entity", "store"), ("store",))
DAYS = DateRange("2026-11-21", "2026-11-30")


#: How many different values a dimension has; what is not listed has as many as there are rules.
VALUES = {"channel": 5, "country": 25, "customer_group": 25}


def value(name: str, at: int) -> str:
    """Number values like the digits of ``at``, so that no two rules of one kind name the same."""
    if name in VALUES:
        return f"{name}-{at // 8 % VALUES[name]}"
    return f"{name}-{at}"


def order(at: int) -> Rule:
    when = tuple((name, (value(name, at),)) for name in ORDER_DIMENSIONS[at % 8])
    if at % 2:
        return Rule(f"r{at}", "order.intake", Mode.CLOUD, when)
    return Rule(
        f"r{at}", "order.intake", Mode.SPLIT, when,
        percent_hundredths=3000, sticky_by="customer_ref",
    )  # fmt: skip


def sale(at: int) -> Rule:
    when = tuple((name, (value(name, at),)) for name in SALE_DIMENSIONS[at % 2])
    return Rule(f"r{at}", "store.sale", Mode.CLOUD, when, DAYS)


def make_rules(size: int) -> list[Rule]:
    """Two defaults, and of every eight further rules six for orders and two for store sales."""
    numbered = range(size - 2)
    return [
        Rule("default-order", "order.intake", Mode.LEGACY),
        Rule("default-sale", "store.sale", Mode.LEGACY),
        *(order(at) if at % 8 < len(ORDER_DIMENSIONS) else sale(at) for at in numbered),
    ]


def kind_of(rule: Rule) -> str:
    if rule.is_default:
        return "default"
    return "dated" if rule.dates else "split" if rule.mode is Mode.SPLIT else "plain"


def request(rule: Rule, number: int) -> Facts:
    """Make facts that ``rule`` wins, in text of their own, as a request's are."""
    named = {name: "".join(list(values[0])) for name, values in rule.when}
    facts = Facts(
        rule.process,
        channel="any channel",
        legal_entity="any entity",
        business_date="2026-11-25" if rule.dates else "",
        customer_ref=f"C-{number}",
        order_ref=f"O-{number}",
    )
    return facts._replace(**named)


def test_the_rules_are_ones_that_a_gateway_could_have_stored() -> None:
    """Other benchmarks read them from text, which knows what each process is routed by."""
    rules = RuleSet.of(make_rules(100))
    assert parse(rules.text, rules.version) == rules


class Side:
    """A rule set of one size, and requests for it."""

    def __init__(self, size: int, kinds: tuple[str, ...], seed: int) -> None:
        rules = make_rules(size)
        assert len(rules) == size
        assert check_rules(rules) == []
        chance = Random(seed)
        by_kind = {kind: [rule for rule in rules if kind_of(rule) == kind] for kind in kinds}
        asked = [chance.choice(by_kind[chance.choice(kinds)]) for _ in range(REQUESTS)]
        self.decide: Callable[[Facts], Decision] = compile_rules(RuleSet.of(rules)).decide
        self.facts = [request(rule, number) for number, rule in enumerate(asked)]
        won = [self.decide(facts).rule_id for facts in self.facts]
        assert won == [rule.rule_id for rule in asked]

    def run(self) -> None:
        decide = self.decide
        for facts in self.facts:
            decide(facts)


@pytest.mark.parametrize("kind", [*KINDS, "mixed"])
@pytest.mark.parametrize("size", SIZES)
def test_decide(benchmark: BenchmarkFixture, size: int, kind: str, seed: int) -> None:
    """``us_each`` in the extra info is the median cost of one decision."""
    side = Side(size, KINDS if kind == "mixed" else (kind,), seed)

    benchmark.group = f"decide, {kind}: {REQUESTS} a round"
    benchmark.pedantic(side.run, rounds=ROUNDS, warmup_rounds=2)  # type: ignore[no-untyped-call]

    if benchmark.enabled:
        assert benchmark.stats is not None
        benchmark.extra_info["us_each"] = benchmark.stats.stats.median / REQUESTS * 1e6
