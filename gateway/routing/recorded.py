"""Recorded decisions: what one was made from and what came of it, packed by the hundred.

A block is what one batch of events adds to the record. It has the facts that rules look at by
value, once per combination; of what a split hashes it has the bucket, of the customer and the
business object a keyed digest: enough to decide again under any rules and to tell that two messages
were of one customer, and nothing that names a person. Columns of fixed width are compressed
together: some 15 to 20 bytes a decision.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import blake2b
from itertools import compress
from typing import Any, Final, NamedTuple

import msgspec

from gateway.canonical.process import PROCESSES
from gateway.errors import LedgerUnavailable
from gateway.routing.facts import Decision, Facts
from gateway.routing.sticky import bucket

#: Raised whenever a block written before could be read differently.
FORMAT: Final = 1

#: A bucket that is none: the request had nothing to hash.
NO_BUCKET: Final = 0xFFFF

#: Amounts are counted in ten-thousandths, the finest any document may have.
PER_UNIT: Final = 10_000

#: All facts a split may hash, over all processes.
STICKY_KEYS: Final = tuple(
    dict.fromkeys(key for process in PROCESSES.values() for key in process.sticky_keys)
)
#: The facts that are not kept by value, emptied: those of no process's routing basis.
_HASHED: Final = {
    name: ""
    for name in Facts._fields[1:]
    if not any(name in process.basis for process in PROCESSES.values())
}

_DIGEST_BYTES: Final = 8
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder().decode


class Group(NamedTuple):
    """What many decisions have in common.

    ``facts`` are without what is hashed; ``currency`` is "" for what has no value; ``weight`` is
    how many decisions each one stands for, because only a share of them was recorded.
    """

    facts: Facts
    currency: str = ""
    weight: int = 1


class Said(NamedTuple):
    """What was decided: ``target`` "legacy", "cloud", "hold", or "" for an owner yet unknown."""

    target: str
    rule_id: str
    version: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """One decision. ``object_id`` and ``customer_id`` are digests, 0 for none.

    ``buckets`` has one number per :data:`STICKY_KEYS`; ``value`` is in ten-thousandths of the
    group's currency.
    """

    at_ms: int
    group: Group
    said: Said
    buckets: tuple[int, ...]
    object_id: int = 0
    customer_id: int = 0
    value: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A batch of decisions as columns; ``at_ms`` counts from ``first_ms``."""

    first_ms: int
    groups: list[Group]
    says: list[Said]
    at_ms: Sequence[int]
    group: Sequence[int]
    said: Sequence[int]
    buckets: Mapping[str, Sequence[int]]
    object_id: Sequence[int]
    customer_id: Sequence[int]
    value: Sequence[int]

    def __len__(self) -> int:
        return len(self.at_ms)

    def within(self, since_ms: int, until_ms: int) -> Block:
        """Return what of it was decided from ``since_ms`` on and before ``until_ms``."""
        since, until = since_ms - self.first_ms, until_ms - self.first_ms
        if not self.at_ms or (since <= min(self.at_ms) and max(self.at_ms) < until):
            return self
        kept = [since <= at_ms < until for at_ms in self.at_ms]

        def rows(column: Sequence[int]) -> list[int]:
            return list(compress(column, kept))

        return replace(
            self,
            at_ms=rows(self.at_ms),
            group=rows(self.group),
            said=rows(self.said),
            buckets={key: rows(column) for key, column in self.buckets.items()},
            object_id=rows(self.object_id),
            customer_id=rows(self.customer_id),
            value=rows(self.value),
        )


class Recorder:
    """Turns requests and their decisions into what is kept of them; ``salt`` keys the digests."""

    def __init__(self, salt: str) -> None:
        self._salt = blake2b(salt.encode(), digest_size=16).digest()

    def digest(self, kind: str, text: str) -> int:
        """Return 64 bits that stand for ``text``, 0 for ""; they mean nothing elsewhere."""
        if not text:
            return 0
        named = f"{kind}={text}".encode()
        return int.from_bytes(
            blake2b(named, digest_size=_DIGEST_BYTES, key=self._salt).digest(), "big"
        )

    def of(
        self,
        facts: Facts,
        said: Said,
        at_ms: int,
        object_key: str = "",
        money: tuple[str, str] = ("", ""),
        weight: int = 1,
    ) -> Recorded:
        """Record a decision; ``money`` is the amount as decimal text and its currency."""
        amount, currency = money
        return Recorded(
            at_ms=at_ms,
            group=Group(facts._replace(**_HASHED), currency, weight),
            said=said,
            buckets=tuple(_bucket(key, getattr(facts, key)) for key in STICKY_KEYS),
            object_id=self.digest("object", object_key),
            customer_id=self.digest("customer", facts.customer_ref),
            value=int(Decimal(amount) * PER_UNIT) if amount else 0,
        )


