"""Processes of the demo: what starts, what crashes, what will not stop."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from loadtests.demo import children
from loadtests.demo.children import stop
from loadtests.demo.errors import ChildError
from tests.unit.loadtests_demo.conftest import MakeChild

SERVES = "announce()\ntime.sleep(60)\n"
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nannounce()\ntime.sleep(60)\n"
#: Starts a child of its own and says its id.
PARENT = """\
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
announce()
time.sleep(60)
"""


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # Where nobody buries orphans they stay as zombies; where there is no /proc somebody does.
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def wait_until_gone(pid: int, within_s: float = 10) -> bool:
    until = time.monotonic() + within_s
    while not gone(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def test_a_child_that_announces_itself_is_ready(make_child: MakeChild) -> None:
    child = make_child("server", SERVES)
    child.start()
    child.ready()
    assert child.url == "http://127.0.0.1:1"
    assert child.alive()
    child.must_run()


def test_a_crash_at_start_is_reported_with_the_last_words(make_child: MakeChild) -> None:
    child = make_child("broken", "print('port 8080 is taken', flush=True)\nsys.exit(3)\n")
    child.start()
    with pytest.raises(ChildError) as raised:
        child.ready()
    message = str(raised.value)
    assert "broken ended with exit code 3" in message
    assert "  port 8080 is taken" in message
    assert str(child.log) in message


def test_only_the_last_lines_are_quoted(make_child: MakeChild) -> None:
    child = make_child("talker", "for n in range(99): print('line', n)\nsys.exit(1)\n")
    child.start()
    with pytest.raises(ChildError) as raised:
        child.ready()
    assert "line 98" in str(raised.value)
    assert "line 80\n" not in str(raised.value)


def test_silence_is_reported_after_a_bounded_time(make_child: MakeChild) -> None:
    child = make_child("mute", "time.sleep(60)\n")
    child.start()
    with pytest.raises(ChildError, match=r"mute was not ready after 0\.3 s"):
        child.ready(within_s=0.3)


def test_an_announcement_of_an_earlier_start_does_not_count(make_child: MakeChild) -> None:
    child = make_child("server", "time.sleep(60)\n")
    child.announcement.parent.mkdir()
    child.announcement.write_text('{"url": "http://127.0.0.1:9"}')
    child.start()
    with pytest.raises(ChildError, match="not ready"):
        child.ready(within_s=0.3)


def test_a_killed_child_takes_what_it_started_along(make_child: MakeChild) -> None:
    child = make_child("parent", PARENT)
    child.start()
    child.ready()
    grandchild = int(child.log.read_text().split()[0])
    assert not gone(grandchild)
    child.kill()
    assert child.exit_code == -9
    assert wait_until_gone(grandchild)
    with pytest.raises(ChildError, match="parent ended with exit code -9"):
        child.must_run()


def test_it_can_be_started_again_after_a_kill(make_child: MakeChild) -> None:
    child = make_child("server", SERVES)
    child.start()
    child.ready()
    child.kill()
    child.start()
    child.ready()
    assert child.alive()


def test_what_does_not_stop_is_killed(
    make_child: MakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "STOP_S_MAX", 0.5)
    polite, stubborn = make_child("polite", SERVES), make_child("stubborn", STUBBORN)
    for child in (polite, stubborn):
        child.start()
    for child in (polite, stubborn):
        child.ready()
    stop([polite, stubborn])
    assert polite.exit_code == -15
    assert stubborn.exit_code == -9
    assert not polite.announcement.exists()


def test_stopping_what_never_started_or_has_ended_is_nothing(make_child: MakeChild) -> None:
    never, ended = make_child("never", SERVES), make_child("ended", "sys.exit(0)\n")
    ended.start()
    ended.see_stopped(time.monotonic() + 10)
    stop([never, ended])
    assert never.exit_code is None
    assert ended.exit_code == 0


@pytest.mark.parametrize(("code", "good"), [(0, True), (1, True), (2, False)])
def test_a_driver_may_end_with_some_exit_codes(
    make_child: MakeChild, code: int, good: bool
) -> None:
    driver = make_child("driver", f"print('said')\nsys.exit({code})\n", announces=False)
    driver.start()
    driver.see_stopped(time.monotonic() + 10)
    if good:
        assert driver.finished(good=(0, 1))
    else:
        with pytest.raises(ChildError, match="driver ended with exit code 2"):
            driver.finished(good=(0, 1))


def test_a_running_child_has_not_finished(make_child: MakeChild) -> None:
    child = make_child("server", SERVES)
    child.start()
    assert not child.finished(good=(0,))
