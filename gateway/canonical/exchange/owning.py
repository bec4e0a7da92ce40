"""Owners of business objects as the ledger keeps them, and imports of many at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Owner:
    """One owner. ``source`` says how it was found: ``rules``, ``lookup``, ``flip``, ``import``."""

    object_key: str
    owner: str
    pinned_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Before:
    """What was there before a create: who has the object, since when, and how that is known.

    ``source`` is ``import`` or ``lookup``, or "" with the transaction that began the object.
    """

    owner: str
    at: datetime
    source: str
    transaction_id: str = ""


class Fault(StrEnum):
    """Why a line of an import was not taken."""

    DUPLICATE = "duplicate"  #: the file names this object before, with the same owner
    CONFLICT = "conflict"  #: the file or the ledger says that the other ERP owns it
    UNREADABLE = "unreadable"  #: the line cannot be read


@dataclass(frozen=True, slots=True)
class ImportFault:
    """A line that was not taken, counted from 1."""

    line: int
    object_key: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class ImportLine:
    """A line that could be read."""

    line: int
    object_key: str
    owner: str


@dataclass(frozen=True, slots=True)
class Import:
    """How far an import is. ``file`` is the SHA-256 of its content: the same file goes on.

    Up to ``offset`` (bytes) and ``line`` it was read: ``imported`` lines were new, ``known`` said
    what the ledger had already, ``faults`` were not taken.
    """

    file: str
    name: str
    by: str
    started_at: datetime
    offset: int = 0
    line: int = 0
    imported: int = 0
    known: int = 0
    faults: int = 0
    finished_at: datetime | None = None
