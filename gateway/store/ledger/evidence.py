"""Decisions in blocks, and dry runs: what the record of routing is made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, func, or_, select, tuple_

from gateway.canonical.envelope import money_of
from gateway.canonical.exchange import BufferEvent, DryRun, KeptBlock
from gateway.canonical.process import Target
from gateway.errors import LedgerUnavailable
from gateway.routing.facts import Facts
from gateway.routing.recorded import Recorded, Recorder, Said, merged, pack
from gateway.store.ledger import tables
from gateway.store.ledger.database import Database
from gateway.store.ledger.evidence_tables import decisions, dry_runs
from gateway.store.ledger.inserting import insert_new
from gateway.store.ledger.projection import Position

#: Decisions of one block at most, and below how many it is merged with its neighbours.
BLOCK_MAX: Final = 10_000
SMALL: Final = 2_000
#: How old a block may be to be merged.
MERGED_AFTER_MS: Final = 24 * 3600 * 1000

#: Events looked at for the time a call takes.
_SAMPLE: Final = 5_000

_D: Final = decisions.c


class EvidenceTables(Database):
    """Implements :class:`gateway.ports.Evidence`."""

    _recorder: Recorder | None = None

    async def recorder(self) -> Recorder:
        return await self._read(self._recorder_in)

    def _recorder_in(self, db: Connection) -> Recorder:
        """Return the recorder, keyed by the installation's id, which never changes."""
        if self._recorder is None:
            salt = db.execute(select(tables.installation.c.id)).scalar()
            if salt is None:
                return Recorder("")
            self._recorder = Recorder(salt)
        return self._recorder

    async def keep_decisions(self, source: str, number: int, rows: Sequence[Recorded]) -> None:
        if rows:
            block = _block(source, number, rows)
            await self._write(lambda db: insert_new(db, decisions, [block]))

    async def decisions(
        self, since_ms: int, until_ms: int, after: KeptBlock | None, count: int
    ) -> Sequence[KeptBlock]:
        query = select(_D.first_ms, _D.source, _D.seq, _D.packed)
        query = query.where(_D.last_ms >= since_ms, _D.first_ms < until_ms)
        if after is not None:
            place = tuple_(_D.first_ms, _D.source, _D.seq)
            query = query.where(place > tuple_(after.first_ms, after.source, after.seq))
        query = query.order_by(_D.first_ms, _D.source, _D.seq).limit(count)
        rows = await self._read(lambda db: db.execute(query).all())
        return [KeptBlock(*row) for row in rows]

    async def forget_decisions(self, before_ms: int) -> int:
        gone = delete(decisions).where(_D.last_ms < before_ms)
        return await self._write(lambda db: db.execute(gone).rowcount)

    async def merge_decisions(self, before_ms: int) -> int:
        """Merge neighbours of one source, in the order of the record; a reader sees all or none."""
        return await self._write(lambda db: _merge(db, before_ms))

    async def attempts(self, since_ms: int, until_ms: int) -> Mapping[tuple[str, str], float]:
        it = tables.transactions.c
        query = (
            select(it.process, it.owner, func.avg(it.attempts))
            .where(it.accepted_ms >= since_ms, it.accepted_ms < until_ms, it.attempts > 0)
            .group_by(it.process, it.owner)
        )
        rows = await self._read(lambda db: db.execute(query).all())
        return {(process, owner): float(mean) for process, owner, mean in rows}

    async def call_seconds(self) -> Mapping[str, float]:
        return await self._read(_call_seconds)

    async def keep_dry_run(self, run: DryRun) -> None:
        row = {name: getattr(run, name) for name in DryRun.__dataclass_fields__}
        await self._write(lambda db: insert_new(db, dry_runs, [row]))

    async def dry_run(self, evidence_hash: str) -> DryRun | None:
        query = select(dry_runs).where(dry_runs.c.evidence_hash == evidence_hash)
        row = await self._read(lambda db: db.execute(query).mappings().first())
        return None if row is None else DryRun(**row)

    async def dry_run_of(self, rules_version: str) -> DryRun | None:
        query = (
            select(dry_runs)
            .where(dry_runs.c.rules_version == rules_version)
            .order_by(dry_runs.c.made_at.desc())
            .limit(1)
        )
        row = await self._read(lambda db: db.execute(query).mappings().first())
        return None if row is None else DryRun(**row)


