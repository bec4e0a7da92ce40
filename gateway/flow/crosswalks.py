"""Crosswalks: imported as a whole, in force everywhere within seconds, and nothing waits longer.

The sentence the code follows: *a table is checked as a whole, kept as the next version by
compare-and-set after it is written down who brought it; every process looks for newer versions
every few seconds, and once more before it refuses a message for a gap.*
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from io import StringIO
from typing import Final, NamedTuple

from gateway.canonical.crosswalk import Crossing, CrosswalkKind, CrosswalkVersion
from gateway.canonical.envelope import Envelope
from gateway.canonical.process import ERPS, Target
from gateway.canonical.staff import Action, Staff
from gateway.chain.foresight import foreseen
from gateway.chain.plan import NO_PLANS, Plans
from gateway.clock import Clock
from gateway.errors import Conflict
from gateway.flow.audit import Auditor
from gateway.mapping.crosswalk import NOTHING, Crosswalk, Crosswalks
from gateway.mapping.documents import translated
from gateway.mapping.table_file import write
from gateway.ports import CrosswalkShelf

#: How often a process looks for newer versions.
REFRESH_S: Final = 2.0
PAGE: Final = 1000


class CrosswalkKeeper:
    """The tables in force, as this process knows them."""

    def __init__(self, shelf: CrosswalkShelf) -> None:
        self._shelf = shelf
        self._tables: Crosswalks = NOTHING
        self._turn = asyncio.Lock()

    def tables(self) -> Crosswalks:
        """Return what was in force at the last look."""
        return self._tables

    async def refresh(self) -> Crosswalks:
        """Look for newer versions, load those that are, and return what is in force."""
        async with self._turn:
            known = self._tables.tables
            tables: dict[CrosswalkKind, Crosswalk] = {}
            for it in await self._shelf.crosswalk_versions():
                have = known.get(it.kind)
                if have is None or have.version != it.version:
                    rows = await self._shelf.crosswalk_rows(it.kind, it.version)
                    have = Crosswalk(it.kind, it.version, it.steward, rows)
                tables[it.kind] = have
            if tables != known:
                self._tables = Crosswalks(tables)
            return self._tables


async def import_table(
    shelf: CrosswalkShelf,
    auditor: Auditor,
    clock: Clock,
    staff: Staff,
    kind: CrosswalkKind,
    rows: Sequence[Crossing],
    *,
    steward: str,
    note: str,
) -> tuple[CrosswalkVersion, bool]:
    """Keep ``rows`` as the next version of a table; the same rows again change nothing.

    Returns the version in force now, and whether it is new.

    Raises:
        Conflict: somebody imported another one meanwhile.
    """
    newest = {it.kind: it for it in await shelf.crosswalk_versions()}.get(kind)
    sha256 = _sha256(rows)
    keeps_steward = newest is not None and steward in {"", newest.steward}
    if newest is not None and newest.sha256 == sha256 and keeps_steward:
        return newest, False
    version = CrosswalkVersion(
        kind=kind,
        version=1 if newest is None else newest.version + 1,
        steward=steward or ("" if newest is None else newest.steward),
        rows=len(rows),
        sha256=sha256,
        by=staff.name,
        note=note,
        at=clock.now(),
    )
    subject = f"{kind} {version.version}"
    await auditor.record(staff, Action.XREF_IMPORT, subject, note, rows=len(rows), sha256=sha256)
    if not await shelf.keep_crosswalk(version, rows):
        raise Conflict(
            f"somebody imported version {version.version} of {kind} meanwhile; export it, put both "
            "together, and import again"
        )
    return version, True


class Missing(NamedTuple):
    """A code that an ERP cannot be told."""

    kind: CrosswalkKind
    channel: str
    source: str
    erp: Target
    steward: str


async def gaps_since(
    shelf: CrosswalkShelf,
    tables: Crosswalks,
    at: datetime,
    erps: Sequence[Target] = ERPS,
    plans: Plans = NO_PLANS,
) -> Counter[Missing]:
    """Count the messages, of all that were accepted since, in which each code is missing.

    ``plans`` say what the order chain would have done before: whom it creates is not missing.
    """
    found: Counter[Missing] = Counter()
    after = ""
    while page := await shelf.accepted_since(at, after, PAGE):
        for _, accepted in page:
            envelope, needed = foreseen(accepted, tables, plans)
            for erp in erps:
                mapped = translated(envelope, erp, needed)
                if not isinstance(mapped, Envelope):
                    found.update(
                        Missing(it.kind, it.channel, it.source, it.erp, it.steward) for it in mapped
                    )
        after = page[-1][1].transaction_id
    return found


def _sha256(rows: Sequence[Crossing]) -> str:
    text = StringIO()
    write(rows, text)
    return hashlib.sha256(text.getvalue().encode()).hexdigest()
