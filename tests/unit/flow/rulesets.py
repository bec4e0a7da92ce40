"""Small rule sets for tests of the flow."""

from __future__ import annotations

from gateway.canonical.process import PROCESSES, Kind
from gateway.routing.model import Mode, Rule
from gateway.routing.ruleset import RuleSet


def all_to(mode: Mode, *further: Rule) -> RuleSet:
    """Every process to ``mode`` by default (follow-ups to their owner), and ``further`` rules."""
    rules = [
        Rule(f"default-{name}", name, Mode.OWNER if row.kind is Kind.FOLLOW_UP else mode)
        for name, row in PROCESSES.items()
    ]
    return RuleSet.of([*rules, *further])
