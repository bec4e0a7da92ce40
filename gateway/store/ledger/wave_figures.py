"""Counts of a wave's messages, for readiness, guardrails and hypercare."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import and_, func, or_, select

from gateway.canonical.envelope import money_of
from gateway.canonical.exchange import Left, Record
from gateway.canonical.exchange.hypercare import Route, Span
from gateway.canonical.lifecycle import State
from gateway.store.ledger import tables
from gateway.store.ledger.database import Database

_MESSAGE = tables.transactions.c
_RECORD: Final = [c for c in _MESSAGE if c.name in Record.__dataclass_fields__]
_ORDERS, _CANCELS, _RETURNS = "order.intake", "order.cancellation", "return.credit"

#: Held, waiting for somebody to put something right, or booked twice.
OPEN: Final = or_(
    _MESSAGE.state == State.HELD.value,
    and_(_MESSAGE.state.in_((State.WAITING, State.BOOKED)), _MESSAGE.cause != ""),
)


class WaveFiguresTables(Database):
    """Implements :class:`gateway.ports.WaveFigures`."""

    async def open_exceptions(self, count: int) -> Sequence[Record]:
        query = select(*_RECORD).where(OPEN).order_by(_MESSAGE.accepted_ms).limit(count)
        rows = await self._read(lambda db: db.execute(query).mappings().all())
        return [Record(**row) for row in rows]

    async def left(self, owner: str, rule_ids: Collection[str]) -> Left:
        if not rule_ids:
            return Left()
        created = and_(_MESSAGE.owner == owner, _MESSAGE.rule_id.in_(sorted(rule_ids)))
        objects = select(_MESSAGE.object_key).where(created)
        first = select(_MESSAGE.object_key, _MESSAGE.process, _MESSAGE.state, _MESSAGE.body).where(
            created
        )
        later = select(
            _MESSAGE.object_key, _MESSAGE.process, _MESSAGE.state, _MESSAGE.result
        ).where(_MESSAGE.object_key.in_(objects), _MESSAGE.process.in_([_CANCELS, _RETURNS]))
        return await self._read(lambda db: _left(db.execute(first), db.execute(later)))

    async def messages(self, processes: Collection[str], span: Span) -> Counter[Route]:
        query = (
            select(_MESSAGE.process, _MESSAGE.owner, _MESSAGE.state, func.count())
            .where(
                _MESSAGE.process.in_(sorted(processes)),
                _MESSAGE.accepted_at >= span.start,
                _MESSAGE.accepted_at < span.end,
            )
            .group_by(_MESSAGE.process, _MESSAGE.owner, _MESSAGE.state)
        )
        rows = await self._read(lambda db: db.execute(query).all())
        return Counter({Route(*row[:3]): int(row[3]) for row in rows})


def _left(first: Iterable[Any], later: Iterable[Any]) -> Left:
    cancelled: set[str] = set()
    to_refund = 0
    for key, process, state, result in later:
        if process == _CANCELS and result == "cancelled":
            cancelled.add(key)
        to_refund += process == _RETURNS and state != State.BOOKED
    value: dict[str, Decimal] = defaultdict(Decimal)
    states: Counter[str] = Counter()
    objects: set[str] = set()
    to_ship = 0
    for key, process, state, body in first:
        amount, currency = money_of(body)
        if currency:
            value[currency] += Decimal(amount)
        states[state] += 1
        objects.add(key)
        to_ship += process == _ORDERS and state == State.BOOKED and key not in cancelled
    held, booked = states[State.HELD], states[State.BOOKED]
    return Left(
        objects=len(objects),
        value=dict(sorted(value.items())),
        waiting=states.total() - held - booked,
        held=held,
        to_ship=to_ship,
        to_refund=to_refund,
    )
