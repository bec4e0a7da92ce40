"""Showing the board: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtests.books import ERPS
from loadtests.demo.board import Board, ErpReading, Kind, Note, Reading

#: Without a terminal a progress line comes this often, in s.
PROGRESS_S = 5.0

_STYLES: dict[Kind, str] = {
    "plain": "",
    "flip": "bold cyan",
    "fault": "yellow",
    "kill": "bold red",
    "bad": "bold white on red",
    "good": "green",
}


class View(Protocol):
    """Shows a board from :meth:`begin` to :meth:`end`; ``draw`` may be called by any thread."""

    def begin(self) -> None:
        """Begin to show."""

    def draw(self) -> None:
        """Show what the board says now."""

    def end(self) -> None:
        """Show nothing any more; events stay readable."""


def view_of(board: Board, console: Console) -> View:
    """A live view if the console is a terminal, else plain lines."""
    return LiveView(board, console) if console.is_terminal else PlainView(board, console)


class PlainView:
    """One line per event, and one every few seconds that says how it stands."""

    def __init__(
        self, board: Board, console: Console, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._board = board
        self._console = console
        self._clock = clock
        self._drawn_s = clock()
        board.listen(self._print)

    def begin(self) -> None:
        self._line(self._board.title)

    def draw(self) -> None:
        if self._clock() - self._drawn_s >= PROGRESS_S:
            self._drawn_s = self._clock()
            self._line(f"{self._board.elapsed_s:6.1f} s  {status_line(self._board)}")

    def end(self) -> None:
        self._line("")

    def _print(self, note: Note) -> None:
        self._line(f"{note.at_s:6.1f} s  {note.text}")

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveView:
    """One picture that is redrawn; every event besides stays in the terminal's history."""

    def __init__(self, board: Board, console: Console) -> None:
        self._board = board
        # Drawn when there is something new: the demo needs the processor for its processes.
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._console = console
        board.listen(self._print)

    def begin(self) -> None:
        self._live.start()
        self.draw()

    def draw(self) -> None:
        self._live.update(picture(self._board), refresh=True)

    def end(self) -> None:
        self._live.stop()

    def _print(self, note: Note) -> None:
        self._console.print(_said(note), soft_wrap=True)


def status_line(board: Board) -> str:
    """How it stands, in one line."""
    reading = board.reading
    traffic = reading.traffic
    erps = " | ".join(f"{erp}: {_erp_words(reading.erps.get(erp, ErpReading()))}" for erp in ERPS)
    return (
        f"{board.phase} | {taken_words(reading)}, repeats {traffic.repeats}, "
        f"p50 {traffic.p50_ms:.0f} ms, p99 {traffic.p99_ms:.0f} ms | {erps} | held {reading.held}"
    )


def picture(board: Board) -> RenderableType:
    """The live view: progress, routes, ERPs, channels, callers."""
    heading = Table.grid(expand=True, padding=(0, 1))
    heading.add_column()
    heading.add_column(ratio=1)
    heading.add_column(justify="right")
    heading.add_row(
        Text(board.phase, style="bold"),
        ProgressBar(total=1.0, completed=board.progress),
        f"{board.elapsed_s:.0f} s",
    )
    body = Group(heading, _routes(board), _erps(board), _sold(board), _callers(board))
    return Panel(body, title=board.title, border_style="blue")


def _routes(board: Board) -> Table:
    table = _table("Routes in force")
    for name in ("process", "of", "goes to"):
        table.add_column(name, ratio=2 if name == "of" else 1)
    for route in board.routes:
        table.add_row(route.what, route.whom, Text(route.where, style="cyan"))
    table.add_row("everything else", "", "legacy" if board.routes else "legacy, all of it")
    return table


def _erps(board: Board) -> Table:
    table = _table("ERPs")
    columns = ("", "waiting", "calls open", "in window", "booked", "429/503", "faults")
    for name in columns:
        table.add_column(name, justify="left" if name in ("", "faults") else "right")
    for erp in ERPS:
        one = board.reading.erps.get(erp, ErpReading())
        closed = f"closed for {one.closed_s:.1f} s" if one.closed_s else ""
        faults = ", ".join([*one.faults, closed] if closed else one.faults)
        figures = (one.waiting, one.open_calls, one.in_window, one.booked, one.throttled)
        table.add_row(erp, *(str(figure) for figure in figures), Text(faults, style="yellow"))
    return table


def _sold(board: Board) -> Table:
    """What each channel brought so far, and the sum: the first figure of the audit in the end."""
    reading = board.reading
    table = _table("Taken so far")
    figures = {"callers of the API": reading.traffic.accepted, **reading.sold, "all": reading.taken}
    for name in figures:
        table.add_column(name, justify="right")
    table.add_row(*(str(figure) for figure in figures.values()))
    return table


def _callers(board: Board) -> Table:
    reading = board.reading
    traffic = reading.traffic
    table = _table("Callers of the API, and the buffer")
    figures = {
        "repeats": traffic.repeats,
        "refused": traffic.rejected,
        "reads": traffic.reads,
        "tries failed": traffic.attempts_failed,
        "p50 ms": f"{traffic.p50_ms:.0f}",
        "p99 ms": f"{traffic.p99_ms:.0f}",
        "in flight": reading.flight,
        "parked": reading.parked,
        "held": reading.held,
    }
    for name in figures:
        table.add_column(name, justify="right")
    table.add_row(*(str(figure) for figure in figures.values()))
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", expand=True, box=None, padding=(0, 1))


def _said(note: Note) -> Text:
    return Text(f"{note.at_s:6.1f} s  {note.text}", style=_STYLES[note.kind])


def taken_words(reading: Reading) -> str:
    """The sum, and what it is of if there is more than the API: as the audit's first lines."""
    callers = reading.traffic.accepted
    if not reading.sold:
        return f"accepted {callers}"
    sold = ", ".join(f"{name} {count}" for name, count in reading.sold.items())
    return f"taken {reading.taken} (callers of the API {callers}, {sold})"


def _erp_words(one: ErpReading) -> str:
    faults = f", {' '.join(one.faults)}" if one.faults else ""
    return f"waiting {one.waiting}, open {one.open_calls}, booked {one.booked}{faults}"
