"""The demo as a newcomer runs it, only shorter; and that nothing of it is left, however it ends.

A whole run takes about a minute on two idle cores; the time-outs leave room for busy ones.
"""

from __future__ import annotations

import json
import operator
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest

FIGURES = {
    "accepted", "duplicates_answered", "booked_legacy", "booked_cloud", "booked_once", "lost",
    "duplicated", "wrong_owner", "out_of_order", "wrong_amount", "stale_route_after_apply",
    "value_accepted", "value_booked", "followups_across_flip", "late_days_after_flip",
    "lost_replies_after_booking", "late_bookings", "killed_with_work_in_flight", "erp_429",
    "flips", "kills", "compared", "waves_paused", "accept_p50_ms", "accept_p99_ms", "duration_s",
    "seed",
}  # fmt: skip
MUST_NOT_HAPPEN = (
    "lost", "duplicated", "wrong_owner", "out_of_order", "wrong_amount", "stale_route_after_apply",
    "rejected", "held",
)  # fmt: skip
MUST_HAPPEN = (
    "duplicates_answered", "followups_across_flip", "late_days_after_flip",
    "lost_replies_after_booking", "late_bookings", "killed_with_work_in_flight", "erp_429",
    "compared", "waves_scheduled", "waves_paused", "rollbacks", "cloud_lost_replies",
    "cloud_late_bookings", "cloud_429", "cloud_outage_refusals", "workers_killed",
    "gateways_killed", "deliveries_lost", "deliveries_repeated", "deliveries_missigned",
    "deliveries_disordered", "batches_disordered",
)  # fmt: skip

#: What is said of its waves, in this order, and the command that took wave 2 back in full.
WAVES = (
    "wave 1 is proposed, and approved by somebody else",
    r"wave 1: .*: due at [0-9:]{8} UTC, nobody has to be there",
    r"the cloud ERP was asked as well: order\.intake compared [1-9]\d* times, \d+ differ",
    r"wave 1: .*: in force as epoch 2, as scheduled",
    r"wave 2: .*: in force as epoch 3, everywhere",
    r"rollback preview: version [0-9a-f]{12} goes, [0-9a-f]{12} comes back; waves that change: \S+",
    r"rollback preview: stays in the cloud ERP: [1-9]\d* object\(s\), [0-9.]+ EUR",
    r"rollback preview: still to be booked there \d+, refused there \d+",
    r"rollback preview: booked orders still to be picked and shipped there, if not done: \d+",
    r"rollback preview: returns still to be refunded there: \d+",
    r"wave 2 is rolled back: in force as epoch 4, everywhere",
    r"webhook: bad-wave is paused by its guardrail, erp_error_rate [0-9.]+ against 20\.0, \d+ s",
    "its reads are answered again, by the legacy ERP",
)


def in_order(said: list[str], wanted: Sequence[str]) -> None:
    """Each of ``wanted`` is said, behind the one before it."""
    lines = iter(said)
    for one in wanted:
        assert any(re.search(one, line) for line in lines), (one, "\n".join(said))


