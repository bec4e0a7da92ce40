"""Proposals, rulings and schedules in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from sqlalchemy import RowMapping, select, update

from gateway.canonical.exchange.governance import ENDED, Proposal, Schedule, Stage
from gateway.store.ledger import wave_tables as tables
from gateway.store.ledger.database import Database
from gateway.store.ledger.inserting import insert_new

_PROPOSAL = tables.proposals.c
_SCHEDULE = tables.schedules.c


class GovernanceTables(Database):
    """Implements :class:`gateway.ports.Governance`."""

    async def propose(self, proposal: Proposal, evidence: str) -> None:
        hashed = sha256(evidence.encode()).hexdigest()
        kept = {"hash": hashed, "text": evidence, "kept_at": proposal.at}

        def keep(db: Any) -> None:  # noqa: ANN401 -- a connection
            if evidence:
                insert_new(db, tables.evidence, [kept])
            db.execute(tables.proposals.insert(), asdict(proposal))

        await self._write(keep)

    async def proposal(self, proposal_id: str) -> Proposal | None:
        query = select(tables.proposals).where(_PROPOSAL.proposal_id == proposal_id)
        row = await self._read(lambda db: db.execute(query).mappings().first())
        return None if row is None else Proposal(**row)

    async def proposals(self, count: int, version: str = "") -> Sequence[Proposal]:
        query = select(tables.proposals).order_by(_PROPOSAL.at.desc()).limit(count)
        if version:
            query = query.where(_PROPOSAL.version == version)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Proposal(**row) for row in rows]

    async def evidence(self, evidence_hash: str) -> str | None:
        query = select(tables.evidence.c.text).where(tables.evidence.c.hash == evidence_hash)
        return await self._read(lambda db: db.execute(query).scalar())

    async def rule(self, proposal: Proposal) -> bool:
        ruled = {
            name: getattr(proposal, name) for name in ("ruling", "ruled_by", "reason", "ruled_at")
        }
        change = (
            update(tables.proposals)
            .where(_PROPOSAL.proposal_id == proposal.proposal_id, _PROPOSAL.ruling == "")
            .values(**ruled)
        )
        return await self._write(lambda db: db.execute(change).rowcount) == 1

    async def schedule(self, schedule: Schedule) -> None:
        row = {**asdict(schedule), "waived": dict(schedule.waived)}
        await self._write(lambda db: db.execute(tables.schedules.insert(), row))

    async def schedules(self, count: int, *, open_only: bool = False) -> Sequence[Schedule]:
        query = select(tables.schedules).order_by(_SCHEDULE.at.desc(), _SCHEDULE.schedule_id)
        if open_only:
            query = query.where(_SCHEDULE.stage.not_in([stage.value for stage in ENDED]))
        rows = await self._read(lambda db: db.execute(query.limit(count)).mappings().all())
        return [_schedule(row) for row in rows]

    async def advance(self, schedule: Schedule, seen: Stage) -> bool:
        change = (
            update(tables.schedules)
            .where(_SCHEDULE.schedule_id == schedule.schedule_id, _SCHEDULE.stage == seen.value)
            .values(
                stage=schedule.stage.value,
                reason=schedule.reason,
                epoch=schedule.epoch,
                changed_at=self._clock.now(),
            )
        )
        return await self._write(lambda db: db.execute(change).rowcount) == 1


def _schedule(row: RowMapping) -> Schedule:
    return Schedule(**{**row, "stage": Stage(row["stage"])})
