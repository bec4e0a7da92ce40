"""A watchdog: a small process that kills a worker whose event loop has fallen silent.

A worker that stands still for longer than its lease (stopped, swapped out, stuck in a call that
never yields) no longer owns what it holds; others have taken its partitions. Should it wake, the
requests it was about to write are written. Fencing guards the store, not the ERP, so it must not
wake. Only another process can see to that: a stopped process runs no thread of its own.

This file is also that process. It imports nothing of the gateway, so that it is small.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from typing import Final

_STDIN: Final = 0
_BYTES: Final = 4096


class Watchdog:
    """The worker's side: :meth:`beat` at least every ``silent_s``, or be killed."""

    def __init__(self, silent_s: float) -> None:
        self._silent_s = silent_s
        self._process: subprocess.Popen[bytes] | None = None

    def beat(self) -> None:
        """Say that the loop turns; start the process if there is none (any more)."""
        if self._process is None or self._process.poll() is not None:
            self._process = self._started()
        pipe = self._process.stdin
        if pipe is None:
            return
        try:
            os.write(pipe.fileno(), b".")
        except (BrokenPipeError, BlockingIOError):
            return  # it ended just now, and the next beat starts another; or it was not reading

    def stop(self) -> None:
        """End the process; nobody is killed any more."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait()

    @property
    def pid(self) -> int | None:
        """The watchdog's own process id."""
        return self._process.pid if self._process else None

    def _started(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 -- this very file, by our interpreter
            [sys.executable, "-I", "-S", __file__, f"{self._silent_s}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # what is sent to the worker's group is not meant for it
        )
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
        return process


def watch(silent_s: float) -> None:
    """Kill the parent once no beat has come for ``silent_s``; return when it closes the pipe."""
    worker = os.getppid()
    while True:
        readable, _, _ = select.select([_STDIN], [], [], silent_s)
        if os.getppid() != worker:
            return  # it has gone, and its number may be another's
        if not readable:
            os.kill(worker, signal.SIGKILL)
            sys.stderr.write(f"coexist: worker {worker} was silent for {silent_s} s: killed\n")
            return
        if not os.read(_STDIN, _BYTES):
            return


if __name__ == "__main__":
    watch(float(sys.argv[1]))
