"""If the demo is killed, what it started goes too."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.demo.guard import Guard
from tests.unit.loadtests_demo.test_children import gone, wait_until_gone

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]

#: Guards two processes, releases one of them, says their ids, and waits to be killed.
DEMO = """
import subprocess, sys, time
from loadtests.demo.guard import Guard
guard = Guard()
made = [subprocess.Popen(sys.argv[1:], start_new_session=True) for _ in range(2)]
for one in made:
    guard.watch(one.pid)
guard.release(made[1].pid)
print(*(one.pid for one in made), flush=True)
time.sleep(60)
"""


@pytest.fixture
def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(SLEEPER, start_new_session=True)


def test_a_killed_demo_leaves_nothing_it_guards(tmp_path: Path) -> None:
    script = tmp_path / "demo.py"
    script.write_text(DEMO)
    demo = subprocess.Popen(
        [sys.executable, script, *SLEEPER], stdout=subprocess.PIPE, text=True, cwd=Path.cwd(),
        env={"PYTHONPATH": str(Path.cwd()), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert demo.stdout is not None
    guarded, released = (int(pid) for pid in demo.stdout.readline().split())
    demo.kill()
    demo.wait()
    demo.stdout.close()
    try:
        assert wait_until_gone(guarded)
        assert not gone(released)
    finally:
        subprocess.run(["/bin/kill", "-9", str(released)], check=True)


def test_closing_stops_what_is_still_listed(sleeper: subprocess.Popen[bytes]) -> None:
    guard = Guard()
    guard.watch(sleeper.pid)
    guard.close()
    assert sleeper.wait(10) == -signal.SIGTERM


def test_closing_leaves_alone_what_was_released(sleeper: subprocess.Popen[bytes]) -> None:
    guard = Guard()
    guard.watch(sleeper.pid)
    guard.release(sleeper.pid)
    guard.close()
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait()


def test_speaking_to_a_closed_guard_is_harmless() -> None:
    guard = Guard()
    guard.close()
    guard.watch(1)
    guard.release(1)
    guard.close()
