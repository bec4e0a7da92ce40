"""Guardrails on a real store and ledger: what they see, what they do, and who is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.canonical.guardrail import Notice
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.errors import FencedOut
from gateway.flow.guardrails import Guards, Sight
from gateway.flow.notices import ATTEMPTS_MAX, Courier
from gateway.flow.watch import DUTY_MS
from gateway.routing.model import Mode
from gateway.routing.ruleset import RuleSet
from gateway.store.ledger.shadow_tables import shadow_compared
from gateway.store.redis.reads import RedisReads
from tests.unit.flow.governed import Governed, intake, rules
from tests.unit.flow.test_backlog import Stage, order
from tests.valkey import entry

pytestmark = pytest.mark.anyio

GUARDRAIL = {"signal": "erp_error_rate", "above": 20, "window_s": 300, "samples_min": 4}
STOCK = {
    "id": "stock-nl", "process": "inventory.availability",
    "when": {"legal_entity": "NL01"}, "mode": "cloud",
}  # fmt: skip


class Postbox:
    """A receiver that fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.taken: list[Notice] = []

    async def post(self, notice: Notice) -> str:
        if self.failures:
            self.failures -= 1
            return "answered 503"
        self.taken.append(notice)
        return ""


class Watched(Stage):
    """A wave with guardrails in force, as epoch 2."""

    def __init__(self, it: Governed, folder: Path, guardrail: dict[str, Any]) -> None:
        super().__init__(it, folder)
        wave = intake(guardrails=[guardrail])
        wave["rules"].append(STOCK)  # type: ignore[attr-defined]
        self.folder = folder
        self.cloud = rules(folder, {"nl": wave, "de": intake(entity="DE01")})
        self.postbox = Postbox()
        self.reads = RedisReads(it.buffer.client)
        self.guards = self.another()

    def another(self) -> Guards:
        """The guards of another process."""
        it = self.it
        self.courier = Courier(it.ledger, self.postbox, ("pager",), it.clock)
        sight = Sight(
            it.ledger, self.reads, it.ledger, it.ledger, it.book, it.versions,
            self.publisher, it.auditor, self.courier, it.clock,
        )  # fmt: skip
        return Guards(sight, 1, 7)

    async def send(self, good: int, bad: int) -> None:
        """Let the cloud ERP book so many orders, and refuse so many."""
        for n in range(good + bad):
            one = order(f"O-{n}", self.cloud, 2)
            await self.intake.accept(one)
            await self.tried(one, Target.CLOUD)
            if n < good:
                await self.lanes.book(one.transaction_id, f"D-{n}", "")
            else:
                await self.lanes.hold(self.taken, Cause.NOT_ACCEPTED, "no")
        await self.project()

    async def look(self) -> list[tuple[str, float | None, int]]:
        """Look once, as whoever is on duty."""
        self.it.wait(2)
        found = await self.guards.look(await self.it.duty())
        kept = await self.it.ledger.findings(len(found), "nl") if found else ()
        assert list(kept)[::-1] == list(found), "each decision is kept with the numbers it saw"
        return [(it.verdict, it.value, it.samples) for it in found]

    async def live(self) -> RuleSet:
        """The rules in force."""
        marker = await self.it.in_force()
        return (await self.it.versions.compiled(marker.version)).rule_set


@pytest.fixture
async def watched(governed: Governed, tmp_path: Path) -> Watched:
    return await started(governed, tmp_path, GUARDRAIL)


async def started(it: Governed, folder: Path, guardrail: dict[str, Any]) -> Watched:
    # The ledger's rows carry the store's time, so our clock and the store's start together.
    it.buffer.client.now_ms = int(it.now.timestamp() * 1000)
    made = Watched(it, folder, guardrail)
    await made.first()
    await made.flip("drain")
    return made


async def test_a_wave_that_does_harm_is_paused_and_people_are_told(watched: Watched) -> None:
    await watched.send(good=3, bad=1)
    assert await watched.look() == [("tripped", 25.0, 4)]
    live = await watched.live()
    modes = {rule.rule_id: rule.mode for rule in live.rules if rule.wave}
    assert modes == {"intake-nl01": Mode.HOLD, "stock-nl": Mode.LEGACY, "intake-de01": Mode.CLOUD}
    line = (await watched.it.ledger.history(1))[0]
    assert (line.kind, line.epoch, line.by) == ("guardrail", 3, "guardrail nl erp_error_rate")
    assert line.note == "erp_error_rate 25 is above 20 (4 samples, 300 s)"
    assert (await watched.it.deeds())[-1] == ("guardrail nl erp_error_rate", "rules.apply")
    await watched.courier.deliver(await watched.it.duty())
    (notice,) = watched.postbox.taken
    told = json.loads(notice.body)
    assert told["type"] == "wave.tripped"
    assert told["data"]["value"] == 25.0
    assert await watched.look() == []  # there is nothing left to guard
    assert await watched.publisher.rollback("lee", "") == (await watched.it.in_force())
    assert (await watched.live()).version == watched.legacy.version


