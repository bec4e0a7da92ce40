"""The ledger: what happened, for good, in SQL.

Calls run in threads on a bounded pool of connections; each is one SQL transaction. Every error of
the database arrives as :class:`~gateway.errors.LedgerUnavailable`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from gateway.canonical.exchange import Applied, BufferEvent, Record
from gateway.canonical.process import Target
from gateway.clock import Clock, token_bits
from gateway.errors import ConfigError, InstallationMismatch
from gateway.store.ledger import projection, tables
from gateway.store.ledger.audit import AuditTable
from gateway.store.ledger.casebook import CasebookTables
from gateway.store.ledger.crosswalk_tables import CrosswalkTables
from gateway.store.ledger.database import CONNECTIONS
from gateway.store.ledger.drift_payloads import DriftPayloadTables
from gateway.store.ledger.drifts import DriftTables
from gateway.store.ledger.evidence import EvidenceTables
from gateway.store.ledger.findings import FindingTables
from gateway.store.ledger.governance import GovernanceTables
from gateway.store.ledger.inserting import insert_new
from gateway.store.ledger.masters import MasterTables
from gateway.store.ledger.migrate import upgrade
from gateway.store.ledger.owners import OwnerTables
from gateway.store.ledger.precedents import PrecedentTables
from gateway.store.ledger.pulls import PullTables
from gateway.store.ledger.recording import checkpoint, kept_rules, record
from gateway.store.ledger.remembering import MemoryTables
from gateway.store.ledger.reports import ReportTables
from gateway.store.ledger.second_looks import SecondLookTables
from gateway.store.ledger.settlements import SettlementTables
from gateway.store.ledger.shadows import ShadowTables
from gateway.store.ledger.signals import SignalTables
from gateway.store.ledger.stores import StoreTables
from gateway.store.ledger.wave_figures import WaveFiguresTables

_RECORD: Final = [c for c in tables.transactions.c if c.name in Record.__dataclass_fields__]


async def open_ledger(
    url: str, *, clock: Clock | None = None, connections: int = CONNECTIONS
) -> SqlLedger:
    """Upgrade the ledger at ``url`` and open it.

    Raises :class:`~gateway.errors.ConfigError` for a URL that cannot work or tables of a newer
    version, :class:`~gateway.errors.LedgerUnavailable` if the database does not answer.
    """
    await asyncio.to_thread(upgrade, url)
    return SqlLedger(url, clock=clock, connections=connections)


class SqlLedger(
    AuditTable,
    CasebookTables,
    CrosswalkTables,
    DriftPayloadTables,
    DriftTables,
    EvidenceTables,
    FindingTables,
    GovernanceTables,
    OwnerTables,
    PrecedentTables,
    SecondLookTables,
    MasterTables,
    MemoryTables,
    PullTables,
    ReportTables,
    SettlementTables,
    ShadowTables,
    SignalTables,
    StoreTables,
    WaveFiguresTables,
):
    """Implements :class:`gateway.ports.Ledger` on the database at ``url``, upgraded before."""

    async def ping(self) -> None:
        await self._read(lambda db: db.execute(select(tables.installation.c.id)).first())

    # ----------------------------------------------------------------- installation

    async def installation(self, partitions: int) -> str:
        """Record the number of partitions at first; return the installation's id ever after.

        Raises :class:`~gateway.errors.InstallationMismatch` if another number was recorded.
        """
        row = await self._write(lambda db: self._install(db, partitions))
        if row.partitions != partitions:
            raise InstallationMismatch(
                f"ledger {self._where} was installed with {row.partitions} partitions and the "
                f"settings say {partitions}; the number never changes, as it says where every "
                f"business object lives: set COEXIST_PARTITIONS={row.partitions} or use another "
                "ledger"
            )
        return str(row.id)

    def _install(self, db: Connection, partitions: int) -> Row[Any]:
        first = {
            "singleton": 1,
            "id": f"{token_bits(128):032x}",
            "partitions": partitions,
            "created_at": self._clock.now(),
        }
        insert_new(db, tables.installation, [first])
        return db.execute(select(tables.installation)).one()

    # ----------------------------------------------------------------- projection

    async def checkpoint(self, partition: int) -> str:
        return projection.sequence(await self._read(lambda db: checkpoint(db, partition)))

    async def project(self, partition: int, events: Sequence[BufferEvent]) -> None:
        """Record events and the checkpoint in one SQL transaction; repeats change nothing.

        Events at or before the checkpoint are ignored. Two projectors of one partition take turns.
        Raises :class:`~gateway.errors.LedgerUnavailable` too for an event that cannot be recorded.
        """
        if events:
            await self._write(lambda db: record(db, partition, events, self._recorder_in(db)))

    # ----------------------------------------------------------------- look-ups

    async def transaction(self, transaction_id: str) -> Record | None:
        query = select(*_RECORD).where(tables.transactions.c.transaction_id == transaction_id)
        row = await self._read(lambda db: db.execute(query).mappings().first())
        return None if row is None else Record(**row)

    async def transactions_of(self, object_key: str) -> Sequence[Record]:
        columns = tables.transactions.c
        query = (
            select(*_RECORD)
            .where(columns.object_key == object_key)
            .order_by(columns.accepted_ms, columns.accepted_seq)
        )
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Record(**row) for row in rows]

    async def owner(self, object_key: str) -> Target | None:
        query = select(tables.owners.c.owner).where(tables.owners.c.object_key == object_key)
        owner = await self._read(lambda db: db.execute(query).scalar())
        return None if owner is None else Target(owner)

    async def untouched(self) -> bool:
        """Say whether no transaction was ever recorded."""
        query = select(tables.transactions.c.transaction_id).limit(1)
        return await self._read(lambda db: db.execute(query).scalar()) is None

    async def counts(self) -> dict[tuple[str, str], int]:
        """Count the transactions by (state, owner); reads the whole table."""
        columns = tables.transactions.c
        query = select(columns.state, columns.owner, func.count()).group_by(
            columns.state, columns.owner
        )
        rows = await self._read(lambda db: db.execute(query).all())
        return {(state, owner): count for state, owner, count in rows}

    # ----------------------------------------------------------------- rules

    async def keep_rules(self, version: str, text: str) -> None:
        """Store an immutable rule text; the same again changes nothing.

        Raises :class:`~gateway.errors.ConfigError` if the version was stored with another text.
        """
        row = {"version": version, "text": text, "kept_at": self._clock.now()}

        def keep(db: Connection) -> str | None:
            insert_new(db, tables.rule_texts, [row])
            return kept_rules(db, version)

        if await self._write(keep) != text:
            raise ConfigError(
                f"rule version {version} is in the ledger with another text, and texts never "
                "change: give the new rules a version of their own"
            )

    async def rules(self, version: str) -> str | None:
        return await self._read(lambda db: kept_rules(db, version))

    async def record_applied(self, applied: Applied) -> None:
        """Add a line to the history; the same epoch twice changes nothing.

        Its rule text has to be in the ledger before: a history that names what nobody can read
        would be none.
        """
        row = {name: getattr(applied, name) for name in Applied.__dataclass_fields__}
        await self._write(lambda db: insert_new(db, tables.applies, [row]))

    async def history(self, count: int) -> Sequence[Applied]:
        query = select(tables.applies).order_by(tables.applies.c.epoch.desc()).limit(count)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Applied(**row) for row in rows]
