"""The model with those who tend to what cannot go on: staff, and whoever looks for owners."""

from __future__ import annotations

from gateway.canonical.exchange import Case, Discarded, Edited, Refusal, StaffRefused
from gateway.canonical.process import Target
from tests.property.model import Model, Place


class Tended(Model):
    """As :class:`Model`: every method returns what the buffer has to answer."""

    # ------------------------------------------------------------------ staff

    def _refusal(self, case: Case, *, early: bool = False) -> StaffRefused | None:
        it = self.messages[case.transaction_id]
        if case.transaction_id in self.purged:
            return StaffRefused(Refusal.GONE)
        if not it.stopped and not (early and it.state in ("waiting", "parked")):
            return StaffRefused(Refusal.STATE, it.state)
        if it.revision != case.revision:
            return StaffRefused(Refusal.CHANGED, str(it.revision))
        return None

    def edit(self, case: Case, *, early: bool) -> Edited | StaffRefused:
        it, refused = self.messages[case.transaction_id], self._refusal(case, early=early)
        if refused is not None:
            return refused
        head = self.fifos[case.object_key][:1] == [case.transaction_id]
        in_hands = head and self.places[case.object_key].name == "flight"
        if it.open_ms is not None or in_hands:
            return StaffRefused(Refusal.OPEN)
        it.revision += 1
        return Edited(it.revision)

    def discard(self, case: Case, *, creates: bool, absent: bool) -> Discarded | StaffRefused:
        it, refused = self.messages[case.transaction_id], self._refusal(case)
        if refused is not None:
            return refused
        if it.open_ms is not None and (not absent or it.open_ms != case.open_since_ms):
            return StaffRefused(Refusal.OPEN, str(it.open_ms))
        it.state, it.open_ms, it.woken_ms = "discarded", None, None
        fifo = self.fifos[case.object_key]
        was_head = fifo[:1] == [case.transaction_id]
        if case.transaction_id in fifo:
            fifo.remove(case.transaction_id)
        if not was_head:
            return Discarded("")
        if not (creates and fifo):
            self.place(case.object_key, next_head=True)
            return Discarded("")
        follower = self.messages[fifo[0]]
        follower.state, follower.takes = "held", 0
        follower.orphaned, follower.poisoned = True, False
        self.places[case.object_key] = Place("held")
        return Discarded(fifo[0])

    # ------------------------------------------------------------------ owners that are looked for

    def sought(self) -> list[tuple[str, str]]:
        """Return objects and heads that are to be looked for now, the longest due first."""
        return [
            (key, self.fifos[key][0])
            for _, key in sorted(
                (it.due_ms, key) for key, it in self.places.items() if it.name == "sought"
                if it.due_ms <= self.now_ms
            )
        ]  # fmt: skip

    def found(self, token: int, object_key: str, epoch: int, owner: Target, *, hold: bool) -> bool:
        if not self.holds(token) or epoch != self.marker.epoch:
            return False
        self.owners.setdefault(object_key, owner)
        self.history.add(object_key)
        head = self.messages[self.fifos[object_key][0]]
        head.hold, head.state = hold, "parked" if hold else head.state
        self.place(object_key)
        return True

    def unfound(self, token: int, object_key: str) -> bool:
        if not self.holds(token):
            return False
        it = self.messages[self.fifos[object_key][0]]
        it.state, it.takes, it.open_ms = "held", 0, None
        self.places[object_key] = Place("held")
        return True