def said_by(decision: Decision) -> Said:
    """Return what a decision says, without its reason."""
    target = decision.target.value if decision.target else ""
    return Said(target, decision.rule_id, decision.version)


def _bucket(key: str, value: str) -> int:
    return bucket(key, value) if value else NO_BUCKET


# ------------------------------------------------------------------------------- packing


def pack(rows: Sequence[Recorded]) -> bytes:
    """Return the block of some decisions; at least one, no more than 65,535."""
    first_ms = min(row.at_ms for row in rows)
    groups, group_of = _numbered(row.group for row in rows)
    says, said_of = _numbered(row.said for row in rows)
    columns = [
        _column("Q", (row.at_ms - first_ms for row in rows)),
        _column("H", group_of),
        _column("H", said_of),
        *(_column("H", (row.buckets[at] for row in rows)) for at in range(len(STICKY_KEYS))),
        _column("Q", (row.object_id for row in rows)),
        _column("Q", (row.customer_id for row in rows)),
        _column("q", (row.value for row in rows)),
    ]
    facts = [{n: v for n, v in it.facts._asdict().items() if v} for it in groups]
    document = {
        "format": FORMAT,
        "first_ms": first_ms,
        "facts": facts,
        "currencies": [it.currency for it in groups],
        "weights": [it.weight for it in groups],
        "says": says,
        "sticky": STICKY_KEYS,
        "columns": columns,
    }
    return zlib.compress(_encode(document), 6)


def unpack(packed: bytes) -> Block:
    """Read a block; raise :class:`~gateway.errors.LedgerUnavailable` for what is none."""
    try:
        document: dict[str, Any] = _decode(zlib.decompress(packed))
        if document["format"] != FORMAT:
            raise LedgerUnavailable(
                f"recorded decisions have format {document['format']!r}, this release reads "
                f"{FORMAT}: run a release that knows it, or choose a later --since"
            )
        sticky, columns = document["sticky"], document["columns"]
        kinds = ["Q", "H", "H", *("H" * len(sticky)), "Q", "Q", "q"]
        read = [_read(kind, column) for kind, column in zip(kinds, columns, strict=True)]
        groups = [
            Group(Facts(**facts), currency, weight)
            for facts, currency, weight in zip(
                document["facts"], document["currencies"], document["weights"], strict=True
            )
        ]
        at_ms, group, said, *hashed = read
        object_id, customer_id, value = hashed[-3:]
        return Block(
            first_ms=document["first_ms"],
            groups=groups,
            says=[Said(*it) for it in document["says"]],
            at_ms=at_ms,
            group=group,
            said=said,
            buckets=dict(zip(sticky, hashed[:-3], strict=True)),
            object_id=object_id,
            customer_id=customer_id,
            value=value,
        )
    except (KeyError, TypeError, ValueError, zlib.error, msgspec.DecodeError) as error:
        raise LedgerUnavailable(
            f"recorded decisions cannot be read ({type(error).__name__}: {error}); "
            "choose a later --since, or restore the ledger"
        ) from error


def merged(packed: Iterable[bytes]) -> bytes:
    """Return one block that says what several say."""
    return pack([row for each in packed for row in rows_of(unpack(each))])


def rows_of(block: Block) -> Iterator[Recorded]:
    """Yield a block's decisions one by one."""
    none = array("H", [NO_BUCKET]) * len(block)
    sticky = [block.buckets.get(key, none) for key in STICKY_KEYS]
    for at, (offset, group, said, object_id, customer_id, value) in enumerate(
        zip(
            block.at_ms, block.group, block.said, block.object_id, block.customer_id, block.value,
            strict=True,
        )
    ):  # fmt: skip
        yield Recorded(
            block.first_ms + offset, block.groups[group], block.says[said],
            tuple(column[at] for column in sticky), object_id, customer_id, value,
        )  # fmt: skip


def _numbered(values: Iterable[Any]) -> tuple[list[Any], list[int]]:
    """Return the distinct values, and for each value which of them it is."""
    numbers: dict[Any, int] = {}
    at = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), at


_little: Final[Callable[[array[int]], None]] = (
    (lambda column: column.byteswap()) if sys.byteorder == "big" else (lambda _column: None)
)


def _column(kind: str, values: Iterable[int]) -> bytes:
    column = array(kind, values)
    _little(column)
    return column.tobytes()


def _read(kind: str, packed: bytes) -> array[int]:
    column = array(kind)
    column.frombytes(packed)
    _little(column)
    return column
