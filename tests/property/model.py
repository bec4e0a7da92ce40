"""What the buffer should hold: one partition in plain Python, too simple to be wrong."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import inf

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import (
    AcceptAnswer,
    Accepted,
    Awaiting,
    Clash,
    Entry,
    Ownerless,
    Replay,
    Stale,
    Taken,
)
from gateway.canonical.process import ERPS, Target


@dataclass(slots=True)
class Message:
    """One message; ``open_ms`` is when an attempt began whose outcome nobody knows."""

    entry: Entry
    accepted_ms: int
    hold: bool
    state: str
    takes: int = 0
    number: int = 0
    attempts: int = 0
    open_ms: int | None = None
    released: int = 0
    document: str = ""
    poll_ms: int = 0
    woken_ms: int | None = None  # it waits for a cause, until then
    waits: int = 0  # times in a row
    revision: int = 0
    orphaned: bool = False  # held because what it follows was given up
    poisoned: bool = False

    @property
    def settled(self) -> bool:
        return self.state in ("booked", "discarded")

    @property
    def stopped(self) -> bool:
        """Held, or waiting for a cause: staff may act on it."""
        return self.state == "held" or self.woken_ms is not None

    @property
    def untried(self) -> bool:
        return self.attempts == 0


@dataclass(slots=True)
class Place:
    """Where an object is: a lane, ``flight``, ``parked``, ``stored`` or ``held``."""

    name: str
    due_ms: int = 0


class Model:
    """Every method returns what the buffer has to answer to the same call at ``now_ms``."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.marker = Marker(1, "v1")
        self.messages: dict[str, Message] = {}
        self.claims: dict[str, tuple[str, bytes]] = {}
        self.owners: dict[str, Target] = {}
        self.fifos: dict[str, list[str]] = defaultdict(list)
        self.places: dict[str, Place] = {}
        self.token = 0
        self.holder = ""
        self.until_ms = 0
        self.purged: set[str] = set()
        self.history: set[str] = set()  # objects of which something is, or may be, in an ERP
        self.tried: set[str] = set()  # objects about which a call was begun since they were moved

    # ------------------------------------------------------------------ accept

    def accept(self, entry: Entry) -> AcceptAnswer:
        if entry.epoch != self.marker.epoch:
            return Stale(self.marker)
        if entry.claim in self.claims:
            first, digest = self.claims[entry.claim]
            if digest != entry.digest:
                return Clash(first)
            return Replay(first, self.messages[first].accepted_ms)
        fifo = self.fifos[entry.object_key]
        owner = self.owners.get(entry.object_key)
        if owner is None:
            owner = entry.target if entry.target in ERPS else entry.owner_found
            if owner is None and entry.follow_up and not fifo and not entry.undecided:
                return Ownerless()
            if owner is not None and entry.target not in ERPS:
                self.history.add(entry.object_key)
        elif not fifo:
            self.history.add(entry.object_key)
        if owner is not None:
            self.owners[entry.object_key] = owner
        hold = entry.target is Target.HOLD
        state = "parked" if hold else "waiting"
        self.messages[entry.transaction_id] = Message(entry, self.now_ms, hold, state)
        self.claims[entry.claim] = (entry.transaction_id, entry.digest)
        # What begins the object goes before what came early.
        begins = bool(fifo) and not entry.follow_up
        begins = begins and self.places[entry.object_key].name == "sought"
        fifo.insert(0 if begins else len(fifo), entry.transaction_id)
        if begins or len(fifo) == 1:
            self.place(entry.object_key)
        else:
            self._lend(entry.object_key)
        return Accepted(entry.transaction_id, self.now_ms)

    # ------------------------------------------------------------------ leases

    def lease(self, holder: str, lease_ms: int) -> int | None:
        if self.holder not in ("", holder) and self.until_ms > self.now_ms:
            return None
        self.token, self.holder, self.until_ms = self.token + 1, holder, self.now_ms + lease_ms
        for object_key, place in self.places.items():
            if place.name == "flight":
                self.place(object_key)
        return self.token

    def holds(self, token: int) -> bool:
        return token == self.token and self.until_ms > self.now_ms

    # ------------------------------------------------------------------ deliver

    def take(self, erp: Target, count: int) -> list[tuple[object, ...]]:
        """Return what is taken: the fields of ``Taken`` but lease, owner and payload."""
        due = sorted(
            (place.name, place.due_ms, object_key)
            for object_key, place in self.places.items()
            if place.name.startswith(f"l:{erp}:") and place.due_ms <= self.now_ms
        )
        rows: list[tuple[object, ...]] = []
        for _, _, object_key in due[:count]:
            self.places[object_key] = Place("flight", self.now_ms)
            head = self.fifos[object_key][0]
            it = self.messages[head]
            it.takes += 1
            it.number += 1
            open_ms = None if it.open_ms is None else self.now_ms - it.open_ms
            rows.append((object_key, head, it.takes, it.attempts, open_ms, it.released, it.number))
        return rows

    def attempt(self, taken: Taken) -> bool:
        if not self._in_hand(taken):
            return False
        it = self.messages[taken.transaction_id]
        it.attempts += 1
        self.tried.add(taken.object_key)
        it.open_ms, it.state = self.now_ms, "sent"
        it.released = 2 if it.released == 1 else it.released
        return True

    def book(self, transaction_id: str, document: str) -> None:
        it = self.messages[transaction_id]
        if it.state == "booked":
            return
        if it.state != "discarded":
            self.history.add(it.entry.object_key)
        it.state, it.document, it.open_ms, it.woken_ms = "booked", document, None, None
        fifo = self.fifos[it.entry.object_key]
        was_head = fifo[:1] == [transaction_id]
        if transaction_id in fifo:
            fifo.remove(transaction_id)
        if was_head:
            self.place(it.entry.object_key, next_head=True)

    def stored(self, taken: Taken, document: str, poll_after_ms: int) -> bool:
        if not self._in_hand(taken):
            return False
        it = self.messages[taken.transaction_id]
        it.state, it.document, it.open_ms, it.takes = "stored", document, None, 0
        it.poll_ms = self.now_ms + poll_after_ms
        self.history.add(taken.object_key)
        if it.entry.pipelined:
            self.fifos[taken.object_key].pop(0)
            self.place(taken.object_key, next_head=True)
        else:
            self.places[taken.object_key] = Place("stored")
        return True

    def defer(self, taken: Taken, delay_ms: int, *, unknown: bool) -> bool:
        if not self._in_hand(taken):
            return False
        it = self.messages[taken.transaction_id]
        it.takes = 0
        if not unknown:
            it.open_ms, it.state = None, "waiting"
        self.place(taken.object_key, delay_ms)
        return True

    def hold(
        self, at: Taken | Awaiting, *, poison: bool, wait_ms: tuple[int, int] | None = None
    ) -> bool:
        transaction_id = at.transaction_id
        it = self.messages[transaction_id]
        if isinstance(at, Taken):
            if not self._in_hand(at):
                return False
        elif not self.holds(at.lease.token) or (it.state, it.number) != ("stored", at.number):
            return False
        it.state, it.takes, it.poisoned = "held", 0, poison
        it.open_ms = it.open_ms if poison else None
        if wait_ms is not None:
            it.state, it.waits = "waiting", it.waits + 1
            it.woken_ms = self.now_ms + min(wait_ms[1], wait_ms[0] * 2 ** (it.waits - 1))
        if self.fifos[it.entry.object_key][:1] == [transaction_id]:
            self.places[it.entry.object_key] = Place("held")
        return True

    def wake(self) -> int:
        due = [key for key, it in self.messages.items() if (it.woken_ms or inf) <= self.now_ms]
        for transaction_id in sorted(due, key=lambda it: (self.messages[it].woken_ms, it)):
            self.release_held(transaction_id, anew=False)
        return len(due)

    def release_held(self, transaction_id: str, *, anew: bool = True) -> bool:
        it = self.messages[transaction_id]
        if not it.stopped:
            return False
        it.state, it.takes, it.woken_ms = "waiting", 0, None
        it.waits = 0 if anew else it.waits
        it.released = 1 if it.attempts else 3
        if it.attempts:
            it.open_ms = 1 if it.open_ms is None else it.open_ms
        fifo = self.fifos[it.entry.object_key]
        if transaction_id not in fifo:
            fifo.append(transaction_id)
        if fifo[0] == transaction_id:
            self.place(it.entry.object_key)
        else:
            self._lend(it.entry.object_key)
        return True

    def awaiting(self, erp: Target, count: int, again_ms: int) -> list[str]:
        due = sorted(
            (it.poll_ms, transaction_id)
            for transaction_id, it in self.messages.items()
            if it.state == "stored"
            and self.owners[it.entry.object_key] is erp
            and it.poll_ms <= self.now_ms
        )[:count]
        for _, transaction_id in due:
            self.messages[transaction_id].poll_ms = self.now_ms + again_ms
        return [transaction_id for _, transaction_id in due]

    # ------------------------------------------------------------------ hold routes

    def parked(self) -> list[str]:
        """Return the heads of parked objects, the longest parked first."""
        rows = sorted((it.due_ms, key) for key, it in self.places.items() if it.name == "parked")
        return [self.fifos[key][0] for _, key in rows]

    def reroute(self, token: int, object_key: str, epoch: int, target: Target | None) -> bool:
        if not self.holds(token) or epoch != self.marker.epoch:
            return False
        if object_key not in self.owners and target is not None:
            self.owners[object_key] = target
        head = self.messages[self.fifos[object_key][0]]
        head.hold, head.state = False, "waiting"
        self.place(object_key)
        return True

    # ------------------------------------------------------------------ moves

    def movable(self, erp: Target, *, refused: bool) -> list[str]:
        """Return the objects that may be given to the other ERP."""
        return sorted(
            it
            for it, place in self.places.items()
            if self.owners.get(it) is erp and place.name != "flight" and it not in self.history
            if (it in self.tried) == refused and (not refused or self._refused(it))
        )

    def _refused(self, object_key: str) -> bool:
        head, *rest = (self.messages[it] for it in self.fifos[object_key])
        tried = head.attempts > 0 or head.orphaned
        said_no = head.stopped and head.open_ms is None and tried and not head.poisoned
        return said_no and all(it.untried for it in rest)

    def move(self, object_key: str, epoch: int, to: Target, *, refused: bool) -> bool:
        erp = Target.LEGACY if to is Target.CLOUD else Target.CLOUD
        if epoch != self.marker.epoch or object_key not in self.movable(erp, refused=refused):
            return False
        self.owners[object_key] = to
        place = self.places[object_key]
        if refused:
            head = self.messages[self.fifos[object_key][0]]
            head.state, head.takes, head.released = "waiting", 0, 0
            head.woken_ms, head.waits = None, 0
            self.tried.discard(object_key)
            self.place(object_key)
        elif place.name.startswith("l:"):
            place.name = f"l:{to}:{place.name.rpartition(':')[2]}"
        return True

    # ------------------------------------------------------------------ places

    def _in_hand(self, taken: Taken) -> bool:
        place = self.places.get(taken.object_key)
        return (
            self.holds(taken.lease.token)
            and place is not None
            and place.name == "flight"
            and self.fifos[taken.object_key][:1] == [taken.transaction_id]
            and self.messages[taken.transaction_id].number == taken.number
        )

    def _class(self, object_key: str) -> int:
        return min(self.messages[it].entry.priority for it in self.fifos[object_key])

    def _lend(self, object_key: str) -> None:
        """What waits lends its class to what stands before it."""
        place = self.places[object_key]
        if place.name.startswith("l:"):
            place.name = f"{place.name[:-1]}{self._class(object_key)}"

    def place(self, object_key: str, delay_ms: int = 0, *, next_head: bool = False) -> None:
        """Put an object where its head belongs; a new head has waited since it was accepted."""
        fifo = self.fifos[object_key]
        if not fifo:
            self.places.pop(object_key, None)
            return
        head, owner = self.messages[fifo[0]], self.owners.get(object_key)
        name = f"l:{owner}:{self._class(object_key)}"
        if head.hold or owner is None:
            name = "parked" if head.hold else "sought"
        due_ms = self.now_ms + delay_ms
        if next_head and name.startswith("l:"):
            due_ms = min(due_ms, head.accepted_ms)
        self.places[object_key] = Place(name, due_ms)
