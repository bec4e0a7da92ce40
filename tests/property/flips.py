"""Whoever brings rules into force, in the world of the model: flips, and what follows them."""

from __future__ import annotations

from gateway.canonical.envelope import Marker
from gateway.canonical.process import PROCESSES, Kind, Target
from gateway.errors import FencedOut
from tests.property.world import PART, World


async def flip(world: World, epoch: int) -> None:
    """Raise the partition to ``epoch``; lower ones change nothing."""
    marker = Marker(epoch, f"v{epoch}")
    if epoch > world.model.marker.epoch:
        world.model.marker = marker
    assert await world.buffer.book.raise_partition(PART, marker) == world.model.marker


async def reroute(world: World, holder: str, at: int, epoch: int, target: Target) -> None:
    """As ``Releaser``, for one parked object."""
    lease = world.leases[holder]
    try:
        found = await world.buffer.lanes.parked(lease, 0, 0, 100)
    except FencedOut:
        assert not world.model.holds(lease.token)
        return
    assert [it.transaction_id for it in found] == world.model.parked()
    owners = world.model.owners
    assert [it.owner for it in found] == [owners.get(it.object_key) for it in found]
    if not found:
        return
    parked = found[at % len(found)]
    process = world.model.messages[parked.transaction_id].entry.claim.split("|")[1]
    asked = None if PROCESSES[process].kind is Kind.FOLLOW_UP else target
    done = await world.buffer.lanes.reroute(parked, epoch, asked)
    assert done == world.model.reroute(lease.token, parked.object_key, epoch, asked)


async def move(world: World, at: int, epoch: int, to: Target, *, refused: bool) -> None:
    """As a flip that takes its backlog along, for one object."""
    erp = Target.LEGACY if to is Target.CLOUD else Target.CLOUD
    seen = {it.object_key: it async for it in world.buffer.moves.movable(
        PART, erp, refused=refused)}  # fmt: skip
    possible = world.model.movable(erp, refused=refused)
    assert set(possible) <= seen.keys(), "not listed"
    if seen:
        found = seen[sorted(seen)[at % len(seen)]]
        done = await world.buffer.moves.move(found, epoch, to, "ann")
        assert done == world.model.move(found.object_key, epoch, to, refused=refused)
