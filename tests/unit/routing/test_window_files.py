"""Window files: every mistake is told with file, line, key and remedy."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from gateway.canonical.process import Target
from gateway.errors import WindowsError
from gateway.routing.window_files import load_windows

GOOD = """
erp: cloud
owner: erp-platform
time_zone: Europe/Amsterdam
windows:
  - id: update
    days: [sat, sun]
    from: "22:00"
    to: "06:00"
    why: the vendor's update window
  - id: batch
    days: daily
    from: 00:30
    to: 24:00
    blocks: writes
    processes: [store.sale]
    first_day: 2026-11-01
    last_day: 2026-12-31
  - id: move
    from: 2026-12-05T20:00
    to: 2026-12-07T06:00
"""


def write(folder: Path, text: str, name: str = "cloud.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    update, batch, move = load_windows(write(tmp_path, GOOD))
    assert (update.window_id, update.erp, update.zone.key) == (
        "update", Target.CLOUD, "Europe/Amsterdam",
    )  # fmt: skip
    assert (update.begins, update.ends, update.days_on) == (time(22), time(6), 1)
    assert (update.days, update.writes_only) == (frozenset({5, 6}), False)
    assert (batch.begins, batch.ends, batch.days_on) == (time(0, 30), time(0), 1)
    assert (batch.writes_only, batch.processes) == (True, frozenset({"store.sale"}))
    assert (batch.first, batch.last) == (date(2026, 11, 1), date(2026, 12, 31))
    assert (move.first, move.last, move.days_on) == (date(2026, 12, 5), date(2026, 12, 5), 2)


def test_no_folder_has_no_windows() -> None:
    assert load_windows(None) == ()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WindowsError, match=r"none:1:1: .*is no directory; name a folder"):
        load_windows(tmp_path / "none")


HEAD = "erp: cloud\nowner: me\ntime_zone: Europe/Amsterdam\nwindows:\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("erp: cloud", "erp: clowd"),
         ":2:6: erp: unknown ERP 'clowd'; did you mean 'cloud'? known here: legacy, cloud"),
        (GOOD.replace("Europe/Amsterdam", "Europe/Amsterdum"),
         ":4:12: time_zone: unknown time zone 'Europe/Amsterdum'; write one like Europe/Amsterdam"),
        (GOOD.replace("owner: erp-platform\n", ""), ": (file): has no 'owner'; add `owner: …`"),
        (HEAD + "  - {id: a, days: [sat, son], from: '22:00', to: '06:00'}\n",
         ":5:25: windows[0].days[1]: unknown day 'son'; did you mean 'sun'?"),
        (HEAD + "  - {id: a, days: [daily, sat], from: '22:00', to: '06:00'}\n",
         "windows[0].days: 'daily' stands beside single days; keep one or the other"),
        (HEAD + "  - {id: a, days: daily, from: '9:00', to: '25:00'}\n",
         "windows[0].from: '9:00' is no time of day; write a local time from \"00:00\""),
        (HEAD + "  - {id: a, days: daily, from: '24:00', to: '06:00'}\n",
         "windows[0].from: '24:00' is no time of day"),
        (HEAD + "  - {id: a, days: daily, from: '06:00', to: '06:00'}\n",
         'windows[0].to: ends when it begins; for a whole day write "00:00" to "24:00"'),
        (HEAD + "  - {id: a, from: 2026-12-05, to: 2026-12-06T10:00}\n",
         "windows[0].from: '2026-12-05' is no local day and time; write a local day and time"),
        (HEAD + "  - {id: a, from: 2026-12-05T10:00+01:00, to: 2026-12-06T10:00}\n",
         "windows[0].from: '2026-12-05T10:00+01:00' is no local day and time"),
        (HEAD + "  - {id: a, from: 2026-12-06T10:00, to: 2026-12-05T10:00}\n",
         "windows[0].to: ends before it begins; swap 'from' and 'to'"),
        (HEAD + "  - {id: a, from: 2026-12-06T10:00, to: 2027-12-05T10:00}\n",
         "windows[0].to: lasts 364 days, more than 14; put the processes on hold by a rule"),
        (HEAD + "  - {id: a, from: 2026-12-06T10:00, to: 2026-12-07T10:00, last_day: 2026-12-08}\n",
         "windows[0].last_day: means nothing without 'days'; remove it"),
        (HEAD + "  - {id: a, days: daily, from: '01:00', to: '02:00', last_day: '12-08'}\n",
         "windows[0].last_day: '12-08' is no day; write a day as 2026-12-05"),
        (HEAD + "  - {id: a, days: daily, from: '01:00', to: '02:00', first_day: 2026-12-09, "
         "last_day: 2026-12-08}\n", "windows[0].last_day: is before first_day; swap them"),
        (HEAD + "  - {id: a, days: daily, from: '01:00', to: '02:00', blocks: reads}\n",
         "windows[0].blocks: unknown extent 'reads'; known here: all, writes"),
        (HEAD + "  - {id: a, days: daily, from: '01:00', to: '02:00', processes: [order.intak]}\n",
         "windows[0].processes[0]: unknown process 'order.intak'; did you mean 'order.intake'?"),
        (HEAD + "  - {id: a, days: daily, from: '01:00', to: '02:00', until: x}\n",
         "windows[0].until: unknown key 'until'"),
        (HEAD + "  - {id: a, days: daily, from: '01:00', to: '02:00'}\n" * 2,
         ":6:10: windows[1].id: 'a' stands in cloud.yaml:5 already; give it an id of its own"),
        (HEAD + "  - {id: a, days: daily, to: '02:00'}\n", "windows[0]: has no 'from'"),
        ("erp: [cloud\n", "is not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(WindowsError) as caught:
        load_windows(write(tmp_path, text))
    assert said in str(caught.value)
    assert "cloud.yaml:" in str(caught.value)


def test_the_shipped_windows_are_good() -> None:
    shipped = Path(__file__).parents[3] / "windows"
    assert {window.erp for window in load_windows(shipped)} == {Target.LEGACY, Target.CLOUD}
