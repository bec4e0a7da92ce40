"""What a decision costs with 10, 100 and 10,000 rules, beside two libraries that decide by rules.

The sizes are measured in turns; the peers, in an environment of their own, find the winner among
the same rules for some of the same requests. ``pytest tests/bench/test_decide.py
--benchmark-enable`` shows the cost by kind of rule.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom
from time import perf_counter_ns
from typing import Any

from gateway.routing.compile import compile_rules
from gateway.routing.facts import Facts
from gateway.routing.model import Mode, Rule
from gateway.routing.ruleset import RuleSet
from tests.bench.figure import Figure, at_least, at_most
from tests.bench.servers import peer_python
from tests.bench.test_decide import (
    BAR_LARGE_US,
    BAR_RATIO,
    BAR_US,
    KINDS,
    REQUESTS,
    ROUNDS,
    SIZES,
    Side,
    make_rules,
)

#: Runs of one size in a row: a gateway has one rule set, in whose memory its processor is warm.
RUNS = 5

#: Requests a peer is asked: with 10,000 rules each costs it tens of milliseconds.
PEER_REQUESTS = {10: 200, 10_000: 10}

#: Two libraries that decide by rules: neither is a dependency, each is pinned.
PEERS = ("growthbook==4.0.0", "rule-engine==5.1.0")

#: What stores the ``at``-th rule names, as the index sees it: a range is written out.
SHAPES: dict[str, Callable[[int], tuple[str, ...]]] = {
    "a prefix": lambda at: (f"S-{at:04d}*",),
    "a range of twenty": lambda at: tuple(f"S-{at * 20 + n:06d}" for n in range(20)),
    "a list of ten": lambda at: tuple(f"S-{n}{at:04d}" for n in range(10)),
}

#: As many times as fast as the better of two is what an index has to be worth.
PEER_RATIO = 10.0


def run(quick: bool) -> list[Figure]:
    """Return the least cost over the rounds: what the code needs when nobody interrupts it."""
    seed = SystemRandom().randrange(2**32)
    sides = {size: Side(size, KINDS, seed) for size in SIZES}
    best_us = dict.fromkeys(sides, float("inf"))
    for _ in range(3 if quick else ROUNDS // 4):
        for size, side in sides.items():
            for _ in range(RUNS):
                started_ns = perf_counter_ns()
                side.run()
                each_us = (perf_counter_ns() - started_ns) / REQUESTS / 1000
                best_us[size] = min(best_us[size], each_us)
    small, large = SIZES[0], SIZES[-1]
    return [
        at_most(f"decide: {small} rules", best_us[small], "µs", "", BAR_US),
        *(Figure(f"decide: {size:,} rules", best_us[size], "µs") for size in SIZES[1:-1]),
        at_most(f"decide: {large:,} rules", best_us[large], "µs", "", BAR_LARGE_US),
        at_most(
            f"decide: {large:,} rules", best_us[large] / best_us[small], "x", f"{small} rules",
            BAR_RATIO,
        ),
        *_shapes(3 if quick else 20),
        *([] if quick else _beside_peers(sides, best_us)),
    ]  # fmt: skip


def _shapes(rounds: int) -> list[Figure]:
    """Return what 10 and 1,000 rules cost that name stores by prefixes, ranges and lists."""
    figures = []
    for shape, stores in SHAPES.items():
        few, many = (_Shape(size, stores) for size in (10, 1000))
        best_us = {few: float("inf"), many: float("inf")}
        for _ in range(rounds):
            for it in (few, many):
                best_us[it] = min(best_us[it], it.each_us())
        ratio = best_us[many] / best_us[few]
        name = f"decide: 1,000 rules, {shape} each"
        figures += [
            at_most(name, best_us[many], "µs", "", BAR_LARGE_US),
            Figure(name, ratio, "x", "10 rules"),
        ]
    return figures


class _Shape:
    """Rules of one shape, and requests that each of them wins as often."""

    def __init__(self, size: int, stores: Callable[[int], tuple[str, ...]]) -> None:
        named = [stores(at) for at in range(size)]
        rules = [Rule("default", "catalog.price", Mode.LEGACY)] + [
            Rule(f"r{at}", "catalog.price", Mode.CLOUD, (("store", those),))
            for at, those in enumerate(named)
        ]
        self.decide = compile_rules(RuleSet.of(rules)).decide
        asked = [named[at * 37 % size] for at in range(REQUESTS)]
        self.facts = [
            Facts("catalog.price", store=those[at % len(those)].replace("*", f"-{at}"))
            for at, those in enumerate(asked)
        ]
        if not all(self.decide(it).rule_id != "default" for it in self.facts):
            raise RuntimeError("a request was won by no rule")

    def each_us(self) -> float:
        started_ns = perf_counter_ns()
        for facts in self.facts:
            self.decide(facts)
        return (perf_counter_ns() - started_ns) / REQUESTS / 1000


def _beside_peers(sides: dict[int, Side], best_us: dict[int, float]) -> list[Figure]:
    return [it for size in PEER_REQUESTS for it in peers(size, sides[size], best_us[size])]


def peers(size: int, side: Side, ours_us: float) -> list[Figure]:
    """Return what the peers need for the same rules, and how many times as much as ours."""
    rules = sorted(make_rules(size), key=lambda it: it.specificity, reverse=True)
    facts = [it for it in side.facts if it.business_date or it.process != "store.sale"]
    facts = facts[: PEER_REQUESTS[size]]
    asked = {
        "rules": [_plain(rule) for rule in rules],
        "facts": [it._asdict() for it in facts],
        "rounds": 3,
    }
    command = [peer_python("rules", PEERS), str(Path(__file__).parent / "peers" / "rules.py")]
    done = subprocess.run(
        command, input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    expected = [side.decide(it).rule_id for it in facts]
    figures = []
    for name, it in found.items():
        if [rules[at].rule_id for at in it["won"]] != expected:
            raise RuntimeError(f"{name} found other winners than we did")
        figures.append(Figure(f"decide: {size:,} rules, {name}", it["us"], "µs"))
    best_us = min(it["us"] for it in found.values())
    against = "the better of both"
    figures.append(at_least(f"decide: {size:,} rules", best_us / ours_us, "x", against, PEER_RATIO))
    return figures


def _plain(rule: Rule) -> dict[str, str | list[str]]:
    when: dict[str, str | list[str]] = {name: values[0] for name, values in rule.when}
    if rule.dates is not None:
        when["business_date"] = [rule.dates.first, rule.dates.last]
    return {"process": rule.process, **when}
