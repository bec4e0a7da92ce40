"""Whoever looks after guardrails dies, at any point: another takes over and ends what it began."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Duty
from gateway.canonical.guardrail import SIGNALS, Signal
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.flow.watch import DUTY_MS, Watch
from gateway.routing.model import Mode
from tests.unit.flow.doubles import Notes
from tests.unit.flow.governed import Governed, intake, rules
from tests.unit.flow.test_backlog import order
from tests.unit.flow.test_guardrails import GUARDRAIL, Watched, started, watched
from tests.valkey import PARTITIONS

__all__ = ["watched"]

pytestmark = pytest.mark.anyio


class Killed(BaseException):
    """The process dies."""


def dies_at(patch: pytest.MonkeyPatch, of: object, name: str, call: int) -> None:
    """Die at the given call of something, counted from 1, and never in the calls before."""
    real, calls = getattr(of, name), 0

    async def counted(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return await real(*args, **named)

    patch.setattr(of, name, counted)


#: Before its findings are written, before it says what it will do, before its flip is opened,
#: before each partition, before the history has it, and before the flip is closed.
DEATHS = [
    ("ledger", "found", 1), ("auditor", "record", 1), ("book", "begin", 1),
    *(("book", "raise_partition", n) for n in range(1, PARTITIONS + 1)),
    ("ledger", "record_applied", 1), ("book", "finish", 1),
]  # fmt: skip


@pytest.mark.parametrize(("of", "name", "call"), DEATHS)
async def test_a_wave_is_paused_whenever_the_one_who_pauses_it_dies(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, of: str, name: str, call: int
) -> None:
    await watched.send(good=0, bad=4)
    with monkeypatch.context() as patch:
        dies_at(patch, getattr(watched.it, of), name, call)
        with pytest.raises(Killed):
            await watched.guards.look(await watched.it.duty("p1"))
    assert await watched.it.book.on_duty("p2", DUTY_MS) is None, "nobody knows yet that it died"
    watched.it.wait(DUTY_MS / 1000 + 1)
    await watched.another().look(await watched.it.duty("p2"))

    publication = await watched.it.book.publication()
    assert (publication.pending, publication.kind, publication.marker.epoch) == (
        None, "guardrail", 3,
    )  # fmt: skip
    assert set(await watched.it.book.partitions()) == {publication.marker}
    modes = {it.rule_id: it.mode for it in (await watched.live()).rules if it.wave}
    assert modes == {"intake-nl01": Mode.HOLD, "stock-nl": Mode.LEGACY, "intake-de01": Mode.CLOUD}
    lines = [it for it in await watched.it.ledger.history(10) if it.kind == "guardrail"]
    assert [(it.epoch, it.by) for it in lines] == [(3, "guardrail nl erp_error_rate")]
    await watched.courier.deliver(await watched.it.duty("p2"))
    assert {it.kind for it in watched.postbox.taken} == {"wave.tripped"}


async def test_the_next_process_is_on_duty_when_the_one_that_was_falls_silent(
    watched: Watched,
) -> None:
    """All processes watch; one is killed, one is left."""
    it, looked = watched.it, []

    def process(name: str) -> Watch:
        guards = watched.another()

        async def work(duty: Duty) -> None:
            looked.append((name, [each.verdict for each in await guards.look(duty)]))

        return Watch(it.book, name, [work], Notes(), it.clock)

    one, other = process("p1"), process("p2")
    assert (await one.tick(), await other.tick()) == (True, False)
    await watched.send(good=0, bad=4)
    for _ in range(DUTY_MS // 1000):  # p1 was killed: it asks no more
        it.wait(1)
        if await other.tick():
            break
    else:
        it.wait(1)
        assert await other.tick()
    assert looked == [("p1", ["silent"]), ("p2", ["tripped"])]
    assert (await it.in_force()).epoch == 3


async def test_two_waves_that_do_harm_at_once_are_both_paused_and_each_is_told_once(
    governed: Governed, tmp_path: Path
) -> None:
    one = await started(governed, tmp_path, GUARDRAIL)
    draft = rules(tmp_path, {
        name: intake(entity=entity, guardrails=[GUARDRAIL])
        for name, entity in (("de", "DE01"), ("nl", "NL01"))
    })  # fmt: skip
    marker = await one.publisher.apply(draft, "lee", "")
    for n in range(8):
        bad = order(f"B-{n}", draft, marker.epoch, ("DE01", "NL01")[n % 2])
        await one.intake.accept(bad)
        await one.tried(bad, Target.CLOUD)
        await one.lanes.hold(one.taken, Cause.NOT_ACCEPTED, "no")
    await one.project()

    for _ in range(3):
        one.it.wait(2)
        await one.guards.look(await one.it.duty())

    modes = {it.rule_id: it.mode for it in (await one.live()).rules if it.wave}
    assert modes == {"intake-nl01": Mode.HOLD, "intake-de01": Mode.HOLD}
    lines = [it.by for it in await governed.ledger.history(10) if it.kind == "guardrail"]
    assert sorted(lines) == ["guardrail de erp_error_rate", "guardrail nl erp_error_rate"]
    await one.courier.deliver(await one.it.duty())
    told = [json.loads(it.body)["data"]["wave"] for it in one.postbox.taken]
    assert sorted(told) == ["de", "nl"]
    trips = [it.wave for it in await governed.ledger.findings(20) if it.verdict == "tripped"]
    assert sorted(trips) == ["de", "nl"]


@pytest.mark.parametrize("signal", list(SIGNALS))
async def test_silence_is_what_a_guardrail_was_told_it_means_whatever_it_watches(
    governed: Governed, tmp_path: Path, signal: Signal
) -> None:
    guardrail = {**GUARDRAIL, "signal": signal.value, "no_data": "trip"}
    one = await started(governed, tmp_path, guardrail)
    assert await one.look() == [("silent", None, 0)], "right after a flip nothing can have happened"
    one.it.wait(300)
    assert await one.look() == [("tripped", None, 0)]
    (newest, oldest) = await governed.ledger.findings(5, "nl")
    assert (oldest.verdict, newest.verdict, newest.value) == ("silent", "tripped", None)
    assert (newest.signal, newest.above, newest.window_s) == (signal, 20, 300)
    assert await governed.in_force() == Marker(3, (await one.live()).version)
