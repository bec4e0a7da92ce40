"""Whoever looks for owners, in the world of the model."""

from __future__ import annotations

from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.errors import FencedOut
from gateway.store.redis.seeking import RedisSeeking
from tests.property.world import PROBE_MS, World
from tests.valkey import PARTITIONS


async def seek(world: World, holder: str, epoch: int, owner: Target | None, how: str) -> None:
    """As ``Seeker``, for the object due first; ``how`` is what follows without an owner."""
    lease, seeking = world.leases[holder], RedisSeeking(world.buffer.client, PARTITIONS)
    try:
        due = await seeking.sought(lease, 100)
    except FencedOut:
        assert not world.model.holds(lease.token)
        return
    assert [(it.object_key, it.transaction_id) for it in due] == world.model.sought()
    if not due:
        return
    key = due[0].object_key
    if owner is not None:
        hold = how == "hold"
        done = await seeking.found(due[0], epoch, owner, None, hold=hold)
        assert done == world.model.found(lease.token, key, epoch, owner, hold=hold)
    elif how == "hold":
        done = await seeking.unfound(due[0], Cause.OWNER_UNDECIDED, "test")
        assert done == world.model.unfound(lease.token, key)
    else:
        await seeking.later(due[0], PROBE_MS)
        world.model.places[key].due_ms = world.model.now_ms + PROBE_MS