@pytest.mark.parametrize(("good", "bad", "verdict"), [(4, 1, "fine"), (1, 2, "few")])
async def test_at_the_limit_or_below_the_samples_nothing_happens(
    watched: Watched, good: int, bad: int, verdict: str
) -> None:
    await watched.send(good, bad)
    ((said, _, samples),) = await watched.look()
    assert (said, samples) == (verdict, good + bad)
    assert (await watched.it.in_force()).epoch == 2
    (finding,) = await watched.it.ledger.findings(10, "nl")
    assert (finding.verdict, finding.epoch, finding.above) == (verdict, 2, 20)


async def test_reads_that_fail_count_too(watched: Watched) -> None:
    for _ in range(5):
        watched.reads.count("stock-nl", "error")
        watched.reads.count("default-catalog-price", "error")
    await watched.reads.flush()
    assert await watched.look() == [("tripped", 100.0, 5)]


async def test_other_waves_and_what_was_before_the_flip_do_not_count(
    watched: Watched,
) -> None:
    for n in range(6):
        one = order(f"G-{n}", watched.cloud, 2, "DE01")
        await watched.intake.accept(one)
        await watched.tried(one, Target.CLOUD)
        await watched.lanes.hold(watched.taken, Cause.NOT_ACCEPTED, "no")
    await watched.project()
    assert await watched.look() == [("silent", None, 0)]


async def test_it_is_not_paused_again_while_it_cools_down(watched: Watched) -> None:
    await watched.send(good=0, bad=4)
    assert [it[0] for it in await watched.look()] == ["tripped"]
    await watched.flip("drain")  # somebody brings it back at once
    watched.it.wait(10)
    for n in range(4):
        one = order(f"P-{n}", watched.cloud, 4)
        await watched.intake.accept(one)
        await watched.tried(one, Target.CLOUD)
        await watched.lanes.hold(watched.taken, Cause.NOT_ACCEPTED, "no")
    await watched.project()
    assert [it[0] for it in await watched.look()] == ["cooling"]
    assert (await watched.it.in_force()).epoch == 4


async def test_whoever_slept_through_the_loss_of_its_duty_pauses_nothing(
    watched: Watched,
) -> None:
    await watched.send(good=0, bad=4)
    sleeper = await watched.it.duty("p1")
    watched.it.wait(DUTY_MS / 1000 + 1)
    await watched.it.duty("p2")
    with pytest.raises(FencedOut):
        await watched.guards.look(sleeper)
    assert (await watched.it.in_force()).epoch == 2
    watched.it.wait(2)
    await watched.another().look(await watched.it.duty("p2"))
    assert (await watched.it.in_force()).epoch == 3


async def test_a_flip_that_somebody_left_open_is_waited_for_once_and_then_taken_over(
    watched: Watched,
) -> None:
    await watched.send(good=0, bad=4)
    draft = rules(watched.folder, {"nl": intake()})
    wave = intake(guardrails=[GUARDRAIL], owner="another team")
    wave["rules"].append(STOCK)  # type: ignore[attr-defined]
    draft = rules(watched.folder, {"nl": wave, "de": intake(entity="DE01")})
    await watched.it.ledger.keep_rules(draft.version, draft.text)
    await watched.it.book.keep(draft.version, draft.text)
    assert await watched.it.book.begin(2, draft.version, "apply", "bob") is not None
    assert [it[0] for it in await watched.look()] == ["tripped"]
    publication = await watched.it.book.publication()
    assert publication.pending is not None
    assert [it[0] for it in await watched.look()] == ["tripped"]
    publication = await watched.it.book.publication()
    assert (publication.pending, publication.kind, publication.marker.epoch) == (
        None, "guardrail", 4,
    )  # fmt: skip


SILENT = {**GUARDRAIL, "no_data": "trip"}


