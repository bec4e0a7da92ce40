"""What staff see of held and waiting transactions, and what comes of what they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.canonical.process import Target


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which exceptions are meant; what is empty does not matter.

    ``scopes`` are pairs of process and cause, any of which will do; None leaves all in.
    """

    cause: str = ""
    process: str = ""
    channel: str = ""
    legal_entity: str = ""
    sku: str = ""
    scopes: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """Transactions counted together. ``parts`` is their money in 1/10000 of ``currency``.

    ``state`` is a lifecycle state, ``owner`` an ERP or "" while nobody has the object.
    """

    process: str
    cause: str
    state: str
    owner: str
    currency: str
    count: int
    parts: int
    oldest_at: datetime
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a list of exceptions. ``parts`` is None for what is about no money."""

    transaction_id: str
    process: str
    channel: str
    legal_entity: str
    object_key: str
    reference: str
    owner: str
    state: str
    cause: str
    detail: str
    accepted_at: datetime
    deadline_ms: int
    currency: str
    parts: int | None


@dataclass(frozen=True, slots=True)
class Buffered:
    """A transaction that waits under a ``hold`` route; ``facts`` are what rules may look at."""

    accepted_ms: int
    transaction_id: str
    process: str
    object_key: str
    owner: str
    currency: str
    parts: int | None
    deadline_ms: int
    facts: Mapping[str, str]

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in the order of acceptance."""
        return self.accepted_ms, self.transaction_id


@dataclass(frozen=True, slots=True)
class Happened:
    """One event in the history of a transaction."""

    kind: str
    at: datetime
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """A message as the buffer has it. ``revision`` counts the changes staff made.

    ``open_since_ms`` is the store's time at which an attempt began whose outcome nobody knows,
    None without one; ``open_ms`` how long ago that was.
    """

    transaction_id: str
    object_key: str
    state: str
    cause: str
    detail: str
    owner: Target | None
    revision: int
    attempts: int
    open_since_ms: int | None
    open_ms: int | None
    payload: bytes

    @property
    def waits(self) -> bool:
        """Whether it waits for a cause that somebody puts right."""
        return self.state == "waiting" and self.cause != ""

    @property
    def actionable(self) -> bool:
        """Whether staff may change, release or give it up now."""
        return self.state == "held" or self.waits


class Refusal(StrEnum):
    """Why the buffer did not do what staff asked."""

    GONE = "gone"  #: it is not in the buffer (any more)
    STATE = "state"  #: it is neither held nor waiting for a cause
    CHANGED = "changed"  #: somebody else changed it since it was looked at
    OPEN = "open"  #: an attempt is open, or may begin this moment: it may be booked


@dataclass(frozen=True, slots=True)
class StaffRefused:
    """Nothing was done. ``found`` is the state or the revision met instead."""

    why: Refusal
    found: str = ""


@dataclass(frozen=True, slots=True)
class Edited:
    """It was changed and is at this revision."""

    revision: int


@dataclass(frozen=True, slots=True)
class Discarded:
    """It was given up. ``follower`` is what is held now because it followed it, or ""."""

    follower: str


@dataclass(frozen=True, slots=True)
class Edition:
    """A change of a message's content, as JSON: the new envelope, its body, what was changed."""

    payload: bytes
    body: bytes
    patch: bytes
