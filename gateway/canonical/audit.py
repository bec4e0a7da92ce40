"""The audit log as a hash chain: what a row says, how it is hashed, how a chain is checked.

A row's hash is the SHA-256 (hex) of its other fields written as JSON with sorted keys, no white
space and only ASCII; one of those fields is the hash of the row before. So whoever changes,
removes, inserts or reorders a row breaks every hash from there on. Two things a chain by itself
cannot show: that its newest rows were cut off, and that somebody who can write the table computed
*all* hashes anew. A :class:`Head` that was kept elsewhere shows both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any, Final

from gateway.canonical.storable import storable
from gateway.errors import BadRequest

#: What the first row names as the hash before it.
GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did, or is about to do, to what (``subject``), and why.

    ``details`` hold texts, whole numbers, and lists and objects of them; no customer's data.
    """

    by: str
    via: str
    action: str
    subject: str
    reason: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row of the log; ``at`` is ISO 8601 in UTC with microseconds, ``number`` counts from 1."""

    number: int
    at: str
    by: str
    via: str
    action: str
    subject: str
    reason: str
    details: Mapping[str, Any]
    previous: str
    hash: str

    @classmethod
    def after(cls, head: Head, at: str, deed: Deed) -> AuditRow:
        """Make the row that follows ``head``."""
        bare = cls(
            number=head.number + 1,
            at=at,
            by=storable(deed.by),
            via=storable(deed.via),
            action=storable(deed.action),
            subject=storable(deed.subject),
            reason=storable(deed.reason),
            details={storable(name): _cleaned(value) for name, value in deed.details.items()},
            previous=head.hash,
            hash="",
        )
        return replace(bare, hash=hash_of(bare))

    @classmethod
    def read(cls, line: str) -> AuditRow:
        """Read an exported line; raise :class:`~gateway.errors.BadRequest` for what is none."""
        try:
            return cls(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise BadRequest(f"{line[:60]!r} is not a line of an audit export: {error}") from None

    def line(self) -> str:
        """Write the row as one line of JSON, as it is exported."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=True)


@dataclass(frozen=True, slots=True)
class Head:
    """The number and hash of a row: kept elsewhere, it vouches for all rows up to it."""

    number: int = 0
    hash: str = GENESIS

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read ``NUMBER:HASH``; raise :class:`~gateway.errors.BadRequest` for anything else."""
        number, _, hashed = text.strip().partition(":")
        if not number.isdecimal() or len(hashed) != len(GENESIS):
            raise BadRequest(
                f"{text!r} is not the head of an audit log; it looks like 42:9f86d0…, 64 hex "
                "digits behind the colon, as `coexist audit verify` prints it"
            )
        return cls(int(number), hashed.lower())


def hash_of(row: AuditRow) -> str:
    """Return the hash a row has to have."""
    fields = asdict(row)
    del fields["hash"]
    text = json.dumps(fields, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


class Chain:
    """Follows rows in their order. ``kept`` is a head from elsewhere that they must run through."""

    def __init__(self, kept: Head | None = None) -> None:
        self.head = Head()
        self._kept = kept

    def broken_by(self, row: AuditRow) -> str:
        """Say what is wrong with the next row, or go on behind it and return ""."""
        if row.number != self.head.number + 1:
            return f"row {self.head.number + 1} is missing: {row.number} follows {self.head.number}"
        if row.previous != self.head.hash:
            return f"row {row.number} does not follow the row before it: one of them was replaced"
        if row.hash != hash_of(row):
            return f"row {row.number} was changed after it was written"
        kept = self._kept
        if kept is not None and row.number == kept.number and row.hash != kept.hash:
            return f"row {row.number} is not the one the kept head names: the log was rewritten"
        self.head = Head(row.number, row.hash)
        return ""

    def ended_early(self) -> str:
        """Say what is missing at the end, as far as the kept head can tell, or return ""."""
        if self._kept is None or self.head.number >= self._kept.number:
            return ""
        return (
            f"row {self.head.number + 1} is missing: the log ends at {self.head.number} and the "
            f"kept head names row {self._kept.number}; the newest rows were cut off"
        )


def _cleaned(value: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(name)): _cleaned(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(each) for each in value]
    return value
