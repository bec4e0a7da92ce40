"""Ten thousand random rule sets, each asked random requests, against a scan of all rules.

The laws beside it try every request of a small world; here rule sets are larger, of every process
and all of its dimensions, with lists, ranges of days, prefixes, splits and shadows.
"""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.canonical.process import PROCESSES, Process, Target
from gateway.routing.check import check_rules
from gateway.routing.compile import compile_rules
from gateway.routing.facts import Facts
from gateway.routing.model import DateRange, Mode, Rule, modes_of
from gateway.routing.ruleset import RuleSet, parse
from gateway.routing.sticky import bucket

EXAMPLES, SETS_EACH, REQUESTS_EACH = 200, 50, 12
assert EXAMPLES * SETS_EACH >= 10_000

TEXTS = ("x", "xy", "xyz", "w", "wv")
DAYS = tuple(f"2026-11-{day:02d}" for day in range(1, 8))


def random_rule(chance: Random, process: Process, rule_id: str) -> Rule:
    basis = [name for name in process.basis if name != "business_date"]
    names = sorted(chance.sample(basis, chance.randint(0, min(3, len(basis)))))
    when = tuple((name, random_values(chance)) for name in names)
    dates = None
    if "business_date" in process.basis and (not names or chance.random() < 0.5):
        first, last = sorted(chance.choices(DAYS, k=2))
        dates = DateRange(first if chance.random() < 0.7 else "", last)
    mode = chance.choice(modes_of(process))
    return Rule(
        rule_id, process.name, mode, when or (() if dates else ((basis[0], ("x",)),)), dates,
        percent_hundredths=chance.randint(0, 10_000) if mode is Mode.SPLIT else 0,
        sticky_by=chance.choice(process.sticky_keys) if mode is Mode.SPLIT else "",
        shadow=Target.CLOUD if mode is Mode.LEGACY and chance.random() < 0.3 else None,
    )  # fmt: skip


def random_values(chance: Random) -> tuple[str, ...]:
    values: list[str] = []
    for _ in range(chance.randint(1, 3)):
        text = chance.choice(TEXTS) + ("*" if chance.random() < 0.3 else "")
        stems = [it[:-1] for it in [*values, text] if it.endswith("*")]
        if not any(it[:-1] != stem and it.startswith(stem) and f"{stem}*" != it
                   for it in [*values, text] for stem in stems):  # fmt: skip
            values.append(text)
    return tuple(sorted(set(values)))


def random_request(chance: Random, process: Process) -> Facts:
    facts = {
        name: chance.choice(DAYS) if name == "business_date" else chance.choice((*TEXTS, "", "q"))
        for name in (*process.basis, *process.sticky_keys)
    }
    return Facts(process.name, **facts)


def matches(rule: Rule, facts: Facts) -> bool:
    """Read the manual aloud: every dimension must match, of each any value will do."""
    asked = facts._asdict()
    for name, values in rule.when:
        whole = [it for it in values if not it.endswith("*")]
        begun = [it[:-1] for it in values if it.endswith("*")]
        fact = asked[name]
        if fact == "" or not (fact in whole or any(fact.startswith(stem) for stem in begun)):
            return False
    day = facts.business_date
    return rule.dates is None or (
        day != "" and rule.dates.first <= day <= (rule.dates.last or "9999-12-31")
    )


def rank(rule: Rule) -> tuple[int, int, int]:
    prefixes = []
    for _, values in rule.when:
        lengths = [len(it) - 1 for it in values if it.endswith("*")]
        prefixes += [min(lengths)] if lengths else []
    named = len(rule.when) + (rule.dates is not None)
    return named, named - len(prefixes), sum(prefixes)


def expected(rule: Rule, facts: Facts) -> Target | None:
    if rule.mode is Mode.OWNER:
        return None
    if rule.mode is not Mode.SPLIT:
        return Target(rule.mode.value)
    value = facts._asdict()[rule.sticky_by]
    cloud = value != "" and bucket(rule.sticky_by, value) < rule.percent_hundredths
    return Target.CLOUD if cloud else Target.LEGACY


def ask(chance: Random) -> int:
    """Make one rule set and ask it; return how many of its requests a rule of a wave won."""
    process = chance.choice(list(PROCESSES.values()))
    rules = [Rule("default", process.name, Mode.LEGACY if process.kind != "follow-up" else
                  Mode.OWNER)]  # fmt: skip
    for at in range(chance.randint(1, 9)):
        rule = random_rule(chance, process, f"r{at}")
        if not check_rules([*rules, rule]):
            rules.append(rule)
    rule_set = RuleSet.of(rules)
    compiled = compile_rules(parse(rule_set.text, rule_set.version))
    assert compiled.rule_set == rule_set
    won = 0
    for _ in range(REQUESTS_EACH):
        facts = random_request(chance, process)
        matching = [rule for rule in rules if matches(rule, facts)]
        best = max(map(rank, matching))
        (winner,) = [rule for rule in matching if rank(rule) == best]
        decision = compiled.decide(facts)
        assert (decision.rule_id, decision.target) == (winner.rule_id, expected(winner, facts))
        assert decision.shadow == winner.shadow
        won += not winner.is_default
    return won


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 2**32 - 1))
def test_ten_thousand_rule_sets_decide_as_a_scan_of_all_rules_does(seed: int) -> None:
    """A failure shows the seed of fifty rule sets."""
    chance = Random(seed)

    won = sum(ask(chance) for _ in range(SETS_EACH))

    assert won > SETS_EACH  # the requests are not all left to the defaults
