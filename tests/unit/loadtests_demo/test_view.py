"""What people see: plain lines without a terminal, one picture on one."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from loadtests.demo.board import Board, ErpReading, Note, Reading
from loadtests.demo.rules import Route
from loadtests.demo.tail import Traffic
from loadtests.demo.view import PROGRESS_S, LiveView, PlainView, picture, status_line, view_of

READING = Reading(
    erps={
        "legacy": ErpReading(waiting=12, open_calls=3, booked=200),
        "cloud": ErpReading(in_window=77, booked=40, throttled=9, faults=("outage",), closed_s=1.5),
    },
    flight=4,
    held=2,
    traffic=Traffic(accepted=250, repeats=31, p50_ms=12.4, p99_ms=88),
    sold={"amazon-de": 31, "pos": 400},
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(clock: Clock) -> Board:
    made = Board("coexist demo: 90 s", clock)
    made.phase = "traffic"
    made.reading = READING
    made.routes = [Route("new orders", "DE01", "cloud")]
    return made


@pytest.fixture
def pipe() -> Console:
    return Console(file=io.StringIO(), width=100)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_view_follows_from_the_console(board: Board, pipe: Console) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True)
    assert isinstance(view_of(board, pipe), PlainView)
    assert isinstance(view_of(board, terminal), LiveView)


def test_without_a_terminal_every_event_is_a_line(
    board: Board, pipe: Console, clock: Clock
) -> None:
    view = PlainView(board, pipe, clock)
    view.begin()
    clock.now += 3.25
    board.note("wave 1 [of 2]: in force", "flip")
    assert text_of(pipe).splitlines() == [
        "coexist demo: 90 s",
        "   3.2 s  wave 1 [of 2]: in force",
    ]


def test_without_a_terminal_a_progress_line_comes_now_and_then(
    board: Board, pipe: Console, clock: Clock
) -> None:
    view = PlainView(board, pipe, clock)
    for _ in range(10):
        clock.now += PROGRESS_S / 4
        view.draw()
    lines = text_of(pipe).splitlines()
    assert len(lines) == 2
    assert lines[0].endswith(status_line(board))


def test_the_status_line_says_backlog_books_and_faults(board: Board) -> None:
    line = status_line(board)
    for words in (
        "taken 681 (callers of the API 250, amazon-de 31, pos 400)",
        "repeats 31",
        "p99 88 ms",
        "legacy: waiting 12",
        "outage",
        "held 2",
    ):
        assert words in line


def test_what_has_no_channels_of_its_own_says_so_shortly(board: Board) -> None:
    board.reading = replace(READING, sold={})
    assert "traffic | accepted 250, repeats 31" in status_line(board)


def test_the_picture_shows_routes_quotas_and_faults(board: Board, clock: Clock) -> None:
    board.traffic_from_s, board.traffic_s = clock.now - 45, 90
    console = Console(file=io.StringIO(), width=110, record=True)
    console.print(picture(board))
    shown = console.export_text()
    for words in ("Routes in force", "DE01", "everything else", "in window", "77"):
        assert words in shown
    assert "outage, closed for 1.5 s" in shown
    assert shown.index("amazon-de") < shown.index("681") < shown.index("Callers of the API, and")
    assert board.progress == 0.5


def test_on_a_terminal_events_stay_and_the_picture_goes(board: Board) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    view = LiveView(board, console)
    view.begin()
    board.note("kill -9 of worker-2", "kill")
    view.draw()
    view.end()
    assert text_of(console).count("kill -9 of worker-2") == 1
    assert "Routes in force" in text_of(console)


def test_progress_is_between_none_and_all(board: Board, clock: Clock) -> None:
    assert board.progress == 0
    board.traffic_from_s, board.traffic_s = clock.now + 1, 10
    assert board.progress == 0
    clock.now += 100
    assert board.progress == 1


def test_the_board_keeps_the_latest_events_with_their_times(board: Board, clock: Clock) -> None:
    for number in range(40):
        clock.now += 1
        board.note(f"event {number}")
    notes = board.notes()
    assert notes[-1] == Note(40, "plain", "event 39")
    assert notes[0].text == "event 28"
