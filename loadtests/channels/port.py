"""What a channel is to a run: something that sells by itself and keeps books of it.

A run starts its simulator, tells the gateway of it, opens it, closes it, waits until all it sold is
known, and takes its books for the truth of what the ERPs have to book.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from loadtests.messages import Message

#: An entry of a channel's books, as its control API gives it.
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sold:
    """What happened in a channel ``at`` an instant, as the message an ERP has to book.

    A channel that was answered says the transaction, and when it was ``told``; others leave that to
    the gateway's own word. ``undone``: all of it was cancelled since; a gateway that first heard of
    it after that has nothing to book.
    """

    message: Message
    at: datetime
    transaction_id: str = ""
    told: datetime | None = None
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway process, and the channel's key there; ``others``: where channels are, by name."""

    url: str
    key: str
    others: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """One simulated channel."""

    @property
    def name(self) -> str:
        """What the gateway calls the channel; its process is called so, too."""
        ...

    @property
    def lingers_s(self) -> float:
        """How long after it was closed something may still happen to what was sold."""
        ...

    def command(self, seed: int) -> list[str]:
        """Return the module that simulates it, and its arguments."""
        ...

    def settings(self, url: str) -> Mapping[str, Any]:
        """Return the gateway's settings of the channel whose simulator is at ``url``."""
        ...

    def open(self, url: str, at: Gateway, rate_per_s: float) -> None:
        """Let it sell, so many times a second. Raises LoadTestError."""
        ...

    def close(self, url: str) -> None:
        """Let it sell no more. Raises LoadTestError."""
        ...

    def sold(self, books: Sequence[Entry]) -> list[Sold]:
        """Return what its books say as messages, in the order it happened.

        Raises KeyError, TypeError, ValueError or ArithmeticError for books that are none.
        """
        ...