async def test_silence_trips_after_a_whole_window_if_that_was_asked_for(
    governed: Governed, tmp_path: Path
) -> None:
    watched = await started(governed, tmp_path, SILENT)
    assert await watched.look() == [("silent", None, 0)]
    watched.it.wait(300)
    assert await watched.look() == [("tripped", None, 0)]
    assert (await watched.it.ledger.history(1))[0].note == "erp_error_rate: no data for 300 s"


@pytest.mark.parametrize(
    ("signal", "verdict", "value"),
    [("held_objects", "tripped", 2.0), ("refund_failures", "silent", None)],
)
async def test_objects_that_are_held_are_counted(
    governed: Governed, tmp_path: Path, signal: str, verdict: str, value: float | None
) -> None:
    guardrail = {**GUARDRAIL, "signal": signal, "above": 1}
    watched = await started(governed, tmp_path, guardrail)
    await watched.send(good=3, bad=2)
    ((said, read, _),) = await watched.look()
    assert (said, read) == (verdict, value)


async def test_refunds_that_the_erp_refuses_trip_with_their_number(
    governed: Governed, tmp_path: Path
) -> None:
    guardrail = {**GUARDRAIL, "signal": "refund_failures", "above": 1, "samples_min": 3}
    watched = await started(governed, tmp_path, guardrail)
    await watched.send(good=3, bad=0)
    for n in range(3):
        credit = entry(f"O-{n}", process="return.credit", reference=f"R-{n}", epoch=2)
        await watched.intake.accept(credit)
        await watched.tried(credit, Target.CLOUD)
        if n:
            await watched.lanes.hold(watched.taken, Cause.NOT_ACCEPTED, "no")
        else:
            await watched.lanes.book(credit.transaction_id, "C-1", "")
    await watched.project()
    assert await watched.look() == [("tripped", 2.0, 3)]
    (finding, *_) = await governed.ledger.findings(5, "nl")
    assert (finding.signal, finding.value, finding.above) == ("refund_failures", 2.0, 1)


async def test_what_shadows_found_different_is_read_too(governed: Governed, tmp_path: Path) -> None:
    guardrail = {"signal": "shadow_mismatch_rate", "above": 10, "window_s": 300, "samples_min": 5}
    watched = await started(governed, tmp_path, guardrail)
    minute = int(governed.now.timestamp()) // 60
    await governed.ledger._write(lambda db: db.execute(shadow_compared.insert(), [
        {"minute": minute, "rule_id": rule, "process": "inventory.availability",
         "candidate": "legacy", "compared": 10, "different": different, "failed": 0,
         "skipped": 0, "controls": 0}
        for rule, different in (("stock-nl", 2), ("other", 9))
    ]))  # fmt: skip
    assert await watched.look() == [("tripped", 20.0, 10)]


async def test_the_oldest_message_that_no_erp_has_is_the_lag(
    governed: Governed, tmp_path: Path
) -> None:
    guardrail = {"signal": "ingestion_lag_s", "above": 60, "window_s": 300, "samples_min": 1}
    watched = await started(governed, tmp_path, guardrail)
    await watched.intake.accept(order("L", watched.cloud, 2))
    await watched.project()
    ((said, read, _),) = await watched.look()
    assert said == "fine"
    watched.it.wait(70)
    ((said, read, samples),) = await watched.look()
    assert (said, samples) == ("tripped", 1)
    assert read == pytest.approx(74, abs=10)  # our clock and the store's may differ a little


async def test_a_notice_is_posted_until_it_is_taken_under_one_id(watched: Watched) -> None:
    watched.postbox.failures = 3
    await watched.courier.keep("test", {"n": 1})
    duty = await watched.it.duty()
    taken = []
    for wait_s in (0, 0, 2, 4, 8, 16):
        watched.it.wait(wait_s)
        taken.append(await watched.courier.deliver(duty))
    assert taken == [0, 0, 0, 0, 1, 0]  # the second look comes before it is due again
    assert len(watched.postbox.taken) == 1


async def test_a_receiver_that_never_takes_it_is_given_up_in_the_end(watched: Watched) -> None:
    watched.postbox.failures = 10_000
    await watched.courier.keep("test", {})
    duty = await watched.it.duty()
    for _ in range(ATTEMPTS_MAX):
        watched.it.wait(601)
        await watched.courier.deliver(duty)
    assert watched.postbox.failures == 10_000 - ATTEMPTS_MAX
    watched.it.wait(10_000)
    assert await watched.courier.deliver(duty) == 0
    assert watched.postbox.failures == 10_000 - ATTEMPTS_MAX
