"""What comparing a candidate with the control found out, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class Compared(NamedTuple):
    """What is counted together; ``minute`` counts from 1970."""

    minute: int
    rule_id: str
    process: str
    candidate: str


class Field(NamedTuple):
    """A field of a process; ``path`` without which line it was."""

    process: str
    candidate: str
    path: str


@dataclass(slots=True)
class Counts:
    """Comparisons: ``compared`` were made, ``different`` of them differed in any field.

    ``failed`` got no answer of the candidate, ``skipped`` were not made, for want of quota or
    because the ERP offers no such call. ``controls`` compared the control with itself.
    """

    compared: int = 0
    different: int = 0
    failed: int = 0
    skipped: int = 0
    controls: int = 0


@dataclass(slots=True)
class FieldCounts:
    """Differences in a field; ``noise`` are those the control showed against itself."""

    different: int = 0
    noise: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """The newest difference of a business key in a field."""

    field: Field
    business_key: str
    control: str
    candidate: str
    at: datetime
    times: int = 1


@dataclass(frozen=True, slots=True)
class Findings:
    """A batch of counts to add, and examples to keep."""

    counts: Mapping[Compared, Counts] = field(default_factory=dict)
    fields: Mapping[tuple[Field, int], FieldCounts] = field(default_factory=dict)
    examples: Mapping[tuple[Field, str], Example] = field(default_factory=dict)
