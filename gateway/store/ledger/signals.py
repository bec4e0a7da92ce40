"""Readings of messages by the rules they came under, for guardrails."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from gateway.canonical.exchange.hypercare import Span
from gateway.canonical.guardrail import Reading
from gateway.canonical.lifecycle import State
from gateway.store.ledger import tables
from gateway.store.ledger.database import Database
from gateway.store.ledger.shadow_tables import shadow_compared

_MINUTE_MS = 60_000

_EVENT = tables.events.c
_MESSAGE = tables.transactions.c

#: Events that are answers of an ERP: what of them is an error, and what is none.
_ERRORS = ("held", "waits")
_GOOD = ("booked", "stored")


class SignalTables(Database):
    """Implements :class:`gateway.ports.Signals`."""

    async def answers(self, rule_ids: Collection[str], since: datetime) -> tuple[int, int]:
        """Count what ERPs answered to the rules' messages since then: (errors, all).

        No answer at all (an unknown outcome) is an error; being told to come later is none.
        """
        return await self._answers(_EVENT.ms >= _ms(since), _MESSAGE.rule_id.in_(sorted(rule_ids)))

    async def answers_about(self, processes: Collection[str], span: Span) -> tuple[int, int]:
        """Count what ERPs answered to messages of these processes in a time: (errors, all)."""
        return await self._answers(
            _EVENT.ms >= _ms(span.start),  # for the index
            _EVENT.at_ms >= _ms(span.start), _EVENT.at_ms < _ms(span.end),
            _MESSAGE.process.in_(sorted(processes)),
        )  # fmt: skip

    async def _answers(self, *which: ColumnElement[bool]) -> tuple[int, int]:
        unknown = _EVENT.fields["unknown"].as_string()
        query = (
            select(_EVENT.kind, unknown, func.count())
            .select_from(tables.events.join(
                tables.transactions, _MESSAGE.transaction_id == _EVENT.transaction_id
            ))
            .where(
                # Each partition's part of the index, from its place on.
                _EVENT.partition.in_(select(tables.checkpoints.c.partition)),
                _EVENT.kind.in_([*_ERRORS, *_GOOD, "deferred"]),
                *which,
            )
            .group_by(_EVENT.kind, unknown)
        )  # fmt: skip
        errors = total = 0
        for kind, open_, count in await self._read(lambda db: db.execute(query).all()):
            failed = kind in _ERRORS or (kind == "deferred" and open_ == "1")
            errors += count if failed else 0
            total += count if failed or kind in _GOOD else 0
        return errors, total

    async def held_objects(self, rule_ids: Collection[str], since: datetime) -> Reading:
        """Count the rules' objects that are held now; samples are messages accepted since."""
        mine = _of(rule_ids)
        held = select(func.count(_MESSAGE.object_key.distinct())).where(
            mine, _MESSAGE.state == State.HELD.value
        )
        return await self._counted(held, mine, since)

    async def lag(self, rule_ids: Collection[str], since: datetime, now: datetime) -> Reading:
        """Return the age of the oldest of the rules' messages that no ERP has, in seconds."""
        mine = _of(rule_ids)
        waiting = and_(
            mine,
            _MESSAGE.state.in_([State.WAITING.value, State.SENT.value]),
            _MESSAGE.cause == "",
        )
        query = select(func.count(), func.min(_MESSAGE.accepted_at)).where(waiting)
        count, oldest = await self._read(lambda db: db.execute(query).one())
        accepted = await self._accepted(mine, since)
        if not count:
            return Reading(0.0 if accepted else None, accepted)
        return Reading(max(0.0, (now - oldest).total_seconds()), max(count, accepted))

    async def refund_failures(self, rule_ids: Collection[str], since: datetime) -> Reading:
        """Count held return credits of the rules' objects; samples are credits accepted since."""
        objects = select(_MESSAGE.object_key).where(_of(rule_ids))
        returned = and_(_MESSAGE.process == "return.credit", _MESSAGE.object_key.in_(objects))
        held = select(func.count()).where(returned, _MESSAGE.state == State.HELD.value)
        return await self._counted(held, returned, since)

    async def shadow_mismatches(self, rule_ids: Collection[str], since: datetime) -> Reading:
        """Return the percentage of the rules' shadow comparisons since then that differ."""
        counted = shadow_compared.c
        query = select(
            func.coalesce(func.sum(counted.different), 0),
            func.coalesce(func.sum(counted.compared), 0),
        ).where(counted.rule_id.in_(sorted(rule_ids)), counted.minute >= _ms(since) // _MINUTE_MS)
        different, compared = await self._read(lambda db: db.execute(query).one())
        return Reading(100 * int(different) / int(compared) if compared else None, int(compared))

    async def _counted(self, query: Any, mine: ColumnElement[bool], since: datetime) -> Reading:  # noqa: ANN401 -- SQLAlchemy's own name for it is private
        count = await self._number(query)
        samples = max(count, await self._accepted(mine, since))
        return Reading(float(count) if samples else None, samples)

    async def _accepted(self, mine: ColumnElement[bool], since: datetime) -> int:
        query = select(func.count()).where(mine, _MESSAGE.accepted_ms >= _ms(since))
        return await self._number(query)

    async def _number(self, query: Any) -> int:  # noqa: ANN401 -- as above
        found: int = await self._read(lambda db: db.execute(query).scalar_one())
        return found


def _of(rule_ids: Collection[str]) -> ColumnElement[bool]:
    return _MESSAGE.rule_id.in_(sorted(rule_ids))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
