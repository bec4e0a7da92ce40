"""Calendar files: from a directory of YAML to calendars, or to the list of all that is wrong."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.canonical.calendar import Calendar, CalendarKind, Window
from gateway.errors import CalendarsError, RuleProblem
from gateway.routing.model import Place
from gateway.routing.sheet import Sheet, Value, did_you_mean

CALENDAR_KEYS: Final = ("calendar", "owner", "kind", "legal_entities", "time_zone", "windows")
WINDOW_KEYS: Final = ("id", "from", "to", "why")

_FORM: Final = "write 2026-11-30T18:00, the local time of the calendar's time zone, or a day"


def load_calendars(
    directory: Path | None, legal_entities: AbstractSet[str] | None = None
) -> tuple[Calendar, ...]:
    """Return the calendars of a directory (None has none), ordered by name.

    Raises :class:`~gateway.errors.CalendarsError` with all problems of all files.
    """
    if directory is None:
        return ()
    if not directory.is_dir():
        where = Place(str(directory), 1, 1, "(directory)")
        remedy = "name a folder of calendar files in calendars_dir, or remove the setting"
        raise CalendarsError([RuleProblem(*where, "does not exist", remedy)])
    calendars: dict[str, Calendar] = {}
    problems: list[RuleProblem] = []
    for path in sorted(directory.glob("*.y*ml")):
        sheet = Sheet(str(path))
        root = sheet.read(path)
        calendar = None if root is None else _calendar(sheet, root, legal_entities)
        if calendar is not None:
            if calendar.name in calendars:
                problem = f"calendar '{calendar.name}' is in another file already"
                problems.append(
                    RuleProblem(str(path), 1, 1, "calendar", problem, "give it another name")
                )
            calendars[calendar.name] = calendar
        problems += sheet.problems
    if problems:
        raise CalendarsError(sorted(problems, key=lambda it: (it.file, it.line, it.column)))
    return tuple(calendars[name] for name in sorted(calendars))


def _calendar(
    sheet: Sheet, root: Value, known_entities: AbstractSet[str] | None
) -> Calendar | None:
    before = len(sheet.problems)
    found = sheet.mapping(root, CALENDAR_KEYS)
    if found is None:
        return None
    sheet.required(root, found, "calendar", "owner", "kind", "windows")
    name = sheet.name(found["calendar"]) if "calendar" in found else None
    owner = sheet.text(found["owner"]) if "owner" in found else None
    kind = sheet.choice(found["kind"], list(CalendarKind), "kind") if "kind" in found else None
    entities = sheet.texts(found["legal_entities"]) if "legal_entities" in found else []
    for entity, at in entities:
        if known_entities is not None and entity not in known_entities:
            remedy = did_you_mean(entity, sorted(known_entities))
            sheet.report(at, f"unknown legal entity '{entity}'", remedy)
    zone = _zone(sheet, found["time_zone"]) if "time_zone" in found else UTC
    items = sheet.items(found["windows"]) if "windows" in found else []
    windows = [_window(sheet, item, zone or UTC) for item in items]
    seen: set[str] = set()
    for item, window in zip(items, windows, strict=True):
        if window is not None and window.name in seen:
            sheet.report(item, f"id '{window.name}' is used twice", "give each window its own")
        seen |= set() if window is None else {window.name}
    if len(sheet.problems) > before or name is None or owner is None or kind is None:
        return None
    return Calendar(
        name=name,
        kind=CalendarKind(kind),
        owner=owner,
        legal_entities=frozenset(entity for entity, _ in entities),
        windows=tuple(window for window in windows if window is not None),
    )


def _window(sheet: Sheet, item: Value, zone: tzinfo) -> Window | None:
    found = sheet.mapping(item, WINDOW_KEYS)
    if found is None or not sheet.required(item, found, "id", "from", "to"):
        return None
    name = sheet.text(found["id"])
    start, end = _time(sheet, found["from"], zone, 0), _time(sheet, found["to"], zone, 1)
    why = sheet.text(found["why"]) if "why" in found else ""
    if name is None or start is None or end is None:
        return None
    if end <= start:
        sheet.report(found["to"], "ends before it begins", "swap 'from' and 'to'")
        return None
    return Window(name, start, end, why or "")


def _time(sheet: Sheet, at: Value, zone: tzinfo, fold: int) -> datetime | None:
    """Read a time; of one that a change of clocks repeats, the first or second by ``fold``."""
    text = sheet.text(at)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        sheet.report(at, f"'{text}' is not a time", _FORM)
        return None
    # In UTC: times of one zone are compared by their clock faces, wrongly in the hour told twice.
    aware = time if time.tzinfo is not None else time.replace(tzinfo=zone, fold=fold)
    return aware.astimezone(UTC)


def _zone(sheet: Sheet, at: Value) -> tzinfo | None:
    text = sheet.text(at)
    if text is None:
        return None
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        sheet.report(at, f"unknown time zone '{text}'", "write one like Europe/Amsterdam")
        return None
