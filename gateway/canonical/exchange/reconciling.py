"""What is looked at again, because it might have been booked twice."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.canonical.exchange.recording import Record


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A booked transaction that was sent more than once, and how often it was looked at since."""

    record: Record
    looks: int
