"""Figures and codes: exact, and the same whichever ERP wrote them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.erp.figures import BadAnswer, figure, per_piece, pieces, priced, unit, written


@pytest.mark.parametrize("code", ["EA", "ea", " ST ", "PCS", "PCE", "STK", "H87"])
def test_pieces_have_one_code(code: str) -> None:
    assert unit(code) == "EA"


@pytest.mark.parametrize(("code", "canonical"), [("PAA", "PR"), ("PR", "PR"), ("kg", "KG")])
def test_other_units(code: str, canonical: str) -> None:
    assert unit(code) == canonical


@pytest.mark.parametrize(
    ("stock", "available"),
    [("12.000", 12), ("12.999", 12), ("0.4", 0), ("0", 0), ("-3.000", 0), ("-0.5", 0)],
)
def test_stock_is_promised_in_whole_pieces_and_never_less_than_none(
    stock: str, available: int
) -> None:
    assert pieces(figure(stock)) == available


@pytest.mark.parametrize("text", ["", "12,5", "1e3", "NaN", "12.", ".5", "--1", "1" * 16, "٣"])
def test_what_is_no_figure_is_refused(text: str) -> None:
    with pytest.raises(BadAnswer):
        figure(text)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("19.9", "EUR", "19.90"),
        ("19.900", "EUR", "19.90"),
        ("5", "EUR", "5.00"),
        ("1E+2", "EUR", "100.00"),
        ("0.0125", "EUR", "0.0125"),
        ("500", "JPY", "500"),
        ("1.5", "KWD", "1.500"),
    ],
)
def test_amounts_are_padded_to_their_currency_and_never_rounded(
    amount: str, currency: str, text: str
) -> None:
    assert written(Decimal(amount), currency) == text
    assert str(priced(Decimal(amount), currency)) == text


@given(st.decimals(0, 10**13, places=4))
def test_writing_loses_nothing(amount: Decimal) -> None:
    assert Decimal(written(amount, "EUR")) == amount


@given(
    st.integers(0, 10**15).map(lambda minor: Decimal(minor).scaleb(-2)),
    st.integers(1, 100_000),
)
def test_a_split_adds_up_to_the_cent(amount: Decimal, quantity: int) -> None:
    each, discount = per_piece(amount, quantity, "EUR")
    assert each * quantity - discount == amount
    assert each == each.quantize(Decimal("0.01"))
    assert 0 <= discount < Decimal("0.01") * quantity


def test_a_split_that_divides_needs_no_discount() -> None:
    assert per_piece(Decimal("59.85"), 3, "EUR") == (Decimal("19.95"), Decimal("0.00"))
    assert per_piece(Decimal("10.00"), 3, "EUR") == (Decimal("3.34"), Decimal("0.02"))
    assert per_piece(Decimal(1000), 3, "JPY") == (Decimal(334), Decimal(2))
