"""What heals the model's world: one worker, and staff that let everything go again."""

from __future__ import annotations

from gateway.canonical.process import ERPS, Target
from tests.property.books import FINAL_MS, Fate
from tests.property.flips import reroute
from tests.property.seeker import seek
from tests.property.world import World

DRAIN_ROUNDS_MAX = 60


async def drain(world: World) -> None:
    """Bring all that was accepted and not given up into the books, once."""
    for holder in tuple(world.leases):
        world.crash(holder)
    for _ in range(DRAIN_ROUNDS_MAX):
        world.later(FINAL_MS)
        await world.lease("healer")
        for transaction_id in [k for k, it in world.model.messages.items() if it.stopped]:
            await world.release_held(transaction_id)
        await _send_on(world)
        for erp in ERPS:
            await world.take("healer", erp, 10)
            for hand in tuple(world.hands):
                await world.deliver(hand, Fate.DONE, 0)
            for hand in tuple(world.hands):
                await world.settle(hand, 0)
            for _ in world.books.documents:
                world.books.post(well=True)
            world.later(1000)
            await world.poll("healer", erp, 100)
        await world.check()
        if all(it.settled for it in world.model.messages.values()):
            break
    booked = sorted(it.transaction_id for it in world.books.posted)
    wanted = [key for key, it in world.model.messages.items() if it.state != "discarded"]
    assert booked == sorted(wanted), "what was given up is booked, or something is not"


async def _send_on(world: World) -> None:
    """Nothing is on hold any more, and every owner is found."""
    epoch = world.model.marker.epoch
    for _ in world.model.parked():
        await reroute(world, "healer", 0, epoch, Target.CLOUD)
    for _ in world.model.sought():
        await seek(world, "healer", epoch, Target.CLOUD, "go on")
