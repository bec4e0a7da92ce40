"""The same rules and facts in rule-engine and in GrowthBook; runs in an environment of its own.

Reads ``{"rules": [{name: value, or [from, to] for a range}], "facts": [{...}], "rounds": n}``, the
rules from the most specific down. Neither library ranks rules: as each of
their users would, whoever asks takes the first that matches, in that order. Writes the microseconds
of a decision for both, the best of the rounds, and which rule won for each request.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import rule_engine
from growthbook import GrowthBook

Facts = dict[str, str]


def engine_of(rules: list[dict[str, Any]]) -> Callable[[Facts], int]:
    """Return what finds the winner with rule-engine: its rules, tried one after the other."""

    def test(name: str, value: Any) -> str:
        if isinstance(value, str):
            return f'{name} == "{value}"'
        return f'{name} >= "{value[0]}" and {name} <= "{value[1]}"'

    compiled = [rule_engine.Rule(" and ".join(test(n, v) for n, v in it.items())) for it in rules]

    def decide(facts: Facts) -> int:
        return next(at for at, rule in enumerate(compiled) if rule.matches(facts))

    return decide


def growthbook_of(rules: list[dict[str, Any]]) -> Callable[[Facts], int]:
    """Return what finds the winner with GrowthBook: one feature whose rules force their number."""

    def test(value: Any) -> Any:
        return value if isinstance(value, str) else {"$gte": value[0], "$lte": value[1]}

    forced = [
        {"condition": {name: test(value) for name, value in it.items()}, "force": at}
        for at, it in enumerate(rules)
    ]
    book = GrowthBook(features={"route": {"defaultValue": -1, "rules": forced}})

    def decide(facts: Facts) -> int:
        book.set_attributes(facts)
        return int(book.get_feature_value("route", -1))

    return decide


def measure(decide: Callable[[Facts], int], facts: list[Facts], rounds: int) -> dict[str, Any]:
    """Return the least cost of a decision over the rounds, and the winners."""
    best_us = float("inf")
    won: list[int] = []
    for _ in range(rounds):
        started_ns = time.perf_counter_ns()
        won = [decide(it) for it in facts]
        best_us = min(best_us, (time.perf_counter_ns() - started_ns) / len(facts) / 1000)
    return {"us": best_us, "won": won}


def main() -> None:
    """Measure both."""
    asked = json.load(sys.stdin)
    rules, facts, rounds = asked["rules"], asked["facts"], asked["rounds"]
    json.dump(
        {
            "rule-engine": measure(engine_of(rules), facts, rounds),
            "GrowthBook": measure(growthbook_of(rules), facts, rounds),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
