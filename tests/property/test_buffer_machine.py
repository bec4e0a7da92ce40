"""The buffer against a model of it: any order of events, two workers, two ERPs that lose answers.

The machine does what the flow does (take → attempt → send → settle, probe what is open) with the
real scripts on a real Valkey, the time in its hands. After each step the buffer has to be where
the model is, and the ERPs' books have to be right.

Left out, because nothing is promised there: a request that arrives late after an earlier document
of the same message failed (the probe finds the old refusal).
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from gateway.canonical.process import ERPS, Target
from tests.property.books import FINAL_MS, Fate
from tests.property.flips import flip, move, reroute
from tests.property.healing import drain
from tests.property.seeker import seek
from tests.property.staff import discard, edit
from tests.property.world import PIPELINED, POLL_MS, REFS, World

AT = st.integers(0, 9)
HOLDERS = st.sampled_from(["w1", "w2"])
ERP = st.sampled_from(ERPS)
REF = st.sampled_from(REFS)
ROUTE = st.sampled_from([Target.LEGACY, Target.CLOUD, Target.HOLD])
OLD = st.sampled_from([0, 0, 0, 0, 1])  # epochs behind
FATE = st.sampled_from(Fate)
LATE = st.sampled_from([1, 900, 3000, FINAL_MS])
DELAY = st.sampled_from([0, 200, 1000])


class BufferMachine(RuleBasedStateMachine):
    """Random steps of everybody around one partition of the server at ``url``."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.world = World(self.url)
        self.runner.run(self.world.open())
        self.sound = True

    # ------------------------------------------------------------------ channels and admins

    @rule(ref=REF, route=ROUTE, old=OLD)
    def create(self, ref: str, route: Target, old: int) -> None:
        process = "store.sale" if ref == PIPELINED else "order.intake"
        epoch = self.world.model.marker.epoch - old
        self.runner.run(self.world.accept(ref, process, route, epoch, None))

    @initialize(routes=st.lists(st.tuples(REF, ROUTE), min_size=2, max_size=5))
    def open_the_shop(self, routes: list[tuple[str, Target]]) -> None:
        for ref, route in routes:
            self.create(ref, route, 0)

    @rule(fate=FATE)
    def sell_in_store(self, fate: Fate) -> None:
        """A receipt leaves at once if it can: the next one need not wait for its posting."""
        self.create(PIPELINED, Target.LEGACY, 0)
        self.runner.run(self.world.serve(fate, 900, 0, 3))

    @rule(ref=REF, held=st.booleans(), found=st.sampled_from([None, "later", *ERPS]), old=OLD)
    def follow_up(self, ref: str, held: bool, found: Target | str | None, old: int) -> None:
        target = Target.HOLD if held else Target.LEGACY  # without hold, the owner decides
        epoch = self.world.model.marker.epoch - old
        owner = found if isinstance(found, Target) else None
        self.runner.run(
            self.world.accept(
                ref, "order.cancellation", target, epoch, owner, undecided=found == "later"
            )
        )

    @precondition(lambda self: self.world.entries)
    @rule(at=AT, same=st.booleans(), old=OLD)
    def repeat(self, at: int, same: bool, old: int) -> None:
        world = self.world
        first = world.entries[at % len(world.entries)]
        digest = first.digest if same else b"another body ..."
        again = replace(
            first,
            transaction_id=world.new_id(),
            digest=digest,
            epoch=world.model.marker.epoch - old,
        )
        self.runner.run(world.submit(again))

    @precondition(lambda self: self.world.model.places)
    @rule(at=AT, to=ERP, old=OLD, refused=st.booleans())
    def move(self, at: int, to: Target, old: int, refused: bool) -> None:
        epoch = self.world.model.marker.epoch - old
        self.runner.run(move(self.world, at, epoch, to, refused=refused))

    @rule(step=st.integers(-1, 2))
    def flip(self, step: int) -> None:
        self.runner.run(flip(self.world, self.world.model.marker.epoch + step))

    @rule(ms=st.sampled_from([1, 200, 1000, 2500, 5001, FINAL_MS]))
    def time_passes(self, ms: int) -> None:
        self.world.later(ms)

    # ------------------------------------------------------------------ workers

    @rule(holder=HOLDERS)
    def lease(self, holder: str) -> None:
        self.runner.run(self.world.lease(holder))

    @rule(holder=HOLDERS)
    def renew(self, holder: str) -> None:
        if holder in self.world.leases:
            self.runner.run(self.world.renew(holder))

    @precondition(lambda self: self.world.leases)
    @rule(holder=HOLDERS)
    def crash(self, holder: str) -> None:
        self.world.crash(holder)

    @precondition(lambda self: self.world.leases)
    @rule(at=AT, erp=ERP, count=st.integers(1, 3))
    def take(self, at: int, erp: Target, count: int) -> None:
        self.runner.run(self.world.take(self._leased(at), erp, count))

    @precondition(lambda self: self.world.model.places)
    @rule(fate=FATE, late_ms=LATE, delay_ms=DELAY, steps=st.sampled_from([3, 3, 3, 2, 1]))
    def serve(self, fate: Fate, late_ms: int, delay_ms: int, steps: int) -> None:
        self.runner.run(self.world.serve(fate, late_ms, delay_ms, steps))

    @precondition(lambda self: self.world.model.places)
    @rule(fate=FATE, late_ms=LATE, delay_ms=DELAY)
    def serve_to_the_end(self, fate: Fate, late_ms: int, delay_ms: int) -> None:
        self.runner.run(self.world.serve(fate, late_ms, delay_ms, 3))

    @precondition(lambda self: self.world.model.places)
    @rule()
    def restart_while_serving(self) -> None:
        self.runner.run(self.world.restart_while_serving())

    @precondition(lambda self: self.world.hands)
    @rule(at=AT, fate=FATE)
    def wake_late(self, at: int, fate: Fate) -> None:
        """A worker stands still for longer than its lease, which nobody has taken, and goes on."""
        self.world.later(max(0, self.world.model.until_ms - self.world.model.now_ms))
        hands = self.world.hands
        hand = hands[at % len(hands)]
        if hand.answer is None:
            self.runner.run(self.world.deliver(hand, fate, 1))
        else:
            self.runner.run(self.world.settle(hand, 0))

    @precondition(lambda self: any(it.answer is not None for it in self.world.hands))
    @rule(fate=FATE)
    def take_over(self, fate: Fate) -> None:
        self.runner.run(self.world.take_over(fate))

    @precondition(lambda self: any(it.answer is None for it in self.world.hands))
    @rule(at=AT, fate=FATE, late_ms=LATE)
    def deliver(self, at: int, fate: Fate, late_ms: int) -> None:
        hands = [it for it in self.world.hands if it.answer is None]
        self.runner.run(self.world.deliver(hands[at % len(hands)], fate, late_ms))

    @precondition(lambda self: any(it.answer is not None for it in self.world.hands))
    @rule(at=AT, delay_ms=DELAY)
    def settle(self, at: int, delay_ms: int) -> None:
        hands = [it for it in self.world.hands if it.answer is not None]
        self.runner.run(self.world.settle(hands[at % len(hands)], delay_ms))

    @precondition(lambda self: self.world.past)
    @rule(at=AT, delay_ms=DELAY)
    def settle_again(self, at: int, delay_ms: int) -> None:
        """The answer to a settlement was lost, and it is repeated, whatever happened since."""
        past = self.world.past
        self.runner.run(self.world.settled(past[-1 - at % len(past)], delay_ms))

    @precondition(lambda self: self.world.polled)
    @rule(at=AT)
    def confirm_again(self, at: int) -> None:
        polled = self.world.polled
        self.runner.run(self.world.confirm(*polled[-1 - at % len(polled)]))

    @precondition(lambda self: self.world.leases)
    @rule(at=AT, erp=ERP, count=st.integers(1, 3))
    def poll(self, at: int, erp: Target, count: int) -> None:
        self.runner.run(self.world.poll(self._leased(at), erp, count))

    @precondition(lambda self: any(it.woken_ms for it in self.world.model.messages.values()))
    @rule(at=AT)
    def wake(self, at: int) -> None:
        self.world.later(1000)
        self.runner.run(self.world.wake(self._leased(at)))

    @precondition(lambda self: self.world.leases and self.world.model.parked())
    @rule(at=AT, erp=ERP, old=OLD)
    def reroute(self, at: int, erp: Target, old: int) -> None:
        epoch = self.world.model.marker.epoch - old
        self.runner.run(reroute(self.world, self._leased(at), at, epoch, erp))

    @precondition(lambda self: self.world.leases and self.world.model.sought())
    @rule(
        at=AT,
        owner=st.sampled_from([None, *ERPS]),
        how=st.sampled_from(["hold", "go on", "go on"]),
        old=OLD,
    )
    def seek(self, at: int, owner: Target | None, how: str, old: int) -> None:
        epoch = self.world.model.marker.epoch - old
        self.runner.run(seek(self.world, self._leased(at), epoch, owner, how))

    @rule(crash=st.booleans())
    def project(self, crash: bool) -> None:
        self.runner.run(self.world.record.project(crash=crash))

    def _leased(self, at: int) -> str:
        """Mostly who holds the lease, at times who thinks to."""
        if at % 3:
            return self.runner.run(self.world.worker())
        holders = sorted(self.world.leases)
        return holders[at % len(holders)]

    # ------------------------------------------------------------------ staff and ERPs

    @precondition(lambda self: self.world.entries)
    @rule(at=AT)
    def release_held(self, at: int) -> None:
        self.runner.run(self.world.release_held(self._held_or_any(at)))

    @precondition(lambda self: self.world.entries)
    @rule(at=AT, behind=OLD)
    def edit(self, at: int, behind: int) -> None:
        self.runner.run(edit(self.world, self._held_or_any(at), behind=behind))

    @precondition(lambda self: self.world.entries)
    @rule(at=AT)
    def edit_early(self, at: int) -> None:
        """What waits for its turn is changed too; mostly what a worker has in its hands."""
        hands = [it.taken.transaction_id for it in self.world.hands] if at % 3 else []
        some = hands or [it.transaction_id for it in self.world.entries]
        self.runner.run(edit(self.world, some[at % len(some)], behind=0, early=True))

    @precondition(lambda self: self.world.entries)
    @rule(at=AT, behind=OLD)
    def discard(self, at: int, behind: int) -> None:
        self.runner.run(discard(self.world, self._held_or_any(at), behind=behind))

    @precondition(lambda self: self.world.model.places)
    @rule(change=st.booleans())
    def refused_and_given_up(self, change: bool) -> None:
        self.serve_to_the_end(Fate.REFUSED, 1, 0)
        self.runner.run(self.world.check())
        if change:
            self.edit(0, 0)
        self.discard(0, 0)

    def _held_or_any(self, at: int) -> str:
        held = [key for key, it in self.world.model.messages.items() if it.stopped]
        some = held or [it.transaction_id for it in self.world.entries]
        return some[at % len(some)]

    @precondition(lambda self: self.world.books.documents)
    @rule(well=st.sampled_from([True, True, True, False]))
    def post(self, well: bool) -> None:
        self.world.books.post(well=well)

    @precondition(lambda self: any(it.standing == "stored" for it in self.world.books.documents))
    @rule(well=st.booleans())
    def post_and_poll(self, well: bool) -> None:
        self.world.books.post(well=well)
        self.world.later(POLL_MS)
        self.runner.run(self.world.poll(self.runner.run(self.world.worker()), Target.LEGACY, 3))

    @precondition(lambda self: any(it.standing == "stored" for it in self.world.books.documents))
    @rule(fate=FATE)
    def fails_to_post_and_is_released(self, fate: Fate) -> None:
        """What is pipelined has left its fifo by then, and joins its end again."""
        self.post_and_poll(well=False)
        for key in [k for k, it in self.world.model.messages.items() if it.stopped]:
            self.runner.run(self.world.release_held(key))
        self.runner.run(self.world.check())
        self.runner.run(self.world.serve(fate, 1, 0, 3))

    # ------------------------------------------------------------------ what must hold

    @invariant()
    def holds(self) -> None:
        self.sound = False
        self.runner.run(self.world.check())
        self.sound = True

    def teardown(self) -> None:
        """Heal everything: one worker brings all that was accepted into the books, once."""
        try:
            if self.sound:
                self.runner.run(drain(self.world))
        finally:
            self.runner.run(self.world.buffer.client.close())
            self.runner.close()


def test_the_buffer_does_what_its_model_does_and_books_all_once(valkey_url: str) -> None:
    class Here(BufferMachine):
        url = valkey_url

    run_state_machine_as_test(
        Here, settings=settings(max_examples=25, stateful_step_count=50, deadline=None)
    )


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.anyio
async def test_a_receipt_that_failed_to_post_joins_the_end_again(
    valkey_url: str, others: int
) -> None:
    """The machine seldom comes here by chance."""
    world = World(valkey_url)
    await world.open()
    await world.accept(PIPELINED, "store.sale", Target.LEGACY, 1, None)
    await world.serve(Fate.DONE, 0, 0, 3)
    world.books.post(well=False)
    for _ in range(others):
        await world.accept(PIPELINED, "store.sale", Target.LEGACY, 1, None)
    world.later(POLL_MS)
    await world.poll(await world.worker(), Target.LEGACY, 3)
    await world.check()
    await world.release_held(world.entries[0].transaction_id)
    await world.check()
    await drain(world)
    await world.buffer.client.close()
