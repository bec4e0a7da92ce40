"""Why a request goes where it goes: the rule that won, and why each of the others did not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.routing.compile import Compiled
from gateway.routing.facts import Decision, Facts
from gateway.routing.model import DATE, HUNDREDTHS, Mode, Rule, percent_text
from gateway.routing.sticky import bucket
from gateway.routing.values import Values

#: How one of several matching rules is chosen, for people.
ORDER: Final = (
    "most dimensions win; of as many, those with exact values before prefixes; then the longer "
    "prefixes"
)

_SHOWN_MAX: Final = 6


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one rule: ``why`` is a sentence without its subject."""

    rule_id: str
    place: str
    won: bool
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, the facts it was made from, and a verdict on each rule of the process.

    The verdicts begin with the winner; the others follow from the most specific down.
    """

    facts: Facts
    decision: Decision
    verdicts: tuple[Verdict, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values for machines."""
        decision = self.decision
        return {
            "process": self.facts.process,
            "facts": {name: fact for name, fact in self.facts._asdict().items() if fact},
            "version": decision.version,
            "target": _target(decision),
            "shadow": decision.shadow.value if decision.shadow else None,
            "rule": decision.rule_id,
            "reason": decision.reason,
            "rules": [
                {"rule": each.rule_id, "place": each.place, "won": each.won, "why": each.why}
                for each in self.verdicts
            ],
        }

    def as_text(self) -> str:
        """Return it as lines for people."""
        given = self.as_json()["facts"]
        facts = ", ".join(f"{name}={fact}" for name, fact in given.items() if name != "process")
        shadow = f", shadow {self.decision.shadow}" if self.decision.shadow else ""
        lines = [
            f"{self.facts.process} ({facts or 'no facts'})",
            f"  goes to {_target(self.decision)}{shadow}: {self.decision.reason}",
            f"  by rules {self.decision.version}",
        ]
        for each in self.verdicts:
            where = f" ({each.place})" if each.place else ""
            lines.append(f"  {'+' if each.won else '-'} {each.rule_id}{where}: {each.why}")
        return "\n".join(lines)


def explain(compiled: Compiled, facts: Facts) -> Explanation:
    """Explain what ``compiled.decide(facts)`` returns; raises what it raises."""
    decision = compiled.decide(facts)
    rules = compiled.rule_set.rules_of(facts.process)
    winner = next(rule for rule in rules if rule.rule_id == decision.rule_id)
    others = sorted((rule for rule in rules if rule is not winner), key=lambda it: it.rule_id)
    others.sort(key=lambda rule: rule.specificity, reverse=True)
    verdicts = [Verdict(winner.rule_id, _place(winner), won=True, why=_why(winner, facts))]
    verdicts += [
        Verdict(rule.rule_id, _place(rule), won=False, why=_why_not(rule, winner, facts))
        for rule in others
    ]
    return Explanation(facts, decision, tuple(verdicts))


def matches(rule: Rule, facts: Facts) -> bool:
    """Return whether a rule matches, by looking at the rule alone; ``decide`` uses an index."""
    return rule.process == facts.process and next(_mismatches(rule, facts), None) is None


def _mismatches(rule: Rule, facts: Facts) -> Iterator[str]:
    """Say of each dimension that does not match what the request has and what the rule asks."""
    for name, values in rule.when:
        fact: str = getattr(facts, name)
        allowed = Values.of(values)
        if fact not in allowed:
            yield f"{name} is {_quoted(fact)}, not {_alternatives(values)}"
    if rule.dates is not None and facts.business_date not in rule.dates:
        yield f"{DATE} is {_quoted(facts.business_date)}, not {rule.dates}"


def _alternatives(values: Sequence[str]) -> str:
    if len(values) <= _SHOWN_MAX:
        return " or ".join(values)
    return f"{values[0]}, {values[1]} … {values[-1]} ({len(values)} values)"


def _quoted(fact: str) -> str:
    return f"'{fact}'" if fact else "not known"


def _why(winner: Rule, facts: Facts) -> str:
    counted = _counted(winner)
    why = "no other rule matches" if winner.is_default else f"matches {counted}"
    if winner.mode is not Mode.SPLIT:
        return f"{why}, mode {winner.mode}"
    share = f"{percent_text(winner.percent_hundredths)} % by {winner.sticky_by}"
    value: str = getattr(facts, winner.sticky_by)
    if not value:
        return f"{why}, mode split {share}: no {winner.sticky_by}, so legacy"
    number = bucket(winner.sticky_by, value)
    sign, side = ("<", "cloud") if number < winner.percent_hundredths else (">=", "legacy")
    return (
        f"{why}, mode split {share}: bucket {number} of {HUNDREDTHS} "
        f"{sign} {winner.percent_hundredths}, so {side}"
    )


def _why_not(rule: Rule, winner: Rule, facts: Facts) -> str:
    mismatch = next(_mismatches(rule, facts), None)
    if mismatch is not None:
        return f"does not match: {mismatch}"
    return f"less specific than {winner.rule_id}: matches {_counted(rule)}"


def _counted(rule: Rule) -> str:
    if rule.is_default:
        return "anything, as the default"
    named, exact, prefixes = rule.specificity
    loose = f", {named - exact} by prefix of {prefixes}" if named != exact else ""
    return f"{named} dimension{'s' * (named != 1)} ({', '.join(rule.dimensions)}{loose})"


def _place(rule: Rule) -> str:
    return str(rule.place) if rule.place else ""


def _target(decision: Decision) -> str:
    return decision.target.value if decision.target else "the owner of its business object"
