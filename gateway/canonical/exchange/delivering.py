"""What a worker is given, and what it says back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from gateway.canonical.process import Target


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's right to serve a partition. ``token`` fences; only the newest one may write."""

    partition: int
    token: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The head of a business object, taken for delivery.

    ``takes`` counts the takes since the last outcome, ``number`` all of them: what settles this
    take says its number, so a later take is not touched by it. ``open_ms`` is how long ago
    (server's clock) an attempt began whose outcome nobody knows, or None if nothing unknown was
    ever sent. ``released`` is 1 once
    staff let it go after a refusal (the same refusal, seen again by a probe, does not count), and
    2 once it was sent again since (then an old refusal says nothing of the new attempt), and 3 if
    it was let go before anything was tried.
    """

    lease: Lease
    transaction_id: str
    object_key: str
    owner: Target
    takes: int
    attempts: int
    open_ms: int | None
    payload: bytes
    released: int = 0
    number: int = 1


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A message its ERP keeps but had not posted when last asked."""

    lease: Lease
    transaction_id: str
    object_key: str
    document: str
    number: int


@dataclass(frozen=True, slots=True)
class Parked:
    """The head of an object that waits, since ``since_ms``, for a flip to say where it goes."""

    lease: Lease
    transaction_id: str
    object_key: str
    owner: Target | None
    payload: bytes
    since_ms: int


@dataclass(frozen=True, slots=True)
class Movable:
    """An object that may be given to the other ERP: its head, and how many messages wait in all.

    ``refused`` says that its head was tried and refused; else nothing of it was ever tried.
    """

    transaction_id: str
    object_key: str
    owner: Target
    payload: bytes
    waiting: int
    refused: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """What a partition has to do for an ERP now: objects to take by class, documents to poll.

    ``since_ms`` says by class since when the first of them is due; infinite if that is not known.
    """

    by_class: tuple[int, int, int, int]
    polls: int
    since_ms: tuple[float, float, float, float] = (inf, inf, inf, inf)

    @property
    def objects(self) -> int:
        """Objects of all classes."""
        return sum(self.by_class)


@dataclass(frozen=True, slots=True)
class Timing:
    """When silence means something, per dialect.

    ``absent_final_ms`` is how long after an attempt began a look-up that finds nothing is final:
    the request's deadline + the ERP's queue + its execution + the lag of its look-ups. Until then
    an earlier request can still arrive. ``enquiry_ms`` is the deadline of enquiries, for which a
    channel waits: longer than that it is better told to ask again. ``by_process`` are deadlines of
    calls for single processes, where they differ from ``request_ms``. What waits for a cause is
    tried again after ``wait_first_ms``, then each time twice as late, up to ``wait_max_ms``;
    ``reposts`` says that the ERP posts failed documents again by itself, so that they are only
    looked at.
    """

    request_ms: int
    absent_final_ms: int
    poll_ms: int
    enquiry_ms: int = 5_000
    by_process: Mapping[str, int] = field(default_factory=dict)
    wait_first_ms: int = 60_000
    wait_max_ms: int = 1_800_000
    reposts: bool = False

    def request_of(self, process: str) -> int:
        """Return the deadline (ms) of a call for a process."""
        return self.by_process.get(process, self.request_ms)

    @property
    def request_ms_min(self) -> int:
        """The shortest deadline of any process (ms)."""
        return min([self.request_ms, *self.by_process.values()])

    @property
    def request_ms_max(self) -> int:
        """The longest any call may take (ms)."""
        return max(self.request_ms, *self.by_process.values(), 0)
