"""The conductor: what it does when, and what it records for the audit."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from loadtests.demo import rules
from loadtests.demo.board import Board
from loadtests.demo.conductor import AMID_S, DISTANCE_S, KILLS_MAX, LATER_S, Conductor
from loadtests.demo.errors import CommandError, DemoError, Unmet
from loadtests.demo.guard import Guard
from loadtests.demo.timeline import (
    RULES_FIRST,
    RULES_WAVE_1,
    RULES_WAVE_2,
    Compare,
    Fault,
    Flip,
    KillGateway,
    KillWorker,
    Rollback,
    Schedule,
    Step,
    timeline,
)
from loadtests.events import EventLog, Events, read_events
from tests.unit.loadtests_demo.doubles import SaidGateway, SaidStage, Time


class Scene:
    """A conductor among doubles."""

    def __init__(self, tmp_path: Path, guard: Guard) -> None:
        self.time = Time()
        self.unheard = [0] * 9
        self.stage = SaidStage(self.time, self.unheard, guard)
        self.gateway = SaidGateway(self.time)
        self.board = Board("demo", self.time)
        self.path = tmp_path / "events.jsonl"
        for name in (RULES_FIRST, RULES_WAVE_1, RULES_WAVE_2):
            rules.fill(name, date(2026, 11, 21), tmp_path / "rules")
        self.conductor = Conductor(
            self.stage, self.gateway, self.board, EventLog(self.path), tmp_path / "rules",
            self.time, self.time.sleep,
        )  # fmt: skip

    def run(self, *steps: Step) -> Events:
        self.conductor.run(list(steps), self.time.now)
        return read_events(self.path)


@pytest.fixture
def scene(tmp_path: Path, guard: Guard) -> Scene:
    return Scene(tmp_path, guard)


def texts(scene: Scene) -> list[str]:
    return [note.text for note in scene.board.notes()]


def test_a_flip_is_recorded_around_the_command_with_the_whole_rule_set(scene: Scene) -> None:
    scene.conductor.first_rules(RULES_FIRST)
    events = scene.run(
        Step(5, Flip(RULES_WAVE_1), "wave 1"), Step(9, Rollback(RULES_FIRST), "back")
    )
    initial, apply, rollback = events.applies
    assert [one.kind for one in events.applies] == ["initial", "apply", "rollback"]
    assert [one.epoch for one in events.applies] == [1, 2, 3]
    assert (initial.at_start, initial.at_return) == (1000, 1001)
    assert (apply.at_start, apply.at_return) == (1006, 1007)
    assert "rollback preview: stays in the cloud ERP: 3 object(s)" in texts(scene)
    assert apply.version == "version-2"
    assert "first-stores-sales" in {rule["id"] for rule in apply.rules}
    assert {rule["mode"] for rule in rollback.rules} == {"legacy", "owner"}
    assert {route.where for route in scene.board.routes} == {"legacy, compared with cloud"}


SCHEDULED = (Step(0, Schedule(RULES_WAVE_1, 12), "wave 1"),)
AWAITED = Step(12, Flip(RULES_WAVE_1, scheduled=True), "wave 1")


def test_a_scheduled_flip_is_approved_first_and_comes_when_it_is_due(scene: Scene) -> None:
    scene.conductor.approved(RULES_WAVE_1)
    assert "wave 1 is proposed, and approved by somebody else" in texts(scene)
    (apply,) = scene.run(*SCHEDULED, AWAITED).applies
    assert scene.gateway.approvals == [RULES_WAVE_1]
    assert (apply.kind, apply.epoch, apply.at_start) == ("apply", 1, 1012)
    assert apply.scheduled
    assert apply.at_return is not None
    assert apply.at_return >= 1012


def test_a_schedule_that_came_too_late_is_due_later(scene: Scene) -> None:
    scene.gateway.late = [15]
    (apply,) = scene.run(*SCHEDULED, AWAITED).applies
    assert apply.at_start == 1012 + LATER_S[1]


def test_a_schedule_that_always_comes_too_late_ends_the_demo(scene: Scene) -> None:
    scene.gateway.late = [15, 15, 15]
    with pytest.raises(DemoError, match="no command of the gateway ends within 42 s"):
        scene.run(*SCHEDULED)


def test_a_scheduled_flip_that_is_suspended_is_for_the_audit_to_judge(scene: Scene) -> None:
    scene.gateway.suspends = True
    with pytest.raises(Unmet, match="is suspended: a freeze"):
        scene.run(*SCHEDULED, AWAITED)
    (apply,) = read_events(scene.path).applies
    assert (apply.at_return, apply.scheduled) == (None, True)


def test_what_nobody_scheduled_is_not_waited_for(scene: Scene) -> None:
    with pytest.raises(DemoError, match="nobody scheduled it"):
        scene.run(AWAITED)


def test_what_was_compared_is_said_and_recorded(scene: Scene) -> None:
    events = scene.run(Step(3, Compare(), "asked as well"))
    (found,) = events.comparisons
    assert (found.at, found.compared, found.different) == (1003, 8, 1)
    assert "asked as well: order.intake compared 5 times, 1 differ" in texts(scene)


def test_routes_on_the_board_are_those_in_force(scene: Scene) -> None:
    scene.run(Step(1, Flip(RULES_WAVE_2), "wave 2"))
    assert "DE01" in {route.whom for route in scene.board.routes}


def test_a_flip_that_fails_is_recorded_as_one_that_never_returned(scene: Scene) -> None:
    scene.gateway.refuses = True
    with pytest.raises(CommandError, match="a flip is open"):
        scene.run(Step(1, Flip(RULES_WAVE_1), "wave 1"))
    (apply,) = read_events(scene.path).applies
    assert apply.at_return is None
    assert scene.board.routes == []


def test_a_fault_is_switched_on_and_recorded(scene: Scene) -> None:
    fault = Fault("cloud", "lost_reply", 6.0, {"count": 3})
    events = scene.run(Step(2, fault, "loses replies"))
    ((at, name, parameters),) = scene.stage.controls["cloud"].faulty
    assert (at, name, parameters) == (1002, "lost_reply", {"duration_s": 6.0, "count": 3})
    assert events.faults[0].until == 1008
    assert "the cloud ERP loses replies (lost_reply, 3 times)" in scene.board.notes()[-1].text


def test_workers_are_killed_until_one_had_sends_under_way(scene: Scene) -> None:
    scene.unheard[:] = [0, 0, 3, 9]
    events = scene.run(Step(1, KillWorker(1), "kill"))
    assert [kill.in_flight for kill in events.kills] == [0, 0, 3]
    assert scene.stage.killed == ["worker-2", "worker-1", "worker-4"]
    assert len(scene.stage.workers) == 2
    assert "kill -9 of worker-4 with 3 sends under way" in texts(scene)


def test_both_erps_are_slow_when_a_worker_is_killed(scene: Scene) -> None:
    scene.unheard[:] = [1]
    scene.run(Step(1, KillWorker(0), "kill"))
    for control in scene.stage.controls.values():
        assert [name for _, name, _ in control.faulty] == ["latency"]


def test_a_worker_is_killed_once_sends_are_under_way_or_soon(scene: Scene) -> None:
    scene.unheard[:] = [1]
    for control in scene.stage.controls.values():
        control.serving = 0
    kill = scene.run(Step(1, KillWorker(0), "kill")).kills[0]
    assert kill.at == pytest.approx(1001 + AMID_S, abs=0.1)


def test_killing_workers_is_bounded(scene: Scene) -> None:
    events = scene.run(Step(1, KillWorker(0), "kill"))
    assert [kill.in_flight for kill in events.kills] == [0] * KILLS_MAX


def test_nobody_is_killed_again_once_the_traffic_is_over(scene: Scene) -> None:
    scene.stage.over = True
    assert len(scene.run(Step(1, KillWorker(0), "kill")).kills) == 1


def test_a_killed_gateway_is_replaced(scene: Scene) -> None:
    events = scene.run(Step(3, KillGateway(1), "kill"))
    assert scene.stage.killed == ["gateway-2"]
    assert (events.kills[0].what, events.kills[0].at) == ("gateway", 1003)
    assert len(scene.stage.gateways) == 2


def test_replacements_are_not_waited_for_and_welcomed_when_ready(scene: Scene) -> None:
    fault = Fault("cloud", "outage", 2.0)
    scene.run(Step(3, KillGateway(1), "kill"), Step(3.1, fault, "down"), Step(6, fault, "down"))
    assert [at for at, _, _ in scene.stage.controls["cloud"].faulty] == pytest.approx(
        [1003.1, 1006]
    )
    (welcome,) = [text for text in texts(scene) if "serves" in text]
    assert welcome.startswith("gateway-2 serves, 0.")


def test_steps_that_are_late_keep_their_distance(scene: Scene) -> None:
    scene.gateway.takes_s = 30
    fault = Fault("cloud", "outage", 2.0)
    scene.run(
        Step(1, Flip(RULES_WAVE_1), "wave 1"),
        Step(10, fault, "down"),
        Step(10.5, fault, "down"),
        Step(20, fault, "down"),
    )
    times = [at for at, _, _ in scene.stage.controls["cloud"].faulty]
    late = 1000 + 1 + 30
    assert times == pytest.approx(
        [late + DISTANCE_S, late + DISTANCE_S + 0.5, late + 2 * DISTANCE_S + 0.5]
    )


def test_a_whole_timeline_is_carried_out_at_its_times(scene: Scene, seed: int) -> None:
    scene.unheard[:] = [2]
    steps = timeline(90, seed)
    events = scene.run(*steps)
    flips = [step.at_s for step in steps if isinstance(step.action, Flip | Rollback)]
    assert [one.at_start - 1000 for one in events.applies] == pytest.approx(flips, abs=3)
    assert len(events.kills) == 2
    assert len(events.faults) == len([step for step in steps if isinstance(step.action, Fault)])
