"""What is looked at again, because it might have been booked twice."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.canonical.exchange.recording import Record


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A transaction that may be booked too often, and how often it was looked at since.

    It is booked and was sent more than once, or it was sent and then given up.
    """

    record: Record
    looks: int
