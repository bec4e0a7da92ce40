"""What is known of a buffer that may be older than the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.canonical.process import Target


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a partition of the buffer is: its newest event, and where a recovery began.

    ``recovering_from`` is "" unless a recovery is under way, then the event that was the newest
    when it began.
    """

    newest: str
    recovering_from: str


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An object that waits; ``transaction_id`` is a message of it that has left its fifo, or ""."""

    object_key: str
    transaction_id: str = ""


@dataclass(frozen=True, slots=True)
class Fate:
    """What the ledger says became of a message."""

    state: str
    document: str
    result: str
    owner: Target | None
