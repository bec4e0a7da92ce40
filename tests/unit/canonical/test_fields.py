from __future__ import annotations

from typing import Any

import pytest

from gateway.api import examples
from gateway.canonical import fields
from gateway.canonical.order import Cancellation, Order
from gateway.canonical.sale import StoreSale
from gateway.errors import FieldError, Invalid


def wrong(document: dict[str, Any], at: str = "") -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        fields.validated(Order, document, at)
    return [(error.pointer, error.detail) for error in refused.value.errors]


def order(**changes: Any) -> dict[str, Any]:
    return examples.ORDER | changes


def with_line(**changes: Any) -> dict[str, Any]:
    return order(lines=[examples.ORDER["lines"][0] | changes])


def test_a_valid_document_becomes_its_model() -> None:
    assert fields.validated(Order, examples.ORDER).order_ref == "SHOP-10001"


@pytest.mark.parametrize(
    ("document", "pointer", "detail"),
    [
        (
            with_line(quantity=-2),
            "/lines/0/quantity",
            "Input should be greater than or equal to 1; given is -2",
        ),
        (
            with_line(quantity="2"),
            "/lines/0/quantity",
            'Input should be a valid integer; given is "2"',
        ),
        (
            with_line(quantity=True),
            "/lines/0/quantity",
            "Input should be a valid integer; given is true",
        ),
        (
            with_line(colour="black"),
            "/lines/0/colour",
            "is not a known field; remove it, or check its spelling",
        ),
        (
            order(**{"a/b~c": 1}),
            "/a~1b~0c",
            "is not a known field; remove it, or check its spelling",
        ),
        (
            order(customer=["C-1001"]),
            "/customer",
            "must be an object; given is an array of 1",
        ),
        (
            order(currency={"code": "EUR"}),
            "/currency",
            "Input should be a valid string; given is an object",
        ),
        (
            order(ordered_at="2026-11-21T10:00:00"),
            "/ordered_at",
            "has no offset; write an instant as in 2026-11-21T10:00:00+00:00",
        ),
        (
            order(ordered_at=1795219200),
            "/ordered_at",
            'an instant is RFC 3339 text such as "2026-11-21T10:00:00Z", not 1795219200',
        ),
        (
            order(lines=[]),
            "/lines",
            "needs at least 1 item(s); given is an array of 0",
        ),
        (order(lines={"line": 1}), "/lines", "must be an array; given is an object"),
        (
            order(lines=examples.ORDER["lines"] * 501),
            "/lines",
            "has more than 500 items; given is an array of 501",
        ),
        (order(total="44.84"), "/total", "total 44.84 EUR is -0.01 off: its parts add up to 44.85"),
        (
            order(lines=examples.ORDER["lines"] * 2),
            "/lines",
            "line 1 occurs twice; number each once",
        ),
    ],
)
def test_each_wrong_field_is_named_with_what_it_should_be(
    document: dict[str, Any], pointer: str, detail: str
) -> None:
    assert wrong(document) == [(pointer, detail)]


def test_a_missing_field_is_required() -> None:
    document = {name: value for name, value in examples.ORDER.items() if name != "payment"}
    assert wrong(document) == [("/payment", "is required")]


def test_money_that_is_a_number_is_refused_with_the_number() -> None:
    (found,) = wrong(with_line(unit_price=19.95))
    assert found[0] == "/lines/0/unit_price"
    assert found[1] == ('must be a string such as "19.95", with at most 4 places; given is 19.95')


def test_a_long_value_is_shown_in_part() -> None:
    ((_, detail),) = wrong(order(order_ref="x" * 500))
    assert detail.endswith(f'given is "{"x" * 39}…')


def test_a_message_that_quotes_a_long_value_is_shortened() -> None:
    ((_, detail),) = wrong(with_line(unit_price=["19.95"] * 500))
    assert len(detail) < fields.SAID_CHARS


def test_all_wrong_fields_are_found_together_and_pointers_begin_where_told() -> None:
    document = with_line(quantity=0, sku="!") | {"currency": "euro"}
    pointers = {pointer for pointer, _ in wrong(document, "/transactions/3")}
    assert pointers == {
        "/transactions/3/currency",
        "/transactions/3/lines/0/quantity",
        "/transactions/3/lines/0/sku",
    }


def test_pointers_use_the_names_of_the_wire() -> None:
    sale = examples.STORE_SALES["transactions"][0] | {"register": "too long a register"}
    with pytest.raises(Invalid) as refused:
        fields.validated(StoreSale, sale, "/transactions/0")
    assert [error.pointer for error in refused.value.errors] == ["/transactions/0/register"]


def test_the_list_of_errors_is_bounded_and_says_so() -> None:
    lines = [{"line": 0, "quantity": 0} for _ in range(200)]
    with pytest.raises(Invalid) as refused:
        fields.validated(Cancellation, {"cancellation_ref": "X-1", "lines": lines})
    assert refused.value.detail == (
        "400 fields are not valid, of which the first 100 are listed; correct and send again"
    )
    assert len(refused.value.errors) == fields.ERRORS_MAX


def test_one_error_is_counted_as_one() -> None:
    assert fields.invalid([FieldError("/a", "b")]).detail == (
        "1 field is not valid; correct and send again"
    )
