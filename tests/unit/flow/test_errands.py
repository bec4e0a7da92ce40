"""Errands: asked once, waited for a moment, kept if it is an answer."""

from __future__ import annotations

import asyncio

import pytest

from gateway.canonical.outcome import Delayed
from gateway.flow import errands
from gateway.flow.errands import Errands
from tests.unit.flow.doubles import StillClock

pytestmark = pytest.mark.anyio


async def test_many_who_want_the_same_ask_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errands, "PATIENCE_S", 5.0)
    asked: list[str] = []

    async def ask() -> str:
        asked.append("x")
        await asyncio.sleep(0.01)
        return "7"

    desk: Errands[str] = Errands("it", StillClock())
    found = await asyncio.gather(*(desk.answer("k", ask) for _ in range(20)))
    assert set(found) == {"7"}
    assert await desk.answer("k", ask) == "7"
    assert asked == ["x"]


async def test_nobody_waits_longer_than_a_moment_and_the_answer_is_there_later() -> None:
    go = asyncio.Event()

    async def ask() -> str:
        await go.wait()
        return "7"

    desk: Errands[str] = Errands("the tax", StillClock())
    assert await desk.answer("k", ask) == Delayed("the tax: asked, no answer yet")
    go.set()
    await asyncio.sleep(0.01)
    assert await desk.answer("k", ask) == "7"


async def test_a_delay_and_an_answer_that_is_old_are_asked_for_again() -> None:
    answers: list[str | Delayed] = [Delayed("away"), "7", "8"]

    async def ask() -> str | Delayed:
        return answers.pop(0)

    clock = StillClock()
    desk: Errands[str] = Errands("it", clock)
    assert await desk.answer("k", ask) == Delayed("away")
    assert await desk.answer("k", ask) == "7"
    clock.passed_s += errands.KEPT_S + 1
    assert await desk.answer("k", ask) == "8"


async def test_too_many_at_once_wait_and_closing_ends_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(errands, "OPEN_MAX", 1)

    async def ask() -> str:
        await asyncio.Event().wait()
        return "never"

    desk: Errands[str] = Errands("it", StillClock())
    await desk.answer("a", ask)
    late = await desk.answer("b", ask)
    assert isinstance(late, Delayed)
    assert "1 are being asked for already" in late.detail
    await desk.close()
    again = await desk.answer("b", ask)
    assert isinstance(again, Delayed)
    assert "no answer yet" in again.detail
    await desk.close()
