"""Progress of a flip: a bar on a terminal, a plain line per finished step otherwise."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

from gateway.flow.publish import Step


class Shown:
    """Shows the steps of a flip on stderr while it is entered; ``quiet`` shows nothing."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._last: Step | None = None
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        if not quiet and sys.stderr.isatty():
            columns = (TextColumn("  {task.description:<10}"), BarColumn(), MofNCompleteColumn())
            self._bars = Bars(*columns, console=Console(stderr=True))

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, step: Step) -> None:
        if self._bars is not None:
            if step.doing not in self._tasks:
                self._tasks[step.doing] = self._bars.add_task(step.doing)
            self._bars.update(self._tasks[step.doing], completed=step.done, total=step.total)
        elif not self._quiet and step.done == step.total and step != self._last:
            click.echo(f"  {step.doing}: {step.done} of {step.total}", err=True)
        self._last = step
