"""Sets of texts with prefixes, against plain sets of a small universe."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.values import ANYTHING, Values

#: Every text of up to three letters; "c" is in no pattern, so that no prefix is ever used up.
UNIVERSE = tuple("".join(letters) for n in range(4) for letters in product("abc", repeat=n))
PATTERNS = tuple("".join(letters) for n in (1, 2) for letters in product("ab", repeat=n))

patterns = st.lists(st.sampled_from([*PATTERNS, *(f"{it}*" for it in PATTERNS)]), max_size=4)


@st.composite
def sets(draw: st.DrawFn) -> tuple[Values, frozenset[str]]:
    """A set as the code has it, and as what it holds of the universe; several steps deep."""
    given = draw(patterns)
    ours, plain = Values.of(given), frozenset(t for t in UNIVERSE if _matches(given, t))
    if draw(st.booleans()):
        ours, plain = ANYTHING.minus(ours), frozenset(UNIVERSE) - plain
    for _ in range(draw(st.integers(0, 3))):
        more = draw(patterns)
        other, texts = Values.of(more), frozenset(t for t in UNIVERSE if _matches(more, t))
        if draw(st.booleans()):
            ours, plain = ours.minus(other), plain - texts
        else:
            ours, plain = ours & ANYTHING.minus(other), plain - texts
    return ours, plain


def _matches(given: list[str], text: str) -> bool:
    return any(text == it or ("*" in it and text.startswith(it[:-1])) for it in given)


def members(values: Values) -> frozenset[str]:
    return frozenset(text for text in UNIVERSE if text in values)


@settings(max_examples=1000)
@given(sets(), sets())
def test_sets_with_prefixes_behave_as_sets(
    one: tuple[Values, frozenset[str]], other: tuple[Values, frozenset[str]]
) -> None:
    (ours, plain), (others, texts) = one, other

    assert members(ours) == plain
    assert members(ours & others) == plain & texts
    assert members(ours.minus(others)) == plain - texts
    assert members(ours.minus(others).with_(ours & others)) == plain
    assert bool(ours) == bool(plain)
    assert bool(ours & others) == bool(plain & texts)
    assert bool(ours.minus(others)) == bool(plain - texts)


@given(sets())
def test_an_example_is_one_of_them(one: tuple[Values, frozenset[str]]) -> None:
    ours, plain = one

    if plain:
        shown = ours.example()
        assert shown in plain or any(text.startswith(shown.removesuffix("*")) for text in plain)
        assert str(ours)
