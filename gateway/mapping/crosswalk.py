"""Looking a code up: a pure function of the tables and a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from gateway.canonical.crosswalk import Crossing, CrosswalkKind
from gateway.canonical.process import Target

#: As a source it stands for every code that has no row of its own: a channel's collective customer.
ANY_SOURCE: Final = "*"


@dataclass(frozen=True, slots=True)
class Gap:
    """A code nobody has translated: ``steward`` is who must add it."""

    kind: CrosswalkKind
    channel: str
    source: str
    erp: Target
    on: date
    version: int
    steward: str

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.source!r} of channel {self.channel or 'any'!r} has no {self.erp} "
            f"code on {self.on} (table {self.kind}, version {self.version}); "
            f"{self.steward or 'its steward'} must add it: coexist xref import {self.kind} FILE"
        )


class Crosswalk:
    """One version of one table, indexed by channel and code."""

    def __init__(
        self, kind: CrosswalkKind, version: int, steward: str, rows: Iterable[Crossing]
    ) -> None:
        self.kind = kind
        self.version = version
        self.steward = steward
        self._rows: dict[tuple[str, str], list[Crossing]] = defaultdict(list)
        for row in rows:
            self._rows[row.channel, row.source].append(row)

    def find(self, channel: str, source: str, erp: Target, on: date) -> str | Gap:
        """Return what ``source`` is called in ``erp`` on a day, or the gap that is in the way.

        A row of the channel wins over one of any channel; a row of the code itself over one of
        any code.
        """
        for code in (source, ANY_SOURCE):
            for scope in dict.fromkeys((channel, "")):
                for row in self._rows.get((scope, code), ()):
                    if _holds(row, on):
                        target = row.legacy if erp is Target.LEGACY else row.cloud
                        return target or self._gap(channel, source, erp, on)
        return self._gap(channel, source, erp, on)

    def _gap(self, channel: str, source: str, erp: Target, on: date) -> Gap:
        return Gap(self.kind, channel, source, erp, on, self.version, self.steward)


def _holds(row: Crossing, on: date) -> bool:
    begun = row.valid_from is None or row.valid_from <= on
    return begun and (row.valid_until is None or on < row.valid_until)


@dataclass(frozen=True, slots=True)
class Crosswalks:
    """The tables in force. A kind without a table is not translated: codes are the same in all."""

    tables: Mapping[CrosswalkKind, Crosswalk]

    def find(
        self, kind: CrosswalkKind, channel: str, source: str, erp: Target, on: date
    ) -> str | Gap:
        """Return what ``source`` is called in ``erp``, or the gap."""
        table = self.tables.get(kind)
        return source if table is None else table.find(channel, source, erp, on)

    def shape(self, kinds: Collection[CrosswalkKind]) -> str:
        """Name the versions in force of ``kinds``, such as ``sku 3 (item-master), tender 1``.

        In parentheses is the steward, if the table has one; "" without tables.
        """
        return ", ".join(_said(self.tables[kind]) for kind in sorted(self.tables) if kind in kinds)


def _said(table: Crosswalk) -> str:
    steward = f" ({table.steward})" if table.steward else ""
    return f"{table.kind} {table.version}{steward}"


NOTHING: Final = Crosswalks({})
