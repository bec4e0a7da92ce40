"""Child processes of ``coexist up``: started, announced, restarted, stopped by id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gateway.errors import ConfigError

START_S_MAX: Final = 60.0
STOP_S_MAX: Final = 15.0
_POLL_S: Final = 0.05


@dataclass
class Child:
    """One child: what runs it, where it logs, and what it announced."""

    name: str
    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    announced: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        """Start it and wait until it has announced that it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        announce = self.folder / f"{self.name}.json"
        announce.unlink(missing_ok=True)
        command = [sys.executable, "-m", *self.arguments, "--announce", str(announce)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 -- our own modules, by our interpreter
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment},
                start_new_session=True,  # a Ctrl-C is ours to pass on, in order
            )
        until_s = time.monotonic() + START_S_MAX
        while not announce.exists():
            if self.process.poll() is not None or time.monotonic() > until_s:
                self.stop()
                raise ConfigError(f"{self.name} did not start: {self.last_words()}")
            time.sleep(_POLL_S)
        self.announced = json.loads(announce.read_text())

    def alive(self) -> bool:
        """Say whether it runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Ask it to stop; kill it (and what it started) if it does not."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def last_words(self) -> str:
        """Return the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-15:]) or f"no output; see {self.log}"
