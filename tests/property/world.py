"""Channels, workers, staff and ERPs around one partition, each step held against the model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import replace

from gateway.canonical.envelope import Marker, new_transaction_id, order_key, partition_of
from gateway.canonical.exchange import Accepted, Awaiting, Entry, Lease, Taken
from gateway.canonical.outcome import (
    Absent,
    Booked,
    Busy,
    Cause,
    Outcome,
    Probed,
    Refused,
    Stored,
    Unknown,
)
from gateway.canonical.process import PROCESSES, Target
from gateway.errors import FencedOut
from gateway.flow.deliver import TAKES_MAX
from gateway.store.redis import keys
from gateway.store.redis.client import Client
from tests.property.books import FINAL_MS, Books, Fate
from tests.property.record import Record
from tests.property.seen import as_modelled, look, one_place, place_among
from tests.property.tended import Tended
from tests.valkey import NOW_MS, PARTITIONS, Buffer, entry

PART = 0
LEASE_MS = 5000
TRUST_MS = 4000  # for how long of a lease its worker believes in it
POLL_MS = 500
PROBE_MS = 1000
WAIT_MS = (1000, 3000)  # the first and the longest wait for a cause

#: Two objects whose messages wait for each other, and one whose messages are pipelined.
REFS = [
    ref
    for ref in (f"R-{n}" for n in range(60))
    if partition_of(order_key("webshop", ref), PARTITIONS) == PART
][:3]
OBJECTS = [order_key("webshop", ref) for ref in REFS]
PIPELINED = REFS[2]


@dataclass(slots=True)
class Hand:
    """A message a worker has taken; ``answer`` is what the ERP said and nobody settled yet."""

    taken: Taken
    answer: Probed | None = None
    probed: bool = False


class World:
    """One partition and all who act on it."""

    def __init__(self, url: str) -> None:
        self.buffer = Buffer(Client(url))
        self.part = keys.partition_keys(PARTITIONS)[PART]
        self.model = Tended(NOW_MS)
        self.books = Books()
        self.hands: list[Hand] = []
        self.past: list[Hand] = []
        self.polled: list[tuple[Awaiting, Outcome]] = []
        self.leases: dict[str, Lease] = {}
        self.believed_ms: dict[Lease, int] = {}
        self.entries: list[Entry] = []
        self.record = Record(self.buffer, self.model, PART)
        self._numbers = 0

    async def open(self) -> None:
        """Start with an empty buffer under epoch 1."""
        await self.buffer.client.command("FLUSHALL")
        await self.buffer.under(Marker(1, "v1"))

    def later(self, ms: int) -> None:
        self.model.now_ms += ms
        self.buffer.later(ms)
        self.books.at(self.model.now_ms)

    # ------------------------------------------------------------------ channels

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def new_id(self) -> str:
        at = datetime.fromtimestamp(self.model.now_ms / 1000, UTC)
        return new_transaction_id(PART, at, self.number())

    async def accept(
        self, ref: str, process: str, target: Target, epoch: int, found: Target | None,
        *, undecided: bool = False,
    ) -> None:  # fmt: skip
        one = entry(
            ref,
            process=process,
            reference=f"{ref}-{self.number()}",
            target=target,
            epoch=epoch,
            transaction_id=self.new_id(),
            owner_found=found,
            pipelined=ref == PIPELINED and PROCESSES[process].pipelined,
        )
        await self.submit(replace(one, undecided=undecided))

    async def submit(self, one: Entry) -> None:
        answer = await self.buffer.intake.accept(one)
        assert answer == self.model.accept(one)
        if isinstance(answer, Accepted):
            fifo = self.model.fifos[one.object_key]
            self.entries.insert(place_among(self.entries, fifo, one), one)
            assert one.epoch == self.model.marker.epoch, "taken under an old epoch"

    # ------------------------------------------------------------------ leases

    async def lease(self, holder: str) -> None:
        lease = await self.buffer.lanes.lease(PART, holder, LEASE_MS)
        assert (lease and lease.token) == self.model.lease(holder, LEASE_MS)
        if lease is not None:
            self.leases[holder] = lease
            self.believed_ms[lease] = self.model.now_ms + TRUST_MS

    async def renew(self, holder: str) -> None:
        lease = self.leases[holder]
        kept = await self.buffer.lanes.renew([lease], LEASE_MS)
        assert kept == ([lease] if self.model.holds(lease.token) else [])
        if kept:
            self.model.until_ms = self.model.now_ms + LEASE_MS
            self.believed_ms[lease] = self.model.now_ms + TRUST_MS

    async def worker(self) -> str:
        """Return somebody who holds the lease: whoever has it, or else w1 once it is free."""
        for holder, lease in self.leases.items():
            if self.model.holds(lease.token):
                await self.renew(holder)
                return holder
        self.later(max(0, self.model.until_ms - self.model.now_ms))
        await self.lease("w1")
        return "w1"

    def crash(self, holder: str) -> None:
        """A worker forgets what it had in hand; its leases run out by themselves."""
        lease = self.leases.pop(holder, None)
        self.hands = [hand for hand in self.hands if hand.taken.lease != lease]

    # ------------------------------------------------------------------ deliver

    async def take(self, holder: str, erp: Target, count: int) -> None:
        lease = self.leases[holder]
        try:
            taken = await self.buffer.lanes.take(lease, erp, count)
        except FencedOut:
            assert not self.model.holds(lease.token)
            return
        assert self.model.holds(lease.token), "a fenced worker took"
        rows = [
            (it.object_key, it.transaction_id, it.takes, it.attempts, it.open_ms, it.released,
             it.number)
            for it in taken
        ]  # fmt: skip
        assert rows == self.model.take(erp, count)
        self.hands.extend(Hand(it) for it in taken)

    async def serve(self, fate: Fate, late_ms: int, delay_ms: int, steps: int) -> None:
        """Bring the object that is due first on: take, call and settle, or the first of these."""
        due = sorted(
            (it.due_ms, it.name) for it in self.model.places.values() if it.name.startswith("l:")
        )
        if not due:
            return
        due_ms, lane = due[0]
        self.later(max(0, due_ms - self.model.now_ms))
        before = list(self.hands)
        await self.take(await self.worker(), Target(lane.split(":")[1]), 1)
        for hand in [it for it in self.hands if it not in before]:
            if steps > 1:
                await self.deliver(hand, fate, late_ms)
            if steps > 2 and hand in self.hands:
                await self.settle(hand, delay_ms)

    async def restart_while_serving(self) -> None:
        """The message due first kills whoever takes it, until it counts as poison."""
        for _ in range(TAKES_MAX):
            before = list(self.hands)
            await self.serve(Fate.DONE, 0, 0, 1)
            self.hands = before
            await self.lease(self.model.holder or "w1")

    async def take_over(self, fate: Fate) -> None:
        """The other worker takes the partition and goes on, while the first one still settles."""
        self.later(max(0, self.model.until_ms - self.model.now_ms))
        await self.lease("w2" if self.model.holder == "w1" else "w1")
        await self.serve(fate, 1, 0, 2)

    async def deliver(self, hand: Hand, fate: Fate, late_ms: int) -> None:
        """As ``Deliverer.deliver``, up to the ERP's answer."""
        taken, now_ms = hand.taken, self.model.now_ms
        if taken.takes > TAKES_MAX:
            self.hands.remove(hand)
            await self._hold(taken, Cause.POISON)
        elif taken.open_ms is not None:
            hand.probed = True
            silent: dict[Fate, Probed] = {Fate.NEVER: Unknown("no answer"), Fate.BUSY: Busy("busy")}
            hand.answer = silent.get(fate) or self.books.probe(taken.transaction_id)
        elif not await self._attempt(taken) or self.believed_ms[taken.lease] <= now_ms:
            self.hands.remove(hand)
        else:
            if fate is Fate.LATE and self.books.failed(taken.transaction_id):
                fate = Fate.LOST  # see "left out" in test_buffer_machine
            hand.answer = self.books.send(
                taken.transaction_id, taken.object_key, taken.owner, fate, now_ms + late_ms,
                json.loads(taken.payload)["body"].get("edited", 0),
            )  # fmt: skip

    async def settle(self, hand: Hand, delay_ms: int) -> None:
        """Settle once; ``settled`` alone does it again, because its answer was lost."""
        self.hands.remove(hand)
        self.past.append(hand)
        await self.settled(hand, delay_ms)

    async def settled(self, hand: Hand, delay_ms: int) -> None:
        """As ``Deliverer._settle`` and ``_settle_probe``."""
        taken, open_ms = hand.taken, hand.taken.open_ms or 0
        match hand.answer:
            case Absent() if open_ms >= FINAL_MS:
                await self._defer(taken, 0, unknown=False)
            case Absent():
                await self._defer(taken, min(PROBE_MS, FINAL_MS - open_ms), unknown=True)
            case Refused() if hand.probed and taken.released == 2 and open_ms < FINAL_MS:
                await self._defer(taken, min(PROBE_MS, FINAL_MS - open_ms), unknown=True)
            case Refused() if hand.probed and taken.released == 1:
                await self._defer(taken, 0, unknown=False)
            case Busy():
                await self._defer(taken, delay_ms, unknown=hand.probed)
            case Unknown():
                await self._defer(taken, delay_ms, unknown=True)
            case Booked(document):
                await self.book(taken.transaction_id, document)
            case Stored(document):
                done = await self.buffer.lanes.stored(taken, document, POLL_MS)
                assert done == self.model.stored(taken, document, POLL_MS)
            case Refused(cause):
                await self._hold(taken, cause)

    async def poll(self, holder: str, erp: Target, count: int) -> None:
        """As ``Confirmer.confirm``, over one lease."""
        lease = self.leases[holder]
        try:
            due = await self.buffer.lanes.awaiting(lease, erp, count, POLL_MS)
        except FencedOut:
            assert not self.model.holds(lease.token)
            return
        assert self.model.holds(lease.token), "a fenced worker polled"
        assert [it.transaction_id for it in due] == self.model.awaiting(erp, count, POLL_MS)
        for it in due:
            answer: Outcome = self.books.confirm(it.document)
            self.polled.append((it, answer))
            await self.confirm(it, answer)

    async def confirm(self, it: Awaiting, answer: Outcome) -> None:
        """Settle what a poll said; also again, because its answer was lost."""
        if isinstance(answer, Booked):
            await self.book(it.transaction_id, answer.document)
        elif isinstance(answer, Refused):
            await self._hold(it, answer.cause)

    async def _attempt(self, taken: Taken) -> bool:
        done = await self.buffer.lanes.attempt(taken)
        assert done == self.model.attempt(taken)
        return done

    async def book(self, transaction_id: str, document: str) -> None:
        await self.buffer.lanes.book(transaction_id, document, "")
        self.model.book(transaction_id, document)

    async def _defer(self, taken: Taken, delay_ms: int, *, unknown: bool) -> None:
        done = await self.buffer.lanes.defer(taken, delay_ms, unknown=unknown, reason="test")
        assert done == self.model.defer(taken, delay_ms, unknown=unknown)

    async def _hold(self, at: Taken | Awaiting, cause: Cause) -> None:
        wait_ms = WAIT_MS if cause.waits else None
        done = await self.buffer.lanes.hold(at, cause, "test", wait_ms)
        assert done == self.model.hold(at, poison=cause is Cause.POISON, wait_ms=wait_ms)

    async def wake(self, holder: str) -> None:
        """Let go what has waited for its cause for long enough."""
        lease = self.leases[holder]
        try:
            woken = await self.buffer.lanes.wake(lease, 10)
        except FencedOut:
            assert not self.model.holds(lease.token)
            return
        assert self.model.holds(lease.token), "a fenced worker woke something"
        assert woken == self.model.wake()

    # ------------------------------------------------------------------ staff

    async def release_held(self, transaction_id: str) -> None:
        done = await self.buffer.lanes.release_held(transaction_id, "staff")
        expected = transaction_id not in self.model.purged
        assert done == (expected and self.model.release_held(transaction_id))

    # ------------------------------------------------------------------ what always holds

    async def check(self) -> None:
        """Hold the buffer against itself, the model and the books."""
        seen = await look(self.buffer, self.part, OBJECTS, self.model.messages)
        one_place(seen)
        as_modelled(seen, self.model)
        await self.record.check()
        accepted = {
            key: [it.transaction_id for it in self.entries if it.object_key == key]
            for key in OBJECTS
        }
        self.books.check(accepted, order_key("webshop", PIPELINED))
        revisions = {key: it.revision for key, it in self.model.messages.items()}
        self.books.check_content(revisions)
