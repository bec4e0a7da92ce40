"""The wave that goes wrong: seen to fail, to be paused by itself, and to be read again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from loadtests.demo import badwave
from loadtests.demo.badwave import KIND, OUTAGE_S, READS, bad_wave
from loadtests.demo.board import Board
from loadtests.demo.errors import Unmet
from loadtests.demo.guard import Guard
from tests.serving import Asked, served
from tests.unit.loadtests_demo.doubles import SaidStage, Time

NOTICE = {
    "wave": "bad-wave", "signal": "erp_error_rate", "value": 100.0, "above": 20, "samples": 11,
}  # fmt: skip


class Reads:
    """A gateway whose product reads fail until the wave is paused, if it ever is."""

    def __init__(self) -> None:
        self.down = False
        self.healed_by_pause = True
        self.seen: list[tuple[str, str]] = []


@pytest.fixture
def reads() -> Reads:
    return Reads()


@pytest.fixture
def url(reads: Reads) -> Iterator[str]:
    def answer(asked: Asked) -> tuple[int, object]:
        reads.seen.append((asked.path, asked.headers["Authorization"]))
        return 503 if reads.down else 200, {}

    with served(answer) as address:
        yield address


class Scene:
    """A stage with that gateway; a guardrail that pauses after so many reads more, or never."""

    def __init__(self, reads: Reads, url: str, guard: Guard) -> None:
        self.reads = reads
        self.stage = SaidStage(Time(), [], guard)
        self.stage.gateways[0].announced = {"url": url}
        self.board = Board("demo")
        self.applied = False
        self.looks = 2

    def apply(self) -> None:
        assert not self.stage.controls["cloud"].faulty, "the wave comes first"
        self.applied = self.reads.down = True

    def told(self, kind: str, within_s: float) -> dict[str, Any] | None:
        assert (kind, within_s > 0) == (KIND, True)
        self.looks -= 1
        if self.looks >= 0:
            return None
        self.reads.down = not self.reads.healed_by_pause
        return dict(NOTICE)

    def carried_out(self) -> str:
        return bad_wave(self.stage, self.board, "the-key", self.apply, self.told)

    @property
    def said(self) -> str:
        return "\n".join(it.text for it in self.board.notes())


@pytest.fixture
def scene(reads: Reads, url: str, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(badwave, "PAUSED_WITHIN_S", 0.2)
    monkeypatch.setattr(badwave, "LOOK_S", 0.02)
    return Scene(reads, url, guard)


def test_a_wave_is_paused_said_to_be_and_read_again(scene: Scene) -> None:
    assert scene.carried_out() == "bad-wave"
    assert scene.applied
    ((_, fault, parameters),) = scene.stage.controls["cloud"].faulty
    assert (fault, parameters["duration_s"]) == ("outage", OUTAGE_S)
    assert f"{READS} of {READS} product reads failed" in scene.said
    assert "erp_error_rate 100.0 against 20, 11 samples" in scene.said
    assert scene.board.notes()[-1].kind == "good"
    assert len(scene.reads.seen) == READS + 2 + 1, "it goes on reading until somebody is told"
    assert set(scene.reads.seen) == {
        ("/v1/products/TEE-BLK-M?legal_entity=DE01", "Bearer the-key")
    }  # fmt: skip


def test_nobody_is_told(scene: Scene) -> None:
    scene.looks = 1_000
    with pytest.raises(Unmet, match=r"nobody was told of a paused wave within 0\.2 s"):
        scene.carried_out()


def test_it_is_said_to_be_paused_and_is_not(scene: Scene) -> None:
    scene.reads.healed_by_pause = False
    with pytest.raises(Unmet, match="a read of the paused wave was answered 503"):
        scene.carried_out()
