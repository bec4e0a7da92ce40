"""May a call start: windows, deadlines, time zones and the two days a year when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.process import Target
from gateway.canonical.window import ErpWindow, Span
from gateway.policy.windows import CHAINED_MAX, Call, Windows

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
CLOUD = Target.CLOUD
WRITE = Call(CLOUD, "order.intake", writes=True)
READ = Call(CLOUD, "inventory.availability")


def window(
    begins: str = "22:00", ends: str = "04:00", *, days_on: int = 1, zone: ZoneInfo = AMSTERDAM,
    **more: object,
) -> ErpWindow:  # fmt: skip
    return ErpWindow(
        "night",
        CLOUD,
        zone,
        time.fromisoformat(begins),
        time.fromisoformat(ends),
        days_on,
        **more,  # type: ignore[arg-type]
    )


def at(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def gate(windows: Windows, now: str, lasts_s: float = 60, call: Call = WRITE) -> datetime | None:
    closed = windows.gate(call, at(now), round(lasts_s * 1000))
    return None if closed is None else closed.until


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-25T21:58:59", None),
        ("2026-11-25T21:59:00", None),  # ends when the window begins: nothing is in it
        ("2026-11-25T21:59:01", "2026-11-26T04:00"),
        ("2026-11-25T22:00:00", "2026-11-26T04:00"),
        ("2026-11-26T01:00:00", "2026-11-26T04:00"),
        ("2026-11-26T03:59:59", "2026-11-26T04:00"),
        ("2026-11-26T04:00:00", None),
    ],
)
def test_no_call_starts_that_could_reach_into_a_window(now: str, until: str | None) -> None:
    assert gate(Windows([window()]), now) == (at(until) if until else None)


def test_without_windows_everything_may_start() -> None:
    assert Windows().gate(WRITE, datetime.now(UTC), 10**9) is None


def test_windows_with_no_time_between_them_are_one() -> None:
    windows = Windows([window("20:00", "22:00", days_on=0), window("22:00", "23:00", days_on=0),
                       window("23:00", "23:30", days_on=0)])  # fmt: skip
    assert gate(windows, "2026-11-25T20:30") == at("2026-11-25T23:30")
    short = Windows([window("20:00", "22:00", days_on=0), window("22:00:30", "23:00", days_on=0)])
    assert gate(short, "2026-11-25T21:00", lasts_s=60) == at("2026-11-25T23:00")
    assert gate(short, "2026-11-25T21:00", lasts_s=30) == at("2026-11-25T22:00")


def test_who_it_concerns() -> None:
    batch = Windows([window(writes_only=True)])
    assert gate(batch, "2026-11-25T23:00", call=WRITE) is not None
    assert gate(batch, "2026-11-25T23:00", call=READ) is None
    assert gate(batch, "2026-11-25T23:00", call=Call(Target.LEGACY, "x", writes=True)) is None
    sales = Windows([window(processes=frozenset({"store.sale"}))])
    assert gate(sales, "2026-11-25T23:00", call=WRITE) is None
    assert gate(sales, "2026-11-25T23:00", call=Call(CLOUD, "store.sale", writes=True)) is not None
    assert gate(sales, "2026-11-25T23:00", call=Call(CLOUD, writes=True)) is None


def test_days_of_the_week_and_first_and_last_day() -> None:
    saturdays = window("22:00", "04:00", days=frozenset({5}))
    assert gate(Windows([saturdays]), "2026-11-29T01:00") == at("2026-11-29T04:00")  # its Sunday
    assert gate(Windows([saturdays]), "2026-11-28T01:00") is None  # Friday night
    once = window("20:00", "06:00", first=date(2026, 12, 5), last=date(2026, 12, 5), days_on=2)
    assert gate(Windows([once]), "2026-12-06T12:00") == at("2026-12-07T06:00")
    assert gate(Windows([once]), "2026-12-04T21:00") is None
    assert gate(Windows([once]), "2026-12-07T06:00") is None


def test_closed_for_ever_is_bounded() -> None:
    always = Windows([window("00:00", "00:00", days_on=1)])
    closed = always.gate(WRITE, at("2026-11-25T12:00"), 1000)
    assert closed is not None
    assert closed.until - at("2026-11-25T12:00") > timedelta(days=CHAINED_MAX - 2)


# --------------------------------------------------------------------------- changes of clocks


def only(spans: list[Span]) -> tuple[datetime, datetime]:
    (span,) = spans
    return span.start, span.end


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begins", "ends", "day", "start", "end"),
    [
        # 2027-03-28 02:00 CET becomes 03:00 CEST: what is skipped has two readings
        ("01:00", "05:00", "2027-03-28", "2027-03-28T00:00", "2027-03-28T03:00"),  # 3 h, not 4
        ("02:30", "05:00", "2027-03-28", "2027-03-28T00:30", "2027-03-28T03:00"),
        ("01:00", "02:30", "2027-03-28", "2027-03-28T00:00", "2027-03-28T01:30"),
        ("02:10", "02:20", "2027-03-28", "2027-03-28T00:10", "2027-03-28T01:20"),
        # 2026-10-25 03:00 CEST becomes 02:00 CET: what is repeated comes twice
        ("01:00", "05:00", "2026-10-25", "2026-10-24T23:00", "2026-10-25T04:00"),  # 5 h
        ("02:30", "05:00", "2026-10-25", "2026-10-25T00:30", "2026-10-25T04:00"),  # from the first
        ("01:00", "02:30", "2026-10-25", "2026-10-24T23:00", "2026-10-25T01:30"),  # to the second
        ("02:10", "02:20", "2026-10-25", "2026-10-25T00:10", "2026-10-25T01:20"),
    ],
)
def test_a_window_is_never_shorter_than_meant(
    begins: str, ends: str, day: str, start: str, end: str
) -> None:
    on = date.fromisoformat(day)
    each = window(begins, ends, days_on=0, first=on, last=on)
    around = utc(f"{day}T12:00")
    found = list(each.spans(around - timedelta(days=2), around + timedelta(days=2)))
    assert only(found) == (utc(start), utc(end))


def test_a_zone_far_from_utc() -> None:
    apia = ZoneInfo("Pacific/Apia")  # UTC+13: its days are not ours
    each = window("00:00", "01:00", days_on=0, zone=apia, days=frozenset({0}))
    assert gate(Windows([each]), "2026-11-22T12:30", call=WRITE) is not None  # Monday 00:30 there
    assert gate(Windows([each]), "2026-11-23T12:30", call=WRITE) is None


MINUTES = st.integers(0, 1439).map(lambda n: time(n // 60, n % 60))


@st.composite
def windows(draw: st.DrawFn) -> ErpWindow:
    begins, ends = draw(MINUTES), draw(MINUTES)
    days = draw(st.frozensets(st.integers(0, 6), min_size=1))
    zone = ZoneInfo(draw(st.sampled_from(["Europe/Amsterdam", "America/New_York", "Asia/Tokyo"])))
    return ErpWindow("any", CLOUD, zone, begins, ends, int(ends <= begins), days)


@given(st.lists(windows(), max_size=3), st.integers(0, 2 * 365 * 24 * 60), st.integers(0, 86_400))
def test_a_call_that_may_start_touches_no_window(
    given_windows: list[ErpWindow], minute: int, lasts_s: int
) -> None:
    """The law, against the occurrences themselves; and the moment told is one that may start."""
    now = utc("2026-01-01T00:00") + timedelta(minutes=minute)
    timetable = Windows(given_windows)

    def touches(start: datetime) -> bool:
        end = start + timedelta(seconds=lasts_s)
        wide = timedelta(days=3)
        return any(
            span.start < end and span.end > start
            for each in given_windows
            for span in each.spans(start - wide, end + wide)
        )

    closed = timetable.gate(WRITE, now, lasts_s * 1000)
    assert (closed is not None) == touches(now)
    if closed is not None and closed.until - now < timedelta(days=60):
        assert closed.until > now
        assert not touches(closed.until)
