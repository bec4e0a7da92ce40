from __future__ import annotations

from decimal import Decimal

import pytest

from simulators.cloud import exact
from simulators.cloud.errors import ODataError
from simulators.cloud.filters import Edm, Value, parse_filter

PROPERTIES: dict[str, Edm] = {
    "id": "Edm.Guid",
    "number": "Edm.String",
    "name": "Edm.String",
    "price": "Edm.Decimal",
    "blocked": "Edm.Boolean",
    "orderDate": "Edm.Date",
}
GUID = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"


def parsed(text: str) -> dict[str, Value]:
    return parse_filter(text, PROPERTIES, "Test.thing")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("number eq 'A'", {"number": "A"}),
        ("  number   eq  'A'  ", {"number": "A"}),
        ("number eq ''", {"number": ""}),
        ("number eq 'O''Neill''s'", {"number": "O'Neill's"}),
        ("number eq ''''", {"number": "'"}),
        ("number eq 'a and b eq c'", {"number": "a and b eq c"}),
        ("price eq 19.95", {"price": Decimal("19.95")}),
        ("price eq -2", {"price": Decimal(-2)}),
        ("blocked eq false", {"blocked": False}),
        ("orderDate eq 2026-11-21", {"orderDate": "2026-11-21"}),
        (f"id eq {GUID}", {"id": GUID.lower()}),
        (
            "number eq 'A' and name eq 'B' and blocked eq true",
            {"number": "A", "name": "B", "blocked": True},
        ),
        ("number eq 'A' and number eq 'A'", {"number": "A"}),
    ],
)
def test_filters_that_are_taken(text: str, wanted: dict[str, Value]) -> None:
    assert parsed(text) == wanted


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "Expression expected in $filter"),
        ("number", "Expression expected in $filter"),
        ("number eq", "Expression expected in $filter"),
        ("colour eq 'red'", "Could not find a property named 'colour' on type 'Test.thing'"),
        ("'A' eq number", "Could not find a property named ''A''"),
        ("number ne 'A'", "The operator 'ne' is not supported in $filter, only 'eq'"),
        ("number eq 'A' or name eq 'B'", "'or' is not supported in $filter, only 'and'"),
        ("number eq 'A' name eq 'B'", "'name' is not supported in $filter, only 'and'"),
        ("number eq 'A' and", "Expression expected after 'and'"),
        ("number eq 'A' and name", "Expression expected in $filter"),
        ("number eq 'A", "Syntax error at position 9 in $filter: ''A'"),
        ("number eq 'A'B'", "Syntax error at position 9"),
        ("contains(number,'A')", "Syntax error at position 0 in $filter: 'contains(number,'A')'"),
        ("(number eq 'A')", "Syntax error at position 0"),
        ("number eq A", "'A' is no literal in $filter; strings stand in quotes"),
        ("number eq 5", "'Edm.String' (number) and 'Edm.Decimal' (5) for operator kind 'Equal'"),
        ("price eq '5'", "'Edm.Decimal' (price) and 'Edm.String'"),
        (f"number eq '{'x' * 2000}'", "$filter has 2012 characters, at most 2000"),
        ("number eq 'A' and number eq 'B'", "asks for two values of 'number'"),
        ("number eq 1e5", "Syntax error at position 9"),
    ],
)
def test_filters_that_are_refused_name_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(ODataError) as caught:
        parsed(text)
    assert (caught.value.status, caught.value.code) == (400, "BadRequest")
    assert complaint in caught.value.message


# ---------------------------------------------------------------------- exact JSON


@pytest.mark.parametrize("text", ["19.95", "0.10", "123456789012345", "-0.000001", "1"])
def test_figures_go_through_digit_by_digit(text: str) -> None:
    assert exact.dumps(exact.loads(f'{{"a":[{text}]}}'.encode())) == f'{{"a":[{text}]}}'


def test_everything_json_knows_can_be_written() -> None:
    value = {"a": [1, True, None, 'é"\\\n', Decimal("1E+2")], "b": {}}
    assert exact.loads(exact.dumps(value).encode()) == {**value, "a": [*value["a"][:4], 100]}  # type: ignore[index]
    with pytest.raises(TypeError, match="float has no exact JSON form"):
        exact.dumps(0.1)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "-Infinity",
        "1e999999999",
        "0.0000001",
        "1234567890123456.0",
        "[" * 100_000,
        '{"a":',
        "",
        "9" * 5000,
    ],
)
def test_figures_no_field_holds_and_broken_text_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        exact.loads(text.encode())


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(ValueError, match=r"."):
        exact.loads(b'"\xff"')
