"""The processes of a demo: started, announced, stopped in bounds, killed on purpose.

Each leads a process group of its own, so that a Ctrl-C reaches only the demo, which then stops
them in order, and so that a kill takes what the process itself has started along.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from loadtests.demo.errors import ChildError
from loadtests.demo.guard import Guard

#: Two cores start six interpreters at once: some seconds each, with room for a busy machine.
START_S_MAX: Final = 45.0
#: What a process may take to end what it has begun, before it is killed.
STOP_S_MAX: Final = 12.0
LAST_LINES: Final = 15
_POLL_S: Final = 0.05


class Child:
    """One process: a module of ours, run by this interpreter. Its output goes to ``log``."""

    def __init__(
        self,
        name: str,
        module: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        guard: Guard,
        *,
        announces: bool = True,
    ) -> None:
        self.name = name
        self._module = list(module)
        self._announces = announces
        self._folder = folder
        self._environment = environment
        self._guard = guard
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        #: What it said when it was ready: ``pid``, and ``url`` if it has one.
        self.announced: dict[str, Any] = {}

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self._folder / f"{self.name}.log"

    @property
    def announcement(self) -> Path:
        """Where it says that it is ready, if it is one that does."""
        return self._folder / f"{self.name}.json"

    @property
    def url(self) -> str:
        """The URL it announced."""
        return str(self.announced["url"])

    @property
    def exit_code(self) -> int | None:
        """None while it runs or was never started."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it; :meth:`ready` waits for it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.announcement.unlink(missing_ok=True)
        self.announced = {}
        self._started_s = time.monotonic()
        announce = ["--announce", str(self.announcement)] if self._announces else []
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- modules of ours, no shell
                [sys.executable, "-m", *self._module, *announce],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self._environment),
                start_new_session=True,
            )
        self._guard.watch(self._process.pid)

    def ready(self, within_s: float = START_S_MAX) -> None:
        """Wait until it has announced itself. Raises ChildError if it ends or says nothing."""
        until_s = self._started_s + within_s
        while not self.is_ready():
            if time.monotonic() > until_s:
                raise ChildError(
                    f"{self.name} was not ready after {within_s:g} s{self._last_words()}"
                )
            time.sleep(_POLL_S)

    def is_ready(self) -> bool:
        """Whether it has announced itself. Raises ChildError if it has ended."""
        self.must_run()
        if not self.announced and self.announcement.exists():
            self.announced = json.loads(self.announcement.read_text(encoding="utf-8"))
        return bool(self.announced)

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def must_run(self) -> None:
        """Raise ChildError with its last words if it has ended."""
        if not self.alive():
            code = self.exit_code
            raise ChildError(f"{self.name} ended with exit code {code}{self._last_words()}")

    def finished(self, good: Collection[int | None]) -> bool:
        """Whether it ended by itself. Raises ChildError for an exit code that is not ``good``."""
        if self.alive():
            return False
        if self.exit_code not in good:
            self.must_run()
        return True

    def kill(self) -> None:
        """``kill -9`` it and all it has started, and see it gone."""
        if self._process is not None and self.alive():  # not reaped, so the id is still its own
            os.killpg(self._process.pid, signal.SIGKILL)
        self._reap(STOP_S_MAX)

    def ask_to_stop(self) -> None:
        """Send SIGTERM; :meth:`see_stopped` waits for the end."""
        if self.alive() and self._process is not None:
            self._process.terminate()

    def see_stopped(self, until_s: float) -> None:
        """Wait until it has ended; kill it and what it started at ``until_s`` (monotonic)."""
        if not self._reap(until_s - time.monotonic()):
            self.kill()

    def _reap(self, within_s: float) -> bool:
        if self._process is None:
            return True
        try:
            self._process.wait(max(0.0, within_s))
        except subprocess.TimeoutExpired:
            return False
        self._guard.release(self._process.pid)
        self.announcement.unlink(missing_ok=True)
        return True

    def _last_words(self) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        lines = text.splitlines()[-LAST_LINES:]
        return f"; the end of {self.log}:\n" + "\n".join(f"  {line}" for line in lines)


def stop(children: Iterable[Child]) -> None:
    """Stop several at once: ask all, then see each stopped within STOP_S_MAX."""
    together = list(children)
    for child in together:
        child.ask_to_stop()
    until_s = time.monotonic() + STOP_S_MAX
    for child in together:
        child.see_stopped(until_s)
