"""A decision does as much with ten thousand rules as with ten; counted, not timed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, SupportsIndex

import pytest

from gateway.routing.check import PREFIX_LENGTHS_MAX, check_rules
from gateway.routing.compile import Compiled, compile_rules
from gateway.routing.facts import Facts
from gateway.routing.model import DateRange, Mode, Rule
from gateway.routing.ruleset import RuleSet

When = tuple[tuple[str, tuple[str, ...]], ...]
PROCESS = "store.sale"


class Watched(Facts):
    """Facts that count how often a decision looks at one of them."""

    looks: ClassVar[int] = 0

    def __getitem__(self, at: SupportsIndex | slice) -> Any:
        Watched.looks += 1
        return super().__getitem__(at)


def work(rules: Compiled, facts: Facts) -> tuple[int, str]:
    """Return how many facts a decision looks at, and which rule won."""
    watched = Watched(*facts)
    Watched.looks = 0
    rule_id = rules.decide(watched).rule_id
    return Watched.looks, rule_id


def compiled(size: int, when: Callable[[int], When], dates: DateRange | None = None) -> Compiled:
    default = Rule("default", PROCESS, Mode.LEGACY)
    return compile_rules(RuleSet.of([
        default, *(Rule(f"r{n}", PROCESS, Mode.CLOUD, when(n), dates) for n in range(size))
    ]))  # fmt: skip


def name(n: int) -> str:
    return f"S-{n:05d}"


#: What rules of each shape say, and the facts that the n-th of them wins.
SHAPES: dict[str, Callable[[int], When]] = {
    "a value each": lambda n: (("store", (name(n),)),),
    "a list of ten each": lambda n: (("store", tuple(name(n * 10 + at) for at in range(10))),),
    "a range of fifty each": lambda n: (("store", tuple(name(n * 50 + at) for at in range(50))),),
    "a prefix each": lambda n: (("store", (f"{name(n)}*",)),),
    "a prefix each, of five lengths": lambda n: (("store", (f"{name(n)}{'-' * (n % 5)}*",)),),
    "two prefixes each": lambda n: (
        ("legal_entity", (f"E{n % 7}*",)), ("store", (f"{name(n)}*",)),
    ),
    "a channel and a store": lambda n: (
        ("channel", (f"c{n % 9}",)), ("store", (name(n),)),
    ),
}  # fmt: skip


def facts_of(when: When, day: str = "") -> Facts:
    """Facts that fit, the first value of each list, a prefix continued."""
    said = {name: values[0].replace("*", "") for name, values in when}
    return Facts(PROCESS, business_date=day)._replace(**said)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dates", [None, DateRange("2026-11-01", "")], ids=["always", "dated"])
def test_a_decision_looks_at_as_many_facts_with_ten_rules_as_with_a_thousand(
    shape: str, dates: DateRange | None
) -> None:
    when, day = SHAPES[shape], "" if dates is None else "2026-11-05"
    few, many = compiled(10, when, dates), compiled(1000, when, dates)
    for n in (0, 4, 9):
        won = work(few, facts_of(when(n), day))
        assert work(many, facts_of(when(n), day)) == won
        assert won[1] == f"r{n}"
        assert won[0] >= 3, "the process, the pivot, and at least one look-up"
    last = facts_of(when(999), day)
    assert work(many, last)[1] == "r999"
    nobody = Facts(PROCESS, store="elsewhere", channel="none", business_date=day)
    assert work(many, nobody) == work(few, nobody)
    assert work(many, nobody)[1] == "default"


def pairs(n: int) -> When:
    """Prefixes of 32 lengths in one dimension and as many in another: all pairs are different."""
    one, other = divmod(n, 32)
    return (("legal_entity", ("E" * (one + 1) + "*",)), ("store", ("S" * (other + 1) + "*",)))


def test_prefixes_of_ever_more_lengths_would_cost_a_look_up_each_and_are_refused() -> None:
    rules = [Rule("default", PROCESS, Mode.LEGACY)]
    rules += [Rule(f"r{n:03d}", PROCESS, Mode.CLOUD, pairs(n)) for n in range(100)]
    long = Facts(PROCESS, legal_entity="E" * 40, store="S" * 40)
    at_most = compile_rules(RuleSet.of(rules[: PREFIX_LENGTHS_MAX + 1]))
    assert check_rules(rules[: PREFIX_LENGTHS_MAX + 1]) == []
    assert work(at_most, long._replace(store="x"))[0] <= 3 + 2 * PREFIX_LENGTHS_MAX

    (problem,) = [it for it in check_rules(rules) if "lengths" in it.problem]

    assert problem.problem == (
        f"up to 'r{PREFIX_LENGTHS_MAX:03d}' prefixes of store.sale have more than 32 lengths, "
        "counted by dimensions that are named together"
    )
    assert "give prefixes of a dimension one length" in problem.remedy


def test_ten_thousand_rules_of_all_shapes_cost_what_one_of_each_does() -> None:
    def mixed(n: int) -> When:
        return list(SHAPES.values())[n % len(SHAPES)](n)

    few, many = compiled(70, mixed), compiled(9_996, mixed)
    for n in range(14):
        assert work(many, facts_of(mixed(n))) == work(few, facts_of(mixed(n)))
