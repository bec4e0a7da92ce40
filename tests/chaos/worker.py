"""A worker whose wall clock can be made to jump: the product's own, composed with another clock.

``python -m tests.chaos.worker --announce FILE``; the clock runs ahead by as many seconds as
``FILE`` with the suffix ``.clock`` holds (none: by nothing), read each time it is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from datetime import datetime, timedelta
from pathlib import Path

from gateway.clock import SystemClock
from gateway.observe.logs import configure
from gateway.serve import write_announcement
from gateway.settings import load
from gateway.worker import work


class JumpyClock(SystemClock):
    """The machine's clock, off by what a file says."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=offset_s(self._file))


def clock_file(announcement: Path) -> Path:
    """Where the worker that announces itself there reads how far its clock is off."""
    return announcement.with_suffix(".clock")


def offset_s(file: Path) -> int:
    """How far the clock is off, in s."""
    try:
        return int(file.read_text() or "0")
    except FileNotFoundError:
        return 0


def jump(file: Path, by_s: int) -> None:
    """Let the clock jump, seen as a whole or not at all."""
    draft = file.with_suffix(".draft")
    draft.write_text(str(offset_s(file) + by_s))
    draft.replace(file)


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--announce", type=Path, required=True)
    announcement: Path = parser.parse_args().announce
    configure()

    def ready() -> None:
        write_announcement(announcement, {"pid": os.getpid()})

    asyncio.run(work(load(), ready, JumpyClock(clock_file(announcement))))


if __name__ == "__main__":
    main()
