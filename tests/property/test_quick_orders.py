"""What the express lane vouches for, the order's model takes, and reads the same."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from typing import Any, Union, get_args, get_origin

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from gateway.api import intake, quick
from gateway.api.checks import Checks
from gateway.canonical.money import MINOR_DIGITS
from gateway.canonical.order import Order
from gateway.errors import BadRequest

#: Texts at the edges of what the patterns tell apart: every kind of space, separators, controls,
#: the digits and letters of others, and the characters JSON writes in two ways.
EDGES = st.text(
    st.sampled_from(
        'aZ0_-. :#@"/\\\t\n\r\x00\x1c\x1f\x7f\x80\x85\xa0\xad\u1680\u180e\u2003\u2028\u200b\u3000'
        "\ufeff\ufffe\uffff\u0663\uff11\xeb\u0130\U0001f600"
    ),
    max_size=4,
)
TEXTS = st.one_of(st.text("abc XYZ09-.", max_size=6), EDGES, st.just("x" * 41), st.just("x" * 121))
AMOUNTS = st.one_of(
    st.decimals(0, 10_000, places=2).map(str),
    st.sampled_from(
        ["0", "5", "0.1", "19.9500", "00.10", "-1", "-0", "1e3", ".5", "5.", "+1", " 1", "1 ",
         "NaN", "Infinity", "1_0", "\u0661", "9" * 13, "9" * 14, "0.00001", ""]
    ),
)  # fmt: skip
INSTANTS = st.one_of(
    st.datetimes(timezones=st.just(UTC)).map(lambda it: it.isoformat()),
    st.sampled_from(
        ["2026-11-21T10:00:00Z", "2026-11-21T10:00:00+01:00", "2026-11-21T10:00:00.5-23:59",
         "2026-11-21T10:00:00+24:00", "2026-11-21T24:00:00Z", "2026-02-29T10:00:00Z",
         "2026-11-21T10:00:60Z", "2026-11-21 10:00:00Z", "2026-11-21T10:00:00",
         "0000-01-01T00:00:00Z",
         "2026-11-21T10:00Z", "2026-11-21T10:00:00z", "1764000000", "2026-11-21T10:00:00+00:60"]
    ),
)  # fmt: skip
ANYTHING = st.one_of(
    TEXTS, AMOUNTS, INSTANTS, st.none(), st.booleans(), st.integers(-1, 10_001),
    st.sampled_from([0.0, 1.0, 1e3, 10**20, "paid", "refunded", "EUR", "eur", "JPY", "XYZ", "KWD"]),
    st.just([]), st.just({}), st.lists(st.just({}), max_size=1),
)  # fmt: skip


def _line(number: int, price: Decimal, quantity: int) -> dict[str, Any]:
    return {"line": number, "sku": f"S-{number}", "quantity": quantity, "unit_price": str(price)}


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    """Return an order that is right, with optional fields that are there or not."""
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD", "CHF"]))
    price = st.decimals(0, 1000, places=MINOR_DIGITS[currency])
    lines = [
        _line(n + 1, draw(price), draw(st.integers(1, 9))) for n in range(draw(st.integers(1, 3)))
    ]
    shipping = draw(price)
    total = sum((it["quantity"] * Decimal(it["unit_price"]) for it in lines), shipping)
    order: dict[str, Any] = {
        "order_ref": "SHOP-1", "legal_entity": "NL01", "ordered_at": draw(INSTANTS),
        "currency": currency, "customer": {"ref": "C-1", "name": "Kim"},
        "ship_to": {"name": "Kim", "street": "A 1", "city": "B", "postal_code": "1",
                    "country": "NL"},
        "lines": lines, "shipping": {"amount": str(shipping)}, "payment": {"method": "card"},
        "total": str(total),
    }  # fmt: skip
    options = [
        (order, "tax_included", True), (order["customer"], "email", "a@b.c"),
        (order["customer"], "email", None), (order["customer"], "group", "retail"),
        (order["ship_to"], "region", "UT"), (order["payment"], "status", "pending"),
        (order["payment"], "reference", "r-1"), (lines[0], "discount", "0"),
        (lines[0], "tax", "1"), (order["shipping"], "tax", "0"),
    ]  # fmt: skip
    for holder, name, value in draw(st.lists(st.sampled_from(options), max_size=4)):
        holder[name] = value
    return order


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container in a document with each of its keys."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    """Return an order in which up to three things were replaced, removed or added."""
    order = draw(orders())
    for _ in range(draw(st.integers(0, 3))):
        holder, key = draw(st.sampled_from(list(_places(order))))
        deed = draw(st.sampled_from(["replace", "replace", "replace", "remove", "add"]))
        if deed == "replace":
            holder[key] = draw(ANYTHING)
        elif deed == "remove":
            del holder[key]
        elif isinstance(holder, dict):
            holder[draw(st.sampled_from(["gift", "tax", "group", "region"]))] = draw(ANYTHING)
    return order


def _same(body: bytes) -> bool:
    """Hold what is vouched for against the model; say whether it was."""
    found = quick.vouched(body)
    if found is None:
        return False
    received = intake._parse(body)
    order = Order.model_validate(received.document)
    assert found.canonical == received.canonical
    assert found.ordered_at == order.ordered_at
    mine, model = found.order, order
    assert (mine.order_ref, mine.legal_entity, mine.currency) == (
        model.order_ref, model.legal_entity, model.currency,
    )  # fmt: skip
    assert (mine.ship_to.country, mine.ship_to.region or "") == (
        model.ship_to.country, model.ship_to.region,
    )  # fmt: skip
    assert (mine.customer.ref, mine.customer.group or "") == (
        model.customer.ref, model.customer.group,
    )  # fmt: skip
    return True


@given(changed(), st.booleans(), st.sampled_from([None, 1]))
def test_what_is_vouched_for_the_model_takes_and_reads_the_same(
    order: dict[str, Any], escaped: bool, indent: int | None
) -> None:
    _same(json.dumps(order, ensure_ascii=escaped, indent=indent).encode("utf-8", "surrogatepass"))


@given(orders())
def test_orders_that_are_right_are_vouched_for(order: dict[str, Any]) -> None:
    """Or the lane would be right, and of no use."""
    body = json.dumps(order).encode()
    try:
        Order.model_validate(order)
    except ValidationError:
        assert quick.vouched(body) is None
    else:
        usual = re.fullmatch(r".{10}T.{8}(\.\d+)?(Z|[+-].*)", order["ordered_at"])
        assert _same(body) or not usual


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace('"currency"', '"total": "1", "currency"', 1),
        lambda text: text.replace('"ref"', '"ref": "C-2", "ref"', 1),
        lambda text: text.replace("Kim", "K:m", 1).replace('"ref"', '"ref": "C-2", "ref"', 1),
        lambda text: text.replace("SHOP-1", "SHOP\\u002d1", 1),
        lambda text: text[:-1],
        lambda text: text + "{}",
        lambda text: f"[{text}]",
        lambda text: f"\ufeff{text}",
    ],
)
@given(orders())
def test_texts_that_parsers_disagree_on_are_left_to_the_careful_one(
    spoil: Any, order: dict[str, Any]
) -> None:
    assert quick.vouched(spoil(json.dumps(order)).encode()) is None


def test_bytes_that_are_not_utf8_are_left_to_the_careful_one() -> None:
    body = json.dumps({"order_ref": "x"}).encode().replace(b"x", b"\xff")
    assert quick.vouched(body) is None
    with pytest.raises(BadRequest):
        intake._parse(body)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _structs(annotation: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
    if get_origin(annotation) in {list, Union, types.UnionType} or get_args(annotation):
        for part in get_args(annotation):
            yield from _structs(part)


def test_structs_have_the_models_fields_in_canonical_order() -> None:
    def compare(struct: type[msgspec.Struct], model: type[BaseModel]) -> None:
        fields = {it.name: it for it in msgspec.structs.fields(struct)}
        assert list(fields) == sorted(fields), struct
        assert set(fields) <= set(model.model_fields), struct
        for name, info in model.model_fields.items():
            if name not in fields:  # an order that has it takes the routed way
                assert not info.is_required(), f"{struct}.{name}"
                continue
            assert fields[name].required == info.is_required(), f"{struct}.{name}"
            for inner, theirs in zip(
                _structs(fields[name].type), _models(info.annotation), strict=True
            ):
                compare(inner, theirs)

    compare(quick.Order, Order)


def test_the_checks_of_both_ways_are_the_same_functions() -> None:
    """``passes`` looks at what ``order`` looks at, but for places, which the patterns bound."""
    names = Checks.passes.__code__.co_names
    assert set(names) >= {"_entity", "_instant"}
