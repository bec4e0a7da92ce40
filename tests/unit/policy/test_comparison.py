"""Answers compared as people would: what differs, and what only looks as if it did."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.comparison import (
    ABSENT,
    DIFFERENCES_MAX,
    Comparison,
    Difference,
    differences,
    is_ignored,
)

HOW = Comparison(
    ignored=frozenset({"trace", "lines[].note"}),
    money=frozenset({"total", "lines[].amount"}),
    tolerance=Decimal("0.01"),
    instants=frozenset({"as_of"}),
    skew_s=60,
    keys={"lines": "line"},
)


@pytest.mark.parametrize(
    ("control", "candidate"),
    [
        ({"total": "10.00"}, {"total": "10.01"}),
        ({"total": "10.0"}, {"total": "10"}),
        ({"as_of": "2026-11-21T10:00:00Z"}, {"as_of": "2026-11-21T11:00:59+01:00"}),
        ({"trace": {"id": 1}}, {"trace": {"id": 2}}),
        ({"lines": [{"line": 1, "note": "a"}]}, {"lines": [{"line": 1, "note": "b"}]}),
        ({"lines": [{"line": 1}, {"line": 2}]}, {"lines": [{"line": 2}, {"line": 1}]}),
        ({"tags": ["a", "b", "a"]}, {"tags": ["a", "a", "b"]}),
        (None, None),
        ({"x": None}, {}),
    ],
)
def test_what_only_looks_different(control: object, candidate: object) -> None:
    assert differences(control, candidate, HOW) == []
    assert differences(candidate, control, HOW) == []


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [
        ({"total": "10.00"}, {"total": "10.02"}, [("total", "10.00", "10.02")]),
        ({"total": "10.00"}, {"total": "much"}, [("total", "10.00", "much")]),
        ({"total": "1"}, {}, [("total", "1", ABSENT)]),
        (
            {"as_of": "2026-11-21T10:00:00Z"}, {"as_of": "2026-11-21T10:02:00Z"},
            [("as_of", "2026-11-21T10:00:00Z", "2026-11-21T10:02:00Z")],
        ),
        (
            {"as_of": "2026-11-21T10:00:00Z"}, {"as_of": "2026-11-21T10:00:00"},
            [("as_of", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00")],
        ),
        (
            {"lines": [{"line": 1, "amount": "5.00"}, {"line": 2, "amount": "1.00"}]},
            {"lines": [{"line": 2, "amount": "1.50"}, {"line": 3, "amount": "5.00"}]},
            [
                ("lines[1]", "{amount: 5.00, line: 1}", ABSENT),
                ("lines[2].amount", "1.00", "1.50"),
                ("lines[3]", ABSENT, "{amount: 5.00, line: 3}"),
            ],
        ),
        ({"tags": ["a", "a"]}, {"tags": ["a"]}, [("tags[]", "a", ABSENT)]),
        (None, {"sku": "S"}, [("", ABSENT, "{sku: S}")]),
        ({"n": 1}, {"n": "1"}, [("n", "1", "1")]),
    ],
)  # fmt: skip
def test_what_differs_is_told_with_its_path(
    control: object, candidate: object, found: list[tuple[str, str, str]]
) -> None:
    assert differences(control, candidate, HOW) == [Difference(*it) for it in found]


def test_lines_are_counted_under_one_field() -> None:
    assert Difference("lines[2].amount", "1", "2").field == "lines[].amount"
    assert is_ignored("lines[7].note", HOW)
    assert not is_ignored("lines[7].notes", HOW)


def test_an_answer_of_another_kind_has_no_more_to_say() -> None:
    many = {f"f{at}": at for at in range(1000)}

    assert len(differences(many, {}, HOW)) == DIFFERENCES_MAX


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=10,
)


@given(values)
def test_nothing_differs_from_itself(value: object) -> None:
    assert differences(value, value, HOW) == []


@given(values, values)
def test_either_way_round_the_same_fields_differ(one: object, other: object) -> None:
    there = sorted((it.path, it.control, it.candidate) for it in differences(one, other, HOW))
    back = sorted((it.path, it.candidate, it.control) for it in differences(other, one, HOW))

    assert there == back or len(there) == DIFFERENCES_MAX


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_lines_never_matters(seed: int) -> None:
    chance = Random(seed)
    lines = [{"line": at, "amount": f"{chance.randint(0, 99)}.00"} for at in range(5)]
    shuffled = chance.sample(lines, len(lines))
    changed = chance.choice(lines)["line"]
    other = [{**it, "amount": "1000.00"} if it["line"] == changed else it for it in shuffled]

    assert differences({"lines": lines}, {"lines": shuffled}, HOW) == []
    assert [it.path for it in differences({"lines": lines}, {"lines": other}, HOW)] == [
        f"lines[{changed}].amount"
    ]
