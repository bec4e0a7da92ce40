"""The story of the demo where a part of it does not happen: carried on, audited, and failed."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from loadtests.audit import Evidence
from loadtests.demo import cli, story
from loadtests.demo.children import Child
from loadtests.demo.conductor import Conductor
from loadtests.demo.errors import DemoError, Stopped, Unmet
from loadtests.demo.guard import Guard
from loadtests.demo.options import Options
from loadtests.demo.receiver import Receiver
from loadtests.demo.stage import Stage
from loadtests.demo.story import Demo, run
from loadtests.demo.view import View
from loadtests.events import read_events
from loadtests.findings import WAVES
from tests.unit.loadtests_demo.demo_run import met_all
from tests.unit.loadtests_demo.doubles import SaidGateway, SaidStage, Time

#: What the conductor or the bad wave come to.
Part = Callable[..., None]


def goes_well(*_: object) -> None:
    """Nothing is missing."""


class Driver(Child):
    """A driver that has ended, as it should."""

    def finished(self, good: object) -> bool:
        return bool(good)


class Scene(SaidStage):
    """A stage whose driver begins its journal."""

    def __init__(self, journal: Path, guard: Guard) -> None:
        super().__init__(Time(), [], guard)
        self.journal = journal

    def start_driver(self, today: date, overtime_s: float = 0.0, share: float = 1.0) -> Child:
        line = {"entry": "run", "started": time.monotonic(), "day": today.isoformat()}
        self.journal.write_text(json.dumps(line) + "\n")
        assert overtime_s > 0
        assert 0 < share < 1
        return Driver("driver", [], Path("nowhere"), {}, self._guard)


class SaidConductor(Conductor):
    """Carries out one part instead of all steps."""

    part: Part = staticmethod(goes_well)

    def __init__(self) -> None:
        self.waited = 0

    def run(self, *_: Any, **__: Any) -> None:
        self.part()

    def wait_until(self, at: float) -> None:
        self.waited += 1

    def all_there(self) -> None:
        """Everybody is."""


class SaidMarket:
    """Channels that remember what was asked of them."""

    def __init__(self, *_: Any) -> None:
        self.asked: list[str] = []

    def open(self, rate_per_s: float) -> None:
        self.asked.append(f"open {rate_per_s:g}")

    def tills(self, what: str) -> None:
        self.asked.append(what)

    def close(self) -> None:
        self.asked.append("close")

    def settle(self, look: Callable[[], None]) -> list[Path]:
        look()
        self.asked.append("settle")
        return []


class Rehearsed(Demo):
    """The demo with nothing started; its evidence is a good run's, but for who paused a wave."""

    part: Part = staticmethod(goes_well)
    market: SaidMarket

    def _set_up(self, stage: Stage, receiver: Receiver) -> Conductor:
        assert receiver.url
        self._gateway = gateway = SaidGateway(Time())
        gateway.backlogs = [{"legacy": 0, "held": 0}]
        self._folder.keys.write_text(json.dumps({"webshop": "k"}))
        self.conductor = SaidConductor()
        self.conductor.part = self.part
        type(self).market = self._market  # type: ignore[assignment]
        return self.conductor

    @contextmanager
    def _stage(self, view: View) -> Iterator[Stage]:
        guard = Guard()
        view.begin()
        try:
            yield Scene(self._folder.journal, guard)
        finally:
            view.end()
            guard.close()

    @contextmanager
    def _watched(self, stage: Stage, view: View) -> Iterator[None]:
        assert isinstance(stage, Scene)
        view.draw()
        yield

    def _evidence(self, stage: Stage, sold: Sequence[Path]) -> Evidence:
        history = met_all()
        written = read_events(self._folder.events)
        history.events.pauses = written.pauses
        history.events.traffic_ends = [
            it.model_copy(update={"counters": history.events.traffic_ends[0].counters})
            for it in written.traffic_ends
        ]
        return history.evidence()


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Waves that were paused; nothing is started."""
    monkeypatch.setattr(story, "Market", SaidMarket)
    monkeypatch.setattr(story, "Demo", Rehearsed)
    monkeypatch.setattr(Rehearsed, "part", staticmethod(goes_well))
    waves: list[str] = []

    def bad_wave(*_: object) -> str:
        waves.append("bad-wave")
        return waves[-1]

    monkeypatch.setattr(story, "bad_wave", bad_wave)
    return waves


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=120)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def fails(error: BaseException) -> Part:
    def part(*_: object) -> None:
        raise error

    return staticmethod(part)


def test_a_story_that_is_carried_out_ends_with_0_and_its_folder_goes(
    paused: list[str], console: Console
) -> None:
    assert run(Options(duration_s=0.01), console) == 0, said(console)
    assert paused == ["bad-wave"]
    assert Rehearsed.market.asked == ["open 20", "close", "settle"]
    folder = said(console).split("work folder: ")[1].splitlines()[0]
    assert not Path(folder).exists()


def test_a_step_the_gateway_did_not_do_ends_the_story_early_and_with_1(
    paused: list[str], console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rehearsed, "part", fails(Unmet("the scheduled flip did not come")))
    report = tmp_path / "report.json"
    options = Options(duration_s=0.01, json=report, folder=tmp_path / "demo")
    assert run(options, console) == 1
    assert paused == [], "a wave is not made worse that never came"
    assert Rehearsed.market.asked == ["open 20", "close", "settle"], "traffic ends in order"
    assert "the scheduled flip did not come" in said(console)
    missing = f"no {WAVES['waves_paused']}: the run claims to survive what did not occur"
    assert f"FAILED: {missing}" in said(console)
    assert json.loads(report.read_text())["reasons"] == [missing]
    assert (tmp_path / "demo" / "events.jsonl").exists(), "there is something to look into"


def test_a_bad_wave_nobody_paused_ends_with_1(
    paused: list[str], console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "bad_wave", fails(Unmet("nobody was told of a paused wave")))
    assert run(Options(duration_s=0.01), console) == 1
    assert paused == []
    assert Rehearsed.market.asked[-1] == "settle", "what was sold is audited all the same"
    assert "nobody was told of a paused wave" in said(console)
    assert f"FAILED: no {WAVES['waves_paused']}" in said(console)
    folder = Path(said(console).split("logs, journal and events are in ")[1].strip())
    assert folder.is_dir(), "a failure is kept, to be looked into"
    for it in sorted(folder.rglob("*"), reverse=True):
        it.unlink()
    folder.rmdir()


def test_what_could_not_be_carried_out_is_judged_by_nobody(
    paused: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(Rehearsed, "part", fails(DemoError("gateway-1 ended with exit code 3")))
    folder = tmp_path / "demo"
    assert cli.main(["--duration", "30", "--folder", str(folder)]) == 2
    captured = capsys.readouterr()
    assert "coexist demo: gateway-1 ended with exit code 3" in captured.err
    assert "PASSED" not in captured.out
    assert paused == []


def test_who_is_stopped_leaves_nothing_and_ends_with_130(
    paused: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Rehearsed, "part", fails(Stopped("SIGTERM")))
    assert cli.main(["--duration", "30"]) == 130
    captured = capsys.readouterr()
    assert "coexist demo: stopped by SIGTERM; nothing is left running" in captured.err
    folder = captured.out.split("work folder: ")[1].splitlines()[0]
    assert not Path(folder).exists()
    assert paused == []
