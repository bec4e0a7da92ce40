"""What is said of needs against a try of every request of a small world."""

from __future__ import annotations

from itertools import product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.canonical.process import Target
from gateway.routing.check import check_rules
from gateway.routing.compile import compile_rules
from gateway.routing.dependencies import lacking
from gateway.routing.facts import Facts
from gateway.routing.model import Mode, Rule
from gateway.routing.ruleset import RuleSet

NEEDY, NEEDED = "inventory.availability", "catalog.product"
#: ``?`` stands for all values no rule names, ``a?`` for those of them that begin with ``a``.
WORLD = {"channel": ("a", "ab", "a?", "?"), "legal_entity": ("x", "?"), "store": ("s", "?")}
#: Enough articles that some lie between any two of the percentages below.
ARTICLES = ("", *(f"S-{number}" for number in range(12)))
SHARES = (0, 3000, 6000, 10_000)


def random_rules(chance: Random) -> list[Rule]:
    rules = [
        Rule("needy", NEEDY, Mode.LEGACY, needs=(NEEDED,)),
        Rule("needed", NEEDED, chance.choice((Mode.LEGACY, Mode.CLOUD))),
    ]
    for at in range(chance.randint(1, 8)):
        process = chance.choice((NEEDY, NEEDED))
        names = sorted(chance.sample(list(WORLD), chance.randint(1, 2)))
        when = tuple((name, (chance.choice(patterns(name)),)) for name in names)
        mode = chance.choice((Mode.LEGACY, Mode.CLOUD, Mode.SPLIT))
        split = mode is Mode.SPLIT
        rule = Rule(
            f"r{at}", process, mode, when, percent_hundredths=chance.choice(SHARES) if split else 0,
            sticky_by="sku" if split else "",
        )  # fmt: skip
        if not check_rules([*rules, rule]):
            rules.append(rule)
    return rules


def patterns(name: str) -> tuple[str, ...]:
    return ("a", "ab", "a*") if name == "channel" else WORLD[name][:-1]


def goes_without(rules: list[Rule]) -> bool:
    """Return whether some request goes to the cloud ERP and what it needs does not."""
    decide = compile_rules(RuleSet.of(rules)).decide
    for values in product(*WORLD.values()):
        for sku in ARTICLES:
            named = dict(zip(WORLD, values, strict=True))
            if (
                decide(Facts(NEEDY, **named, sku=sku)).target is Target.CLOUD
                and decide(Facts(NEEDED, **named, sku=sku)).target is not Target.CLOUD
            ):
                return True
    return False


@settings(max_examples=400)
@given(st.integers(0, 2**32 - 1))
def test_what_lacks_is_said_if_and_only_if_some_request_would_go_without(seed: int) -> None:
    rules = random_rules(Random(seed))

    assert bool(lacking(rules)) == goes_without(rules)
