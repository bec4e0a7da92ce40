"""Window files: from a directory of YAML to the windows of both ERPs, or to all that is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.canonical.process import ERPS, PROCESSES, Target
from gateway.canonical.window import DAYS, ErpWindow
from gateway.errors import RuleProblem, WindowsError
from gateway.routing.sheet import Sheet, Value

FILE_KEYS: Final = ("erp", "owner", "time_zone", "windows")
WINDOW_KEYS: Final = (
    "id", "days", "from", "to", "first_day", "last_day", "blocks", "processes", "why"
)  # fmt: skip
DAILY: Final = "daily"
BLOCKS: Final = ("all", "writes")
#: Longest window: beyond it, take the ERP out of the rules instead.
DAYS_ON_MAX: Final = 14

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_MIDNIGHT: Final = "24:00"
_CLOCK_FORM: Final = 'write a local time from "00:00" to "24:00", as "22:30"'
_MOMENT_FORM: Final = "write a local day and time without offset, as 2026-12-05T20:00"
_DAY_FORM: Final = "write a day as 2026-12-05"


def load_windows(directory: Path | None) -> tuple[ErpWindow, ...]:
    """Return the windows of a directory (None has none), in the order of files.

    Raises :class:`~gateway.errors.WindowsError` with all problems of all files.
    """
    if directory is None:
        return ()
    if not directory.is_dir():
        remedy = "name a folder of window files in windows_dir, or remove the setting"
        problem = RuleProblem(str(directory), 1, 1, "(file)", "is no directory", remedy)
        raise WindowsError([problem])
    windows: list[ErpWindow] = []
    seen: dict[tuple[Target, str], str] = {}
    problems: list[RuleProblem] = []
    for path in sorted(directory.glob("*.y*ml")):
        sheet = Sheet(str(path))
        root = sheet.read(path)
        if root is not None:
            windows += _Reader(sheet, seen).read(root)
        problems += sheet.problems
    if problems:
        raise WindowsError(sorted(problems, key=lambda it: (it.file, it.line, it.column)))
    return tuple(windows)


@dataclass(frozen=True, slots=True)
class _Times:
    """When a window begins and ends, however it was written."""

    begins: time
    ends: time
    days_on: int
    days: frozenset[int]
    first: date
    last: date


class _Reader:
    """Reads one file. ``seen`` are the ids of all files so far, with the place of each."""

    def __init__(self, sheet: Sheet, seen: dict[tuple[Target, str], str]) -> None:
        self._sheet = sheet
        self._seen = seen

    def read(self, root: Value) -> list[ErpWindow]:
        found = self._sheet.mapping(root, FILE_KEYS)
        if found is None or not self._sheet.required(root, found, *FILE_KEYS):
            return []
        erp = self._sheet.choice(found["erp"], ERPS, "ERP")
        self._sheet.text(found["owner"])
        zone = self._zone(found["time_zone"])
        items = self._sheet.items(found["windows"])
        if erp is None or zone is None:
            return []
        read = [self._window(item, Target(erp), zone) for item in items]
        return [window for window in read if window is not None]

    def _window(self, item: Value, erp: Target, zone: ZoneInfo) -> ErpWindow | None:
        before = len(self._sheet.problems)
        found = self._sheet.mapping(item, WINDOW_KEYS)
        if found is None or not self._sheet.required(item, found, "id", "from", "to"):
            return None
        name = self._sheet.name(found["id"])
        times = self._recurring(found) if "days" in found else self._once(found)
        blocks = "all"
        if "blocks" in found:
            blocks = self._sheet.choice(found["blocks"], BLOCKS, "extent") or "all"
        processes = self._processes(found["processes"]) if "processes" in found else frozenset()
        why = self._sheet.text(found["why"]) if "why" in found else ""
        if name is not None:
            self._once_each(found["id"], erp, name)
        if len(self._sheet.problems) > before or name is None or times is None:
            return None
        return ErpWindow(
            window_id=name,
            erp=erp,
            zone=zone,
            begins=times.begins,
            ends=times.ends,
            days_on=times.days_on,
            days=times.days,
            first=times.first,
            last=times.last,
            processes=processes,
            writes_only=blocks == "writes",
            why=why or "",
        )

    def _once_each(self, at: Value, erp: Target, name: str) -> None:
        if (erp, name) in self._seen:
            first = self._seen[erp, name]
            self._sheet.report(
                at, f"'{name}' stands in {first} already", "give it an id of its own"
            )
        place = self._sheet.place(at)
        self._seen[erp, name] = f"{Path(place.file).name}:{place.line}"

    # ------------------------------------------------------------------ times

    def _recurring(self, found: Mapping[str, Value]) -> _Times | None:
        days = self._days(found["days"])
        begins, ends = (self._clock(found[key]) for key in ("from", "to"))
        first = self._day(found["first_day"]) if "first_day" in found else date.min
        last = self._day(found["last_day"]) if "last_day" in found else date.max
        if days is None or begins is None or ends is None or first is None or last is None:
            return None
        if last < first:
            self._sheet.report(found["last_day"], "is before first_day", "swap them")
            return None
        whole = self._sheet.text(found["to"]) == _MIDNIGHT
        if begins == ends and not whole:
            self._sheet.report(
                found["to"], "ends when it begins", 'for a whole day write "00:00" to "24:00"'
            )
            return None
        return _Times(begins, ends, int(whole or ends < begins), days, first, last)

    def _once(self, found: Mapping[str, Value]) -> _Times | None:
        for key in ("first_day", "last_day"):
            if key in found:
                self._sheet.report(found[key], "means nothing without 'days'", "remove it")
        begins, ends = (self._moment(found[key]) for key in ("from", "to"))
        if begins is None or ends is None:
            return None
        if ends <= begins:
            self._sheet.report(found["to"], "ends before it begins", "swap 'from' and 'to'")
            return None
        day, days_on = begins.date(), (ends.date() - begins.date()).days
        if days_on > DAYS_ON_MAX:
            self._sheet.report(
                found["to"], f"lasts {days_on} days, more than {DAYS_ON_MAX}",
                "put the processes on hold by a rule instead",
            )  # fmt: skip
            return None
        return _Times(begins.time(), ends.time(), days_on, frozenset(range(7)), day, day)

    def _days(self, at: Value) -> frozenset[int] | None:
        words = self._sheet.texts(at)
        if [word for word, _ in words] == [DAILY]:
            return frozenset(range(7))
        known = [self._sheet.choice(value, (*DAYS, DAILY), "day") for _, value in words]
        if DAILY in known and len(known) > 1:
            self._sheet.report(at, f"'{DAILY}' stands beside single days", "keep one or the other")
            return None
        return frozenset(DAYS.index(each) for each in known if each in DAYS) or None

    def _clock(self, at: Value) -> time | None:
        text = self._sheet.text(at)
        if text is None:
            return None
        if text == _MIDNIGHT and at.key.endswith(".to"):
            return time(0)
        parts = _CLOCK.fullmatch(text)
        if parts is None:
            self._sheet.report(at, f"'{text}' is no time of day", _CLOCK_FORM)
            return None
        return time(int(parts[1]), int(parts[2]))

    def _moment(self, at: Value) -> datetime | None:
        text = self._sheet.text(at)
        try:
            moment = datetime.fromisoformat((text or "").strip())
        except ValueError:
            moment = None
        if text is None:
            return None
        if moment is None or moment.tzinfo is not None or len(text.strip()) <= len("2026-12-05"):
            self._sheet.report(at, f"'{text}' is no local day and time", _MOMENT_FORM)
            return None
        return moment

    def _day(self, at: Value) -> date | None:
        text = self._sheet.text(at)
        if text is None:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            self._sheet.report(at, f"'{text}' is no day", _DAY_FORM)
            return None

    # ------------------------------------------------------------------ names

    def _zone(self, at: Value) -> ZoneInfo | None:
        text = self._sheet.text(at)
        if text is None:
            return None
        try:
            return ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._sheet.report(at, f"unknown time zone '{text}'", "write one like Europe/Amsterdam")
            return None

    def _processes(self, at: Value) -> frozenset[str]:
        words = self._sheet.texts(at)
        known = (self._sheet.choice(value, PROCESSES, "process") for _, value in words)
        return frozenset(each for each in known if each is not None)
