"""What a change of rules touches: which rules and waves differ, whom and what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.canonical.process import PROCESSES, Kind
from gateway.routing.model import ANY_REST, Rule
from gateway.routing.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Change:
    """The rules that are not in both sets (as they are now, or were), and their waves by name.

    ``waves`` also holds those whose owner, dependencies or guardrails differ.
    """

    rules: tuple[Rule, ...]
    waves: tuple[str, ...]

    @property
    def writes(self) -> bool:
        """Whether anything but reads changes."""
        return any(PROCESSES[rule.process].kind is not Kind.READ for rule in self.rules)


def change_between(before: RuleSet | None, after: RuleSet) -> Change:
    """Compare what is in force (None at first) with what is to come."""
    if before is None:
        return Change(after.rules, tuple(wave.name for wave in after.waves))
    old, new = set(before.rules), set(after.rules)
    differing = [rule for rule in (*after.rules, *before.rules) if (rule in old) != (rule in new)]
    waves = {rule.wave for rule in differing if rule.wave}
    waves |= {wave.name for wave in set(before.waves) ^ set(after.waves)}
    return Change(tuple(differing), tuple(sorted(waves)))


def entities_of(
    rules: Iterable[Rule], known: Iterable[str], stores: Mapping[str, str]
) -> frozenset[str] | None:
    """Return the legal entities that rules are about; None if they may be about any.

    ``known`` are all entities, ``stores`` says which entity a store belongs to.
    """
    found: set[str] = set()
    for rule in rules:
        when = dict(rule.when)
        if "legal_entity" in when:
            named = _matching(when["legal_entity"], known)
        else:
            named = {stores[it] for it in _matching(when.get("store", ()), stores)}
        if not named:
            return None
        found |= named
    return frozenset(found)


def _matching(values: Iterable[str], known: Iterable[str]) -> set[str]:
    """Return which of the names that are known some value means, itself or as a prefix."""
    return {
        name
        for name in known
        for value in values
        if name == value
        or (value.endswith(ANY_REST) and name.startswith(value.removesuffix(ANY_REST)))
    }
