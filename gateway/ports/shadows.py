"""What shadow comparisons found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.canonical.exchange.shadowing import (
    Compared,
    Counts,
    Example,
    Field,
    FieldCounts,
    Findings,
)


class ShadowLog(Protocol):
    """Counts and examples of differences, kept by process, field and business key."""

    async def add_findings(self, findings: Findings) -> None:
        """Add a batch to what is kept."""
        ...

    async def shadow_counts(self, since_minute: int) -> Mapping[Compared, Counts]:
        """Return the counts from a minute on."""
        ...

    async def shadow_fields(self, since_hour: int) -> Mapping[tuple[Field, int], FieldCounts]:
        """Return the differences by field and hour, from an hour on."""
        ...

    async def shadow_examples(self, field: Field, count: int) -> Sequence[Example]:
        """Return the newest examples of a field."""
        ...

    async def shadow_rate(self, rule_ids: Sequence[str], since_minute: int) -> tuple[int, int]:
        """Return how many comparisons were made under these rules, and how many differed."""
        ...

    async def forget_shadows(self, before_minute: int) -> None:
        """Forget what is older than a minute."""
        ...
