"""Draining: until nothing waits and nothing is still to be booked, and never for ever."""

from __future__ import annotations

import pytest

from loadtests.demo.board import Board
from loadtests.demo.drain import DRAIN_S_MAX, drain, heal, left
from loadtests.demo.guard import Guard
from tests.unit.loadtests_demo.doubles import SaidGateway, SaidStage, Time

EMPTY = {"legacy": 0, "cloud": 0, "flight": 0, "parked": 0, "held": 0}


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def stage(time: Time, guard: Guard) -> SaidStage:
    return SaidStage(time, [], guard)


@pytest.fixture
def gateway(time: Time) -> SaidGateway:
    return SaidGateway(time)


@pytest.fixture
def board(time: Time) -> Board:
    return Board("demo", time)


def test_it_waits_until_the_backlog_is_empty(
    stage: SaidStage, gateway: SaidGateway, board: Board, time: Time
) -> None:
    gateway.backlogs = [EMPTY | {"legacy": 3, "flight": 1}, EMPTY | {"flight": 1}, EMPTY]
    assert drain(stage, gateway, board, time, time.sleep)
    assert time.now == 1002
    assert board.notes()[-1].text == "drained after 2.0 s"


@pytest.mark.parametrize("pending", ["pending_late_bookings", "pending_postings"])
def test_what_an_erp_has_still_to_book_counts(
    stage: SaidStage, gateway: SaidGateway, board: Board, time: Time, pending: str
) -> None:
    gateway.backlogs = [EMPTY]
    stage.controls["cloud"].counted[pending] = 2
    assert not drain(stage, gateway, board, time, time.sleep)
    assert f"still 2 {pending.replace('_', ' ')} in cloud" in board.notes()[-1].text


def test_the_wait_is_bounded_and_says_what_is_left(
    stage: SaidStage, gateway: SaidGateway, board: Board, time: Time
) -> None:
    gateway.backlogs = [EMPTY | {"cloud": 7}]
    assert not drain(stage, gateway, board, time, time.sleep)
    assert DRAIN_S_MAX <= time.now - 1000 < DRAIN_S_MAX + 3
    assert board.notes()[-1].kind == "bad"
    assert board.phase == "draining: 7 for cloud"


def test_held_transactions_wait_for_somebody_and_are_not_waited_for() -> None:
    assert left(EMPTY | {"held": 4}, {}) == {}
    assert left(EMPTY | {"parked": 4}, {"pending postings in legacy": 1}) == {
        "parked": 4,
        "pending postings in legacy": 1,
    }


def test_all_faults_are_healed_first(stage: SaidStage, board: Board) -> None:
    heal(stage, board)
    assert all(control.healed for control in stage.controls.values())
