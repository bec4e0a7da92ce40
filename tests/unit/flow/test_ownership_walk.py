"""Ownership on a random walk: flips, splits, moves, rollbacks, evictions, refusals and crashes.

Owners leave the buffer at random, admins and workers die, and two channels use the same references
all along. Once anything of an object was tried and not
refused for good, its owner never changes; every follow-up is taken for that owner, whether the
buffer still knows it or the ledger has to be asked.
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
from gateway.canonical.exchange import Accepted, Entry, Ownerless, Stale
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.errors import PublishError
from gateway.flow.publish import Step, Terms
from gateway.routing.ruleset import RuleSet
from gateway.store.redis.forgetting import RedisForgetting
from tests.unit.flow.governed import Governed, intake, rules
from tests.unit.flow.test_backlog import Stage, order
from tests.valkey import PARTITIONS, entry

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
        self.count = self.evicted = self.asked = 0
        self.forgetting = RedisForgetting(stage.it.buffer.client, PARTITIONS)

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
        how = self.chance.choice(("book", "book", "refuse", "unknown", "crash"))
        if how == "book":
            await self.stage.lanes.book(taken.transaction_id, f"D-{key}", "")
        elif how == "refuse":
            await self.stage.lanes.hold(taken, Cause.NOT_ACCEPTED, "no")
            return  # a rollback may take it along
        elif how == "unknown":
            await self.stage.lanes.defer(taken, 3_600_000, unknown=True, reason="lost")
        self.fixed[key] = owner

    async def follow(self) -> None:
        """Something about an object that is where it is for good; it is sent there and booked."""
        if not self.fixed:
            return
        key = self.chance.choice(sorted(self.fixed))
        self.count += 1
        marker = await self.stage.it.book.partition(partition_of(key, PARTITIONS))
        one = about(key, f"X-{self.count}", marker.epoch)
        answer = await self.stage.intake.accept(one)
        if isinstance(answer, Ownerless):
            self.asked += 1
            found = await self.stage.it.ledger.owner(key)
            assert found is self.fixed[key], key
            answer = await self.stage.intake.accept(replace(one, owner_found=found))
        assert isinstance(answer, Accepted)
        progress = await self.stage.it.buffer.intake.progress(one.transaction_id)
        assert progress is not None
        assert progress.owner is self.fixed[key], key
        lease = await self.stage.it.buffer.lease_of(key)
        taken = await self.stage.lanes.take(lease, self.fixed[key], 50)
        if one.transaction_id in [it.transaction_id for it in taken]:  # else it waits behind others
            await self.stage.lanes.book(one.transaction_id, f"D-{self.count}", "")

    async def evict(self) -> None:
        """Some owners leave the buffer, of those that may."""
        await self.stage.project()
        owners = await self.stage.it.ledger.owners_after("", 10_000)
        some = self.chance.sample(list(owners), self.chance.randint(0, len(owners)))
        self.evicted += await self.forgetting.forget(some)

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
        """What is fixed has not moved, and nobody who asks is told otherwise."""
        await self.stage.project()
        for key, owner in self.fixed.items():
            assert await self.stage.intake.owner(key) in (owner, None), key
            assert await self.stage.it.ledger.owner(key) is owner, key


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


def about(key: str, reference: str, epoch: int) -> Entry:
    """A cancellation, which goes to the owner whatever the rules say."""
    _, channel, ref = key.split(":")
    one = entry(ref, process="order.cancellation", reference=reference, epoch=epoch)
    moved = of_channel(one, channel, ref)
    return replace(moved, claim=f"{channel}|order.cancellation|{reference}")


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
    acts = (walk.accept, walk.attempt, walk.attempt, walk.follow, walk.evict, walk.flip, walk.back)
    for _ in range(STEPS):
        await walk.chance.choice(acts)()
        governed.buffer.later(1)
    await walk.check()
    assert {*walk.fixed.values()} == {Target.LEGACY, Target.CLOUD}
    assert walk.evicted, "no owner ever left the buffer: nothing was tried"
