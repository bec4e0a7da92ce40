"""Ownership on a random walk: flips with and without their backlog, rollbacks, crashes, refusals.

Two channels use the same references all along. Once anything of an object was tried and not
refused for good, its owner never changes; and every follow-up is taken for that owner.
"""

from __future__ import annotations

import random
import secrets
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.canonical.envelope import (
    Envelope,
    new_transaction_id,
    order_key,
    partition_of,
)
from gateway.canonical.exchange import Accepted, Entry, Stale
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.errors import PublishError
from gateway.flow.publish import Step, Terms
from gateway.routing.ruleset import RuleSet
from tests.unit.flow.governed import Governed, intake, rules
from tests.unit.flow.test_backlog import Stage, order
from tests.valkey import PARTITIONS

pytestmark = pytest.mark.anyio

STEPS = 160


class Killed(BaseException):
    """The admin's process dies."""


class Walk:
    """What happened to each object, as far as it binds its owner."""

    def __init__(self, stage: Stage, chance: random.Random, sets: list[RuleSet]) -> None:
        self.stage = stage
        self.chance = chance
        self.sets = sets
        self.fixed: dict[str, Target] = {}
        self.fresh: dict[str, Entry] = {}
        self.count = 0

    async def accept(self) -> None:
        """The same reference in two channels: two objects."""
        self.count += 1
        for channel in ("webshop", "marketplace"):
            await self._taken(f"W-{self.count}", channel)

    async def _taken(self, ref: str, channel: str) -> None:
        marker = await self.stage.it.book.partition(0)
        for _ in range(6):
            draft = next(it for it in self.sets if it.version == marker.version)
            one = of_channel(order(ref, draft, marker.epoch), channel, ref)
            answer = await self.stage.intake.accept(one)
            if isinstance(answer, Accepted):
                self.fresh[one.object_key] = one
                return
            assert isinstance(answer, Stale)
            marker = answer.marker
        raise AssertionError(f"{ref} was not taken")

    async def attempt(self) -> None:
        """A worker tries an object; the ERP books it, refuses it, or is not heard of."""
        if not self.fresh:
            return
        key = self.chance.choice(sorted(self.fresh))
        one = self.fresh.pop(key)
        owner = await self.stage.intake.owner(key)
        assert owner is not None, key
        await self.stage.tried(one, owner)
        taken = self.stage.taken
        how = self.chance.choice(("book", "refuse", "unknown"))
        if how == "book":
            await self.stage.lanes.book(taken.transaction_id, f"D-{key}", "")
        elif how == "refuse":
            await self.stage.lanes.hold(taken, Cause.NOT_ACCEPTED, "no")
            return  # a rollback may take it along
        else:
            await self.stage.lanes.defer(taken, 3_600_000, unknown=True, reason="lost")
        self.fixed[key] = owner

    async def flip(self) -> None:
        """Flip to some rules, now and then killed on the way."""
        dies_after = self.chance.choice((None, None, self.chance.randrange(9)))
        steps = 0

        def step(_: Step) -> None:
            nonlocal steps
            steps += 1
            if dies_after is not None and steps > dies_after:
                raise Killed

        backlog = self.chance.choice(("drain", "move", "move+rejected"))
        draft = self.chance.choice(self.sets)
        try:
            await self.stage.publisher.apply(draft, "ann", "", step, terms=Terms(backlog=backlog))
        except PublishError:
            return  # in force already, or one is open
        except Killed:
            if self.chance.random() < 0.5:
                await self.stage.publisher.resume("bob")
            else:
                await self._back()

    async def _back(self) -> None:
        backlog = self.chance.choice(("drain", "move", "rejected"))
        try:
            await self.stage.publisher.rollback("bob", "", backlog=backlog)
        except PublishError:  # the first rules, or a rollback is open
            if (await self.stage.it.book.publication()).pending is not None:
                await self.stage.publisher.resume("bob")

    async def back(self) -> None:
        """Take the last flip back."""
        await self._back()

    async def check(self) -> None:
        """What is fixed has not moved."""
        for key, owner in self.fixed.items():
            assert await self.stage.intake.owner(key) is owner, key


def of_channel(one: Entry, channel: str, ref: str) -> Entry:
    """The same order, from another channel."""
    key = order_key(channel, ref)
    envelope = Envelope.model_validate_json(one.payload)
    at = envelope.accepted_at
    identity = new_transaction_id(partition_of(key, PARTITIONS), at, secrets.randbits(80))
    changed = envelope.model_copy(
        update={
            "transaction_id": identity,
            "channel": channel,
            "object_key": key,
            "facts": {**envelope.facts, "channel": channel},
        }
    )
    return replace(
        one, transaction_id=identity, object_key=key, claim=f"{channel}|order.intake|{ref}",
        payload=changed.model_dump_json().encode(),
    )  # fmt: skip


async def test_who_has_an_object_keeps_it(governed: Governed, tmp_path: Path, seed: int) -> None:
    stage = Stage(governed, tmp_path)
    await stage.first()
    german = rules(tmp_path, {"de": intake(entity="DE01")})
    split = {"id": "s", "process": "order.intake", "when": {"legal_entity": "NL01"},
             "mode": "split", "cloud_percent": 50, "sticky_by": "order_ref"}  # fmt: skip
    half = rules(tmp_path, {"nl": {"rules": [split]}})
    walk = Walk(stage, random.Random(seed), [stage.legacy, stage.cloud, german, half])
    for draft, owner in ((stage.legacy, Target.LEGACY), (stage.cloud, Target.CLOUD)):
        with suppress(PublishError):  # in force already
            await stage.publisher.apply(draft, "ann", "")
        while owner not in walk.fixed.values():
            await walk.accept()
            await walk.attempt()
    acts = (walk.accept, walk.accept, walk.attempt, walk.attempt, walk.flip, walk.back)
    for _ in range(STEPS):
        await walk.chance.choice(acts)()
        governed.buffer.later(1)
    await walk.check()
    assert {*walk.fixed.values()} == {Target.LEGACY, Target.CLOUD}