def keep_accepted(
    db: Connection, partition: int, fresh: Mapping[Position, BufferEvent], recorder: Recorder
) -> None:
    """Keep the decisions that a batch of events accepted, in the transaction that records it."""
    rows = [_of(event, recorder) for event in fresh.values() if event.kind == "accepted"]
    if rows:
        seq = next(iter(fresh))[1]
        insert_new(db, decisions, [_block(f"partition-{partition}", seq, rows)])


def _of(event: BufferEvent, recorder: Recorder) -> Recorded:
    envelope = event.envelope
    if envelope is None:  # the projection has refused it before
        raise LedgerUnavailable(f"event {event.sequence} has no envelope")
    facts = {name: envelope.facts[name] for name in Facts._fields if name in envelope.facts}
    held = event.fields["route"] == Target.HOLD
    target = Target.HOLD.value if held else event.fields["owner"]
    return recorder.of(
        Facts(**{**facts, "process": envelope.process}),
        Said(target, envelope.rule_id, envelope.rule_version),
        event.at_ms,
        envelope.object_key,
        money_of(envelope.body),
    )


def _block(source: str, seq: int, rows: Sequence[Recorded]) -> dict[str, Any]:
    return {
        "first_ms": min(row.at_ms for row in rows),
        "source": source,
        "seq": seq,
        "last_ms": max(row.at_ms for row in rows),
        "size": len(rows),
        "packed": pack(rows),
    }


def _merge(db: Connection, before_ms: int) -> int:
    """Merge runs of small blocks of one source that no larger one interrupts."""
    lately = (
        select(_D.first_ms, _D.source, _D.seq, _D.size)
        .where(_D.last_ms < before_ms, _D.first_ms >= before_ms - MERGED_AFTER_MS)
        .order_by(_D.source, _D.first_ms, _D.seq)
    )
    runs: list[list[Any]] = [[]]
    for row in db.execute(lately):
        run = runs[-1]
        goes_on = run and run[0].source == row.source and row.size < SMALL
        if not goes_on or sum(it.size for it in run) + row.size > BLOCK_MAX:
            runs.append([])
        if row.size < SMALL:
            runs[-1].append(row)
    return sum(_merge_run(db, run) for run in runs if len(run) > 1)


def _merge_run(db: Connection, run: Sequence[Any]) -> int:
    """Replace a run by one block, unless another worker is at it."""
    these = or_(
        *(and_(_D.first_ms == it.first_ms, _D.source == it.source, _D.seq == it.seq) for it in run)
    )
    query = select(decisions).where(these).order_by(_D.first_ms, _D.seq)
    taken = db.execute(query.with_for_update(skip_locked=True)).all()
    if len(taken) != len(run):
        return 0
    db.execute(delete(decisions).where(these))
    block = {
        "first_ms": taken[0].first_ms,
        "source": taken[0].source,
        "seq": taken[0].seq,
        "last_ms": max(it.last_ms for it in taken),
        "size": sum(it.size for it in taken),
        "packed": merged(it.packed for it in taken),
    }
    db.execute(decisions.insert(), [block])
    return len(run) - 1


def _call_seconds(db: Connection) -> dict[str, float]:
    """Pair the newest attempts with what came next of the same message."""
    it, of = tables.events.c, tables.transactions.c
    newest = (
        select(it.transaction_id, it.kind, it.at_ms, of.owner)
        .join(tables.transactions, of.transaction_id == it.transaction_id)
        .where(it.kind.in_(("attempted", "stored", "booked")))
        .order_by(it.ms.desc(), it.seq.desc())
        .limit(_SAMPLE)
    )
    ended: dict[str, int] = {}
    took: dict[str, list[float]] = defaultdict(list)
    for identity, kind, at_ms, owner in db.execute(newest):
        if kind != "attempted":
            ended[identity] = at_ms
        elif identity in ended:
            took[owner].append((ended.pop(identity) - at_ms) / 1000)
    return {owner: median(seconds) for owner, seconds in took.items()}
