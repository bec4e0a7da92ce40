"""Flips and rollbacks through the command line, one after another, whatever happens meanwhile.

A command may fail because store or ledger is away, or be killed on purpose. What is wanted is then
tried again, as an operator would: look at what is in force, finish what is open, or begin anew.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

from gateway.routing.loader import load as load_rules
from loadtests import events
from loadtests.demo import rules
from loadtests.demo.board import Board
from tests.chaos.schedule import Flip
from tests.chaos.store import Store

#: A flip is in force at most so long after it was asked for, in s: longer than anything is away.
FLIP_S_MAX: Final = 150.0
#: No command takes so long, in s.
COMMAND_S_MAX: Final = 60.0
PAUSE_S: Final = 0.5
#: What no flip of a chaos run waits for: something is always held or busy.
WAIVED: Final = ("--waive", "exceptions=chaos", "--waive", "quotas=chaos")
_LOOK_S: Final = 0.005


class FlipFailed(Exception):
    """A flip did not come into force in time; the message says what was tried."""


class Flips(threading.Thread):
    """Carries out flips in the order they are asked for, and records each for the audit."""

    def __init__(
        self, environment: dict[str, str], folder: Path, store: Store, log: events.EventLog,
        board: Board,
    ) -> None:  # fmt: skip
        super().__init__(name="flips", daemon=True)
        self._environment = environment
        self._folder = folder
        self._store = store
        self._log = log
        self._board = board
        self._asked: queue.Queue[Flip | None] = queue.Queue()
        self._versions: dict[str, str] = {}
        self._top = ""
        #: Why it gave up, if it did.
        self.failed: Exception | None = None

    def first(self, name: str) -> None:
        """Bring the rules a run starts under into force."""
        at_start = time.monotonic()
        self._command("rules", "apply", str(self._folder / name), "--by", "chaos")
        self._record(name, "initial", at_start, time.monotonic())
        self._top = name

    def ask(self, flip: Flip) -> None:
        """Have a flip carried out after those asked for before."""
        self._asked.put(flip)

    def catch_up(self, within_s: float) -> None:
        """Wait until what was asked for is done; what is not within a bound is left."""
        until_s = time.monotonic() + within_s
        while self._asked.unfinished_tasks and self.failed is None and time.monotonic() < until_s:
            time.sleep(PAUSE_S)
        with suppress(queue.Empty):
            while True:
                self._asked.get_nowait()

    def end(self, last: str) -> None:
        """Bring ``last`` into force, if it is not, and end. Raises FlipFailed if any failed."""
        self._asked.put(None)
        self.join()
        if self.failed is None and self._top != last:
            self._carry_out(Flip(last))
        if self.failed is not None:
            raise FlipFailed(f"flips ended: {self.failed}") from self.failed

    def run(self) -> None:
        """Carry out what is asked for until the end."""
        try:
            while (flip := self._asked.get()) is not None:
                self._carry_out(flip)
                self._asked.task_done()
        except Exception as error:  # noqa: BLE001 -- said by whoever ends this thread
            self.failed = error

    def _carry_out(self, flip: Flip) -> None:
        kind: Literal["apply", "rollback"] = "rollback" if flip.rollback else "apply"
        backlog: Literal["drain", "move"] = "move" if flip.move else "drain"
        command = (
            ("rollback",) if flip.rollback else ("apply", str(self._folder / flip.rules), *WAIVED)
        )
        command = (*command, "--backlog", backlog)
        before, at_start = self._top, time.monotonic()
        interrupted = flip.killed_ms is not None and self._killed(command, flip.killed_ms)
        if flip.back:
            self._record(flip.rules, kind, at_start, None, backlog)
            kind, backlog, command = "rollback", "drain", ("rollback",)
            wanted, at_start = before, time.monotonic()
        else:
            wanted = flip.rules
        self._until_in_force(wanted, command)
        self._top = wanted
        self._record(wanted, kind, at_start, time.monotonic(), backlog)
        how = ", with its backlog" if backlog == "move" else ""
        how += ", killed midway and then ended" if interrupted else ""
        took_s = time.monotonic() - at_start
        self._board.note(f"rules: {kind} of {wanted} in force after {took_s:.1f} s{how}", "flip")

    def _until_in_force(self, name: str, command: tuple[str, ...]) -> None:
        version, tried = self._version(name), []
        until_s = time.monotonic() + FLIP_S_MAX
        while True:
            try:
                found = self._store.in_force()
                if found == (version, ""):
                    return
                if found is None:
                    raise FlipFailed("the store does not say what is in force")
                verb = ("apply", "--resume") if found[1] == version else command
                self._command("rules", *verb, "--by", "chaos")
            except FlipFailed as error:
                tried.append(str(error))
                if time.monotonic() > until_s:
                    said = "\n".join(tried[-5:])
                    raise FlipFailed(
                        f"{name} not in force after {FLIP_S_MAX:g} s:\n{said}"
                    ) from error
                time.sleep(PAUSE_S)

    def _killed(self, command: tuple[str, ...], after_ms: int) -> bool:
        """Start a command, kill it ``after_ms`` after it opened the flip; whether it was open."""
        process = self._start("rules", *command, "--by", "chaos")
        opened_s: float | None = None
        while process.poll() is None:
            now_s = time.monotonic()
            if opened_s is None and self._open():
                opened_s = now_s
            if opened_s is not None and now_s - opened_s >= after_ms / 1000:
                break
            time.sleep(_LOOK_S)
        interrupted = process.poll() is None and self._open()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if interrupted:
            self._log.append(events.Kill(what="flip", at=time.monotonic()))
        return interrupted

    def _open(self) -> bool:
        found = self._store.in_force()
        return found is not None and bool(found[1])

    def _version(self, name: str) -> str:
        if name not in self._versions:
            self._versions[name] = load_rules(self._folder / name).version
        return self._versions[name]

    def _record(
        self, name: str, kind: Literal["initial", "apply", "rollback"], at_start: float,
        at_return: float | None, backlog: Literal["drain", "move"] = "drain",
    ) -> None:  # fmt: skip
        content = rules.read(self._folder / name)
        self._log.append(
            events.Apply(
                at_start=at_start, at_return=at_return, epoch=0, kind=kind, rules=content,
                version=name, backlog=backlog,
            )
        )  # fmt: skip
        if at_return is not None:
            self._board.routes = rules.routes(content)

    def _command(self, *command: str) -> dict[str, Any]:
        """Run a command to its end; raises FlipFailed with what it said unless that is good."""
        process = self._start(*command)
        try:
            out, err = process.communicate(timeout=COMMAND_S_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise FlipFailed(f"{' '.join(command[:2])} took over {COMMAND_S_MAX:g} s") from None
        if process.returncode:
            raise FlipFailed(f"{' '.join(command[:2])}: {(err or out).strip()[-600:]}")
        answer: dict[str, Any] = json.loads(out)
        return answer

    def _start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "gateway", *command, "--json"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