class Run:
    """A demo under way: what it printed so far, and what it left."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.said: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "demo", "--folder", str(folder), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def until(self, words: str) -> str:
        """Read until a line holds ``words``; the line."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.rstrip())
            if words in line:
                return line
        raise AssertionError(f"ended without saying {words!r}:\n" + "\n".join(self.said))

    def interrupt(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self, within_s: float = 90) -> int:
        rest, _ = self._process.communicate(timeout=within_s)
        self.said += rest.splitlines()
        return self._process.returncode

    def make_sure(self) -> None:
        """End it, whatever the test came to; its guard ends what it started."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def left(self, enough: Callable[[list[str]], bool] = operator.not_) -> list[str]:
        """Processes that still name the demo's folder in their command, once it is ``enough``.

        By default none; after 15 s whatever there is.
        """
        until = time.monotonic() + 15
        while not enough(found := _naming(self.folder)) and time.monotonic() < until:
            time.sleep(0.2)
        return found


StartDemo = Callable[..., Run]


def _naming(folder: Path) -> list[str]:
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in listed.splitlines() if str(folder) in line]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartDemo]:
    runs: list[Run] = []

    def start_demo(*options: str) -> Run:
        run = Run(tmp_path / "demo", *options)
        runs.append(run)
        return run

    yield start_demo
    for run in runs:
        run.make_sure()
        assert run.left() == []


@pytest.mark.timeout(480)
def test_a_short_demo_survives_its_hazards_and_stays_until_ctrl_c(
    start: StartDemo, tmp_path: Path
) -> None:
    report_file = tmp_path / "report.json"
    options = ["--duration", "30", "--rate", "12", "--seed", "11", "--keep-running"]
    run = start(*options, "--json", str(report_file))
    run.until("all of it runs on until Ctrl-C")
    report: dict[str, Any] = json.loads(report_file.read_text())
    said = "\n".join(run.said)
    assert set(report) >= FIGURES
    assert {name: report[name] for name in MUST_NOT_HAPPEN} == dict.fromkeys(MUST_NOT_HAPPEN, 0), (
        said
    )
    assert [name for name in MUST_HAPPEN if not report[name]] == [], said
    assert (report["flips"], report["seed"]) == (3, 11)
    assert report["unknown"] == report["unknown_booked"], "an answer may get lost, a booking not"
    sold = report["channels"]
    assert set(sold) == {"shop-nl", "shop-de", "amazon-de", "pos", "returns"}
    for channel, it in sold.items():
        assert it["sold"] == it["booked"] > 3, (channel, said)
        for figure in ("value", "tax", "quantity"):
            assert it[figure] == it[f"{figure}_booked"], (channel, figure, said)
    taken = report["accepted_from_callers"] + sum(it["sold"] for it in sold.values())
    assert report["accepted"] == taken
    shown = taken + sum(it["unheard"] for it in sold.values())
    assert f"before the audit: taken {shown} (callers of the API " in said, "the view adds up"
    assert report["kills"] >= 2
    assert report["reads"] > 10
    assert report["accepted"] == report["booked_once"] > 100
    assert report["value_accepted"] == report["value_booked"]
    assert report["booked_legacy"] > report["booked_cloud"] > 10
    assert report["passed"], said
    assert "PASSED" in said
    in_order(run.said, WAVES)

    gateway = next(line.split()[-1] for line in run.said if line.startswith("gateway-1: http"))
    with build_opener(ProxyHandler({})).open(f"{gateway}/readyz", timeout=10) as answer:
        assert answer.status == 200
    run.interrupt(signal.SIGINT)
    assert run.end() == 0
    assert run.left() == []
    assert (run.folder / "events.jsonl").exists(), "a folder that was asked for stays"


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_demo_that_is_stopped_leaves_nothing_running(start: StartDemo) -> None:
    run = start("--duration", "60")
    run.until("traffic has begun")
    assert len(_naming(run.folder)) >= 12, "ERPs, channels, gateways, workers, driver"
    run.interrupt(signal.SIGTERM)
    assert run.end() == 130
    assert "stopped by SIGTERM; nothing is left running" in run.said[-1]
    assert run.left() == []


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_process_that_dies_by_itself_ends_the_demo_with_its_last_words(start: StartDemo) -> None:
    run = start("--duration", "60")
    run.until("traffic has begun")
    cloud = json.loads((run.folder / "run" / "simulated-cloud.json").read_text())
    os.kill(cloud["pid"], signal.SIGKILL)
    assert run.end() == 2
    said = "\n".join(run.said)
    assert "coexist demo: simulated-cloud ended with exit code -9; the end of" in said
    assert "cloud ERP at http://" in said, "its last words"
    assert run.left() == []


@pytest.mark.long
@pytest.mark.timeout(180)
def test_even_a_killed_demo_leaves_nothing_running(start: StartDemo) -> None:
    run = start("--duration", "60")
    run.until("gateways and 2 workers are up")
    run.interrupt(signal.SIGKILL)
    assert run.end() == -9
    assert _only_the_store(run.left(_only_the_store))
    # The store outlives its last client by half a minute; this is the quicker way.
    stop = [sys.executable, "-m", "gateway", "stop-store"]
    installation = {
        "COEXIST_CONFIG": str(run.folder / "coexist.yaml"),
        "COEXIST_DATA_DIR": str(run.folder / "data"),
    }
    subprocess.run(stop, env=os.environ | installation, check=True, capture_output=True)
    assert run.left() == []


def _only_the_store(found: list[str]) -> bool:
    return all("valkey" in line or "store.redis.keeper" in line for line in found)
