"""Amounts and dates as the marketplaces write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.amazon.figures import Amounts, DateOrder, day, instant

ARABIC_DIGITS = b"\xd9\xa3.50".decode()


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", "0"), ("-18.88", "-18.88"), ("+3.5", "3.5"), ("95,00", "95.00"),
        ("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("(55.00)", "-55.00"),
        ("-1.234.567,89", "-1234567.89"), ("1,234,567", "1234567"), (" 7.10 ", "7.10"),
        ("1234567", "1234567"), ("12.3456", "12.3456"),
    ],
)  # fmt: skip
def test_an_amount_is_read(text: str, amount: str) -> None:
    assert Amounts().read(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "abc",
        "1e5",
        "1_000",
        "NaN",
        "12.34.5",
        "1,23,456.00",
        "0x1",
        "5 EUR",
        ARABIC_DIGITS,
    ],
)
def test_what_is_no_amount_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        Amounts().read(text)


def test_a_file_keeps_to_the_mark_its_first_amount_shows() -> None:
    amounts = Amounts()
    assert amounts.read("95,00") == Decimal("95.00")
    assert amounts.read("1.234") == Decimal(1234)
    with pytest.raises(ValueError, match=r"'95\.00' is not an amount with ',' as decimal mark"):
        amounts.read("95.00")


def test_thousands_or_decimals_nobody_can_tell() -> None:
    with pytest.raises(ValueError, match="can be read with ',' as decimal mark or as separator"):
        Amounts().read("1,234")
    told = Amounts()
    told.mark = ","
    assert told.read("1,234") == Decimal("1.234")


@given(
    st.decimals(min_value=-(10**9), max_value=10**9, places=2),
    st.sampled_from([(".", ","), (",", "."), (".", ""), (",", "")]),
)
def test_every_way_to_write_an_amount_reads_back(amount: Decimal, marks: tuple[str, str]) -> None:
    decimal, thousands = marks
    text = f"{amount:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
    assert Amounts().read(text) == amount


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2026-11-03 09:14:00 UTC", "", (2026, 11, 3, 9, 14)),
        ("03.11.2026 09:14:00 UTC", "", (2026, 11, 3, 9, 14)),
        ("2026-11-03T09:14:00+00:00", "", (2026, 11, 3, 9, 14)),
        ("2026-11-03T10:14:00+01:00", "", (2026, 11, 3, 9, 14)),
        ("2026-11-03", "", (2026, 11, 3, 0, 0)),
        ("09/06/25", "dmy", (2025, 6, 9, 0, 0)),
        ("09/06/2025", "mdy", (2025, 9, 6, 0, 0)),
        ("23/06/25", "", (2025, 6, 23, 0, 0)),
        ("06/23/25", "", (2025, 6, 23, 0, 0)),
    ],
)
def test_a_date_is_read(
    text: str, order: DateOrder, expected: tuple[int, int, int, int, int]
) -> None:
    assert instant(text, order) == datetime(*expected, tzinfo=UTC)


def test_a_date_whose_order_nothing_tells_is_refused() -> None:
    with pytest.raises(ValueError, match="say which with --date-order"):
        day("09/06/25")
    assert day("06/06/25") == date(2025, 6, 6)


@pytest.mark.parametrize("text", ["", "yesterday", "31/02/26", "2026-13-01", "03.11.26"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        instant(text, "dmy")
