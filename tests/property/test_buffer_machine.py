"""The buffer against a model of it: any order of events, two workers, two ERPs that lose answers.

The machine does what the flow does (take → attempt → send → settle, probe what is open), at the
real scripts on a real Valkey, with the time in its hands. After each step the buffer has to be
where the model is, and the ERPs' books have to be right.

Left out on purpose: a settlement that is repeated, under the same lease, after the object was
taken anew (``defer`` and ``hold`` cannot tell one take from the next); renewing a lease that had
run out (its objects stay in flight until the lease is taken again); and a request that arrives
late after a repeat of a message whose earlier document failed (a probe then finds the old refusal).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.canonical.envelope import Marker, new_transaction_id, order_key, partition_of
from gateway.canonical.exchange import Accepted, Entry, Lease, Parked, Taken
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
from gateway.canonical.process import ERPS, Target
from gateway.errors import FencedOut
from gateway.flow.deliver import TAKES_MAX
from gateway.store.ledger import projection
from gateway.store.redis import keys
from gateway.store.redis.client import Client
from tests.property.books import FINAL_MS, Books, Fate
from tests.property.model import Model
from tests.property.seen import as_modelled, look, one_place
from tests.valkey import NOW_MS, PARTITIONS, Buffer, entry

LEASE_MS = 5000
#: For how long of a lease a worker believes in it.
TRUST_MS = 4000
POLL_MS = 500
PART = 0
#: Two objects whose messages wait for each other, and one whose messages are pipelined.
REFS = [
    ref
    for ref in (f"R-{n}" for n in range(40))
    if partition_of(order_key("webshop", ref), PARTITIONS) == PART
][:3]
OBJECTS = [order_key("webshop", ref) for ref in REFS]
PIPELINED = REFS[2]

ANY = st.integers(0, 11)
WORKERS = st.sampled_from(["w1", "w2"])
ERP = st.sampled_from(ERPS)
DELAYS = st.sampled_from([0, 250, 4000])


@dataclass(slots=True)
class Hand:
    """A message a worker has taken; ``answer`` is what the ERP said, not yet settled."""

    taken: Taken
    answer: Probed | None = None
    probed: bool = False


class BufferMachine(RuleBasedStateMachine):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.buffer = Buffer(Client(url))
        self.model = Model(NOW_MS)
        self.books = Books()
        self.hands: list[Hand] = []
        self.leases: dict[str, Lease] = {}
        self.believed_ms: dict[Lease, int] = {}
        self.accepted: list[Entry] = []
        self.ledger: dict[str, projection.Row] = {}
        self.pins: dict[str, str] = {}
        self.checkpoint = "0-0"
        self.numbers = 0
        self.sound = True
        self.run(self.buffer.client.command("FLUSHALL"))
        self.run(self.buffer.under(Marker(1, "v1")))
        self.run(self.buffer.lanes.backlog())

    def run(self, work):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        """Run one call to its end."""
        return self.runner.run(work)

    def entry(
        self, ref: str, target: Target, *, follow: bool, stale: bool, **more: object
    ) -> Entry:
        self.numbers += 1
        pipelined = ref == PIPELINED
        return entry(
            ref,
            process="order.cancellation"
            if follow
            else "store.sale"
            if pipelined
            else "order.intake",
            reference=f"{ref}-{self.numbers}",
            target=target,
            epoch=self.model.marker.epoch - stale,
            transaction_id=self.new_id(),
            pipelined=pipelined and not follow,
            **more,
        )

    def new_id(self) -> str:
        self.numbers += 1
        at = datetime.fromtimestamp(self.model.now_ms / 1000, UTC)
        return new_transaction_id(PART, at, self.numbers)

    # ------------------------------------------------------------------ channels

    async def _accept(self, one: Entry) -> None:
        answer = await self.buffer.intake.accept(one)
        assert answer == self.model.accept(one)
        if isinstance(answer, Accepted):
            self.accepted.append(one)

    @rule(ref=st.sampled_from(REFS), target=st.sampled_from(list(Target)), stale=st.booleans())
    def accept(self, ref: str, target: Target, *, stale: bool) -> None:
        self.run(
            self._accept(self.entry(ref, target, follow=False, stale=stale and target != "hold"))
        )
