"""Both forms of Retry-After, and what pretends to be one."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.erp.retry_after import RETRY_AFTER_MS_MAX, retry_after_ms

NOW = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)
IN_30_S = "Sat, 21 Nov 2026 10:00:30 GMT"


@pytest.mark.parametrize(
    ("text", "wait_ms"),
    [
        ("0", 0),
        ("1", 1_000),
        (" 30 ", 30_000),
        ("2.5", 2_500),
        ("3600", 3_600_000),
        ("86400", RETRY_AFTER_MS_MAX),
        ("999999999999", RETRY_AFTER_MS_MAX),
        (IN_30_S, 30_000),
        ("Sat, 21 Nov 2026 11:00:30 +0100", 30_000),
        ("Sat, 21 Nov 2026 10:00:30 -0000", 30_000),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 0),
        ("Sat, 21 Nov 2099 10:00:00 GMT", RETRY_AFTER_MS_MAX),
    ],
)
def test_seconds_and_dates_are_read_and_bounded(text: str, wait_ms: int) -> None:
    assert retry_after_ms({"retry-after": text}, NOW) == wait_ms


@pytest.mark.parametrize(
    "text",
    ["", "-5", "soon", "1e3", "9" * 5000, "٣", "2.", "NaN", "Sat, 99 Nov 2026 10:00:00 GMT", "1;2"],
)
def test_what_says_nothing_is_none(text: str) -> None:
    assert retry_after_ms({"retry-after": text}, NOW) is None


def test_without_the_header_nothing_is_asked_for() -> None:
    assert retry_after_ms(httpx.Headers(), NOW) is None


def test_a_date_is_measured_by_the_servers_own_clock() -> None:
    """Ours is an hour slow; the server wants 30 s by its own."""
    headers = httpx.Headers({"Retry-After": IN_30_S, "Date": "Sat, 21 Nov 2026 10:00:00 GMT"})
    an_hour_slow = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)
    assert retry_after_ms(headers, an_hour_slow) == 30_000


@given(st.text())
def test_no_text_raises_or_leaves_the_bounds(text: str) -> None:
    wait_ms = retry_after_ms({"retry-after": text, "date": text}, NOW)
    assert wait_ms is None or 0 <= wait_ms <= RETRY_AFTER_MS_MAX
