"""What a decision costs: at most 2 µs with 10 rules, and with 10,000 at most 1.5 times that.

Run with ``pytest tests/bench/test_decide.py --benchmark-enable``. The requests are 4,096 different
ones, in random order: a quarter each is won by a plain rule, by a split, by a rule with business
days, and by a default. The rules of each size name the same combinations of dimensions (six for
orders, two for store sales), because that is what a decision costs.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from time import perf_counter_ns

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from gateway.routing.check import check_rules
from gateway.routing.compile import compile_rules
from gateway.routing.facts import Decision, Facts
from gateway.routing.model import DateRange, Mode, Rule
from gateway.routing.ruleset import RuleSet

SIZES = (10, 100, 10_000)
KINDS = ("plain", "split", "dated", "default")
REQUESTS = 4096
ROUNDS = 40

BAR_US = 2.0
BAR_RATIO = 1.5

ORDER_DIMENSIONS = (
    ("channel", "legal_entity", "country"),
    ("channel", "customer_group", "legal_entity"),
    ("brand", "category", "legal_entity"),
    ("channel", "legal_entity"),
    ("legal_entity", "region"),
    ("legal_entity",),
)

Request = tuple[Facts, str]  # and the rule that has to win


def build(size: int) -> tuple[list[Rule], dict[str, list[Request]]]:
    """Make ``size`` rules, and the requests each kind of them wins."""
    rules = [
        Rule("default-order", "order.intake", Mode.LEGACY),
        Rule("default-sale", "store.sale", Mode.LEGACY),
    ]
    requests: dict[str, list[Request]] = {kind: [] for kind in KINDS}
    for at in range(size - len(rules)):
        if at % 8 >= len(ORDER_DIMENSIONS):
            rules.append(sale(at, with_entity=at % 8 == 7))
        else:
            rules.append(order(at))
        kind = "split" if rules[-1].mode is Mode.SPLIT else "dated" if rules[-1].dates else "plain"
        requests[kind].append((won_by(rules[-1], at), rules[-1].rule_id))
    requests["default"] = [
        (Facts("order.intake", "x", f"y{n}", "z", "r", customer_ref="C-1"), "default-order")
        for n in range(64)
    ]
    return rules, requests


def order(at: int) -> Rule:
    when = tuple((name, (f"{name}-{at}",)) for name in ORDER_DIMENSIONS[at % 8])
    if at % 2:
        return Rule(f"r{at}", "order.intake", Mode.CLOUD, when)
    return Rule(
        f"r{at}", "order.intake", Mode.SPLIT, when,
        percent_hundredths=3000, sticky_by="customer_ref",
    )  # fmt: skip


def sale(at: int, *, with_entity: bool) -> Rule:
    names = ("legal_entity", "store") if with_entity else ("store",)
    when = tuple((name, (f"{name}-{at}",)) for name in names)
    return Rule(f"r{at}", "store.sale", Mode.CLOUD, when, DateRange("2026-11-21", "2026-11-30"))


def won_by(rule: Rule, at: int) -> Facts:
    facts = {name: values[0] for name, values in rule.when}
    day = "2026-11-25" if rule.dates else ""
    return Facts(rule.process, customer_ref=f"C-{at}", order_ref="O-1", business_date=day)._replace(
        **facts
    )


def compiled(size: int) -> tuple[Callable[[Facts], Decision], dict[str, list[Request]]]:
    rules, requests = build(size)
    assert len(rules) == size
    assert check_rules(rules) == []
    return compile_rules(RuleSet.of(rules)).decide, requests


def mixed(requests: dict[str, list[Request]], kinds: tuple[str, ...], seed: int) -> list[Request]:
    chance = Random(seed)
    return [chance.choice(requests[chance.choice(kinds)]) for _ in range(REQUESTS)]


def run(decide: Callable[[Facts], Decision], facts: list[Facts]) -> None:
    for each in facts:
        decide(each)


@pytest.mark.parametrize("kind", [*KINDS, "mixed"])
@pytest.mark.parametrize("size", SIZES)
def test_decide(benchmark: BenchmarkFixture, size: int, kind: str, seed: int) -> None:
    """One round is 4,096 decisions; ``us_each`` in the extra info is the median of one."""
    decide, requests = compiled(size)
    stream = mixed(requests, KINDS if kind == "mixed" else (kind,), seed)
    for facts, rule_id in stream:
        assert decide(facts).rule_id == rule_id

    benchmark.group = f"decide, {kind} (4096 a round)"
    benchmark.pedantic(
        run, (decide, [facts for facts, _ in stream]), rounds=ROUNDS, warmup_rounds=2
    )

    if benchmark.enabled:
        benchmark.extra_info["us_each"] = benchmark.stats.stats.median / REQUESTS * 1e6  # type: ignore[union-attr] # there are figures once it ran


def test_the_bars(seed: int) -> None:
    """Alternate both sizes, so that whatever else the machine does falls on both alike."""
    sides = {size: compiled(size) for size in (10, 10_000)}
    facts = {
        size: [facts for facts, _ in mixed(requests, KINDS, seed)]
        for size, (_, requests) in sides.items()
    }
    best_us = dict.fromkeys(sides, float("inf"))
    for _ in range(ROUNDS):
        for size, (decide, _) in sides.items():
            started_ns = perf_counter_ns()
            run(decide, facts[size])
            us_each = (perf_counter_ns() - started_ns) / REQUESTS / 1000
            best_us[size] = min(best_us[size], us_each)

    few_us, many_us = best_us[10], best_us[10_000]
    print(f"decide: {few_us:.2f} us with 10 rules, {many_us:.2f} us with 10,000")
    assert few_us <= BAR_US
    assert many_us <= BAR_RATIO * few_us
