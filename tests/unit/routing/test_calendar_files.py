"""Calendar files: what they say, and every way to get one wrong, with place and remedy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import CalendarsError
from gateway.routing.calendar_files import load_calendars

GOOD = """\
calendar: nl-close
owner: finance
kind: finance-close
legal_entities: [NL01]
time_zone: Europe/Amsterdam
windows:
  - {id: 2026-10, from: 2026-10-24T18:00, to: 2026-10-26T12:00, why: October is being closed}
  - {id: 2026-11, from: 2026-11-30, to: 2026-12-03T12:00+00:00}
"""


def write(folder: Path, text: str, name: str = "a.yaml") -> Path:
    (folder / name).write_text(text)
    return folder


def test_a_calendar_means_the_local_time_of_its_zone(tmp_path: Path) -> None:
    (calendar,) = load_calendars(write(tmp_path, GOOD), {"NL01"})
    assert (calendar.name, calendar.kind, calendar.owner) == (
        "nl-close",
        "finance-close",
        "finance",
    )
    assert calendar.legal_entities == {"NL01"}
    october, november = calendar.windows
    # Clocks go back on 25 October: 18:00 before is two hours ahead of UTC, noon after is one.
    assert october.start == datetime(2026, 10, 24, 16, tzinfo=UTC)
    assert october.end == datetime(2026, 10, 26, 11, tzinfo=UTC)
    assert october.why == "October is being closed"
    assert november.start == datetime(2026, 11, 29, 23, tzinfo=UTC)
    assert november.end == datetime(2026, 12, 3, 12, tzinfo=UTC)


def test_a_window_is_never_shorter_than_meant_when_clocks_go_back(tmp_path: Path) -> None:
    text = GOOD.replace("2026-10-24T18:00", "2026-10-25T02:15").replace(
        "2026-10-26T12:00", "2026-10-25T02:45"
    )
    (calendar,) = load_calendars(write(tmp_path, text), {"NL01"})
    october = calendar.windows[0]
    assert october.start == datetime(2026, 10, 25, 0, 15, tzinfo=UTC)
    assert october.end == datetime(2026, 10, 25, 1, 45, tzinfo=UTC)


def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    assert load_calendars(None) == ()
    assert load_calendars(tmp_path) == ()
    with pytest.raises(CalendarsError, match="does not exist; name a folder of calendar files"):
        load_calendars(tmp_path / "nowhere")


WRONG = {
    "legal_entities: [NL01]": ("legal_entities: [NL1]", 4, "unknown legal entity 'NL1'", "'NL01'"),
    "kind: finance-close": ("kind: close", 3, "unknown kind 'close'", "finance-close"),
    "time_zone: Europe/Amsterdam": (
        "time_zone: Amsterdam/Europe", 5, "unknown time zone", "like Europe/Amsterdam",
    ),
    "owner: finance": ("owners: finance", 2, "unknown key 'owners'", "did you mean 'owner'"),
    "from: 2026-11-30,": ("from: soon,", 8, "'soon' is not a time", "write 2026-11-30T18:00"),
    "to: 2026-12-03T12:00+00:00": (
        "to: 2026-11-03", 8, "ends before it begins", "swap 'from' and 'to'",
    ),
    "id: 2026-11,": ("id: 2026-10,", 8, "id '2026-10' is used twice", "give each window its own"),
    "calendar: nl-close": ("calendar: NL close", 1, "is not a name", "use 1 to 64 of a-z"),
}  # fmt: skip


@pytest.mark.parametrize("right", WRONG)
def test_what_is_wrong_is_named_with_file_line_and_remedy(tmp_path: Path, right: str) -> None:
    wrong, line, problem, remedy = WRONG[right]
    assert right in GOOD
    with pytest.raises(CalendarsError) as caught:
        load_calendars(write(tmp_path, GOOD.replace(right, wrong)), {"NL01"})
    found = [it for it in caught.value.problems if problem in it.problem]
    assert found
    assert found[0].file.endswith("a.yaml")
    assert found[0].line == line
    assert remedy in found[0].remedy


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "b.yaml")
    write(tmp_path, "calendar: x\nkind: freeze\n", "c.yaml")
    write(tmp_path, "\tcalendar: x\n", "d.yaml")
    write(tmp_path, GOOD)
    with pytest.raises(CalendarsError) as caught:
        load_calendars(tmp_path)
    told = [(Path(it.file).name, it.problem) for it in caught.value.problems]
    assert {name for name, _ in told} == {"b.yaml", "c.yaml", "d.yaml"}
    assert ("b.yaml", "calendar 'nl-close' is in another file already") in told
    assert ("c.yaml", "has no 'owner'") in told
