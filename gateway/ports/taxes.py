"""A tax engine."""

from __future__ import annotations

from typing import Protocol

from gateway.canonical.outcome import Delayed, Refused
from gateway.canonical.taxation import TaxQuestion, TaxQuoted


class TaxEngine(Protocol):
    """Calculates taxes and keeps nothing: asking twice is harmless."""

    async def quote(self, question: TaxQuestion) -> TaxQuoted | Refused | Delayed:
        """Calculate; ``Delayed`` if it does not answer now. Nothing is raised for an answer."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
