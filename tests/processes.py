"""Child processes of tests and benchmarks: started, announced, killed or stopped by id."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_S_MAX = 60.0
STOP_S_MAX = 20.0
ROOT = Path(__file__).parent.parent


class Running:
    """One child process, with its log and what it announced."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, announce: Path
    ) -> None:
        announce.unlink(missing_ok=True)
        self.arguments, self.log = arguments, log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments, "--announce", str(announce)],
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        until_s = time.monotonic() + START_S_MAX
        while not announce.exists():
            if self.process.poll() is not None or time.monotonic() > until_s:
                self.kill()
                raise RuntimeError(f"{' '.join(arguments)} did not start:\n{self.said()}")
            time.sleep(0.05)
        self.announced: dict[str, Any] = json.loads(announce.read_text())

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.announced["url"])

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """``kill -9`` it and all it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask it to stop; kill it if it does not."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S_MAX)
        self.kill()


@contextmanager
def spawned(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run any command in a session of its own; stop it and its children in the end."""
    with tempfile.TemporaryFile() as log:
        running = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            yield running
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-2000:])
            raise
        finally:
            running.terminate()
            try:
                running.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, running: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens on a port."""
    until_s = time.monotonic() + START_S_MAX
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if running.poll() is not None or time.monotonic() > until_s:
            raise RuntimeError(f"{running.args!r} does not listen")
        time.sleep(0.05)
