"""A worker that stands still beyond its lease does not wake again; one that lives is left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import ROOT

#: A "worker": beats ten times a second, so often as it is told, and then ends or falls silent.
WORKER = """
import sys, time
from gateway.watchdog import Watchdog
dog = Watchdog(float(sys.argv[1]))
dog.beat()
print(dog.pid, flush=True)
for _ in range(int(sys.argv[2])):
    time.sleep(0.1)
    dog.beat()
if sys.argv[3] == "sleep":
    time.sleep(30)
dog.stop()
print("ended", flush=True)
"""


@contextmanager
def worker(silent_s: float, beats: int, then: str = "") -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(silent_s), str(beats), then],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def dog_of(started: subprocess.Popen[str]) -> int:
    assert started.stdout is not None
    return int(started.stdout.readline())


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int, within_s: float = 10.0) -> bool:
    until_s = time.monotonic() + within_s
    while lives(pid):
        if time.monotonic() > until_s:
            return False
        time.sleep(0.02)
    return True


def test_a_worker_that_beats_is_left_alone_and_the_dog_goes_with_it() -> None:
    with worker(5.0, beats=5) as started:
        dog = dog_of(started)
        assert started.wait(20) == 0
        assert started.communicate()[0].strip() == "ended"
        assert gone(dog)


@pytest.mark.parametrize("how", ["stuck", "stopped"])
def test_a_silent_worker_is_killed_also_when_it_is_stopped(how: str) -> None:
    with worker(1.0, beats=3 if how == "stuck" else 1000, then="sleep") as started:
        dog = dog_of(started)
        if how == "stopped":
            os.kill(started.pid, signal.SIGSTOP)
        assert started.wait(20) == -signal.SIGKILL
        assert "was silent for 1.0 s: killed" in started.communicate()[1]
        assert gone(dog)


def test_a_dog_whose_worker_was_killed_kills_nobody_else() -> None:
    with worker(2.0, beats=1000) as started:
        dog = dog_of(started)
        started.kill()
        started.wait()
        assert gone(dog)


def test_a_dog_that_is_killed_is_replaced() -> None:
    with worker(1.5, beats=15, then="sleep") as started:
        dog = dog_of(started)
        os.kill(dog, signal.SIGKILL)
        assert started.wait(20) == -signal.SIGKILL, "the second one saw it fall silent"
