"""What a guardrail makes of a wave: its reads go back, its writes wait. Pure."""

from __future__ import annotations

from dataclasses import replace

from gateway.canonical.process import PROCESSES, Kind
from gateway.routing.model import Mode, Rule
from gateway.routing.ruleset import RuleSet


def paused(rules: RuleSet, before: RuleSet | None, wave: str) -> RuleSet:
    """Return ``rules`` with one wave paused; ``before`` is what was in force before the wave.

    A read goes where the same rule sent it before, or to the legacy ERP if there was no such rule:
    nothing depends on it. A write is held: where it went to may be what is wrong, and an object
    that is accepted there now could not be taken back. No rule matches anything else than it did,
    so that no rule comes into another's way.
    """
    then = {} if before is None else {_matched(rule): rule for rule in before.rules}
    changed = [
        _paused(rule, then.get(_matched(rule))) if rule.wave == wave else rule
        for rule in rules.rules
    ]
    return RuleSet.of(changed, rules.waves)


def _matched(rule: Rule) -> tuple[object, ...]:
    return rule.rule_id, rule.process, rule.when, rule.dates


def _paused(rule: Rule, before: Rule | None) -> Rule:
    if PROCESSES[rule.process].kind is Kind.READ:
        if before is not None and not _serves_alike(rule, before):
            return replace(before, wave=rule.wave)
        return replace(rule, mode=Mode.LEGACY, percent_hundredths=0, sticky_by="", shadow=None)
    if rule.mode in (Mode.CLOUD, Mode.SPLIT):
        return replace(rule, mode=Mode.HOLD, percent_hundredths=0, sticky_by="", shadow=None)
    return replace(rule, shadow=None)


def _serves_alike(rule: Rule, before: Rule) -> bool:
    return (rule.mode, rule.percent_hundredths) == (before.mode, before.percent_hundredths)
