"""The statements that record a batch of events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, exists, func, select, update

from gateway.canonical.exchange import BufferEvent
from gateway.canonical.lifecycle import State
from gateway.routing.recorded import Recorder
from gateway.store.ledger import projection, tables
from gateway.store.ledger.evidence import keep_accepted
from gateway.store.ledger.inserting import chunks, insert_new
from gateway.store.ledger.stores import keep_receipts


def record(
    db: Connection, partition: int, events: Sequence[BufferEvent], recorder: Recorder
) -> None:
    """Record the events behind the partition's checkpoint, their decisions, the new checkpoint.

    The checkpoint's row is locked first, so that two projectors of a partition take turns.
    """
    insert_new(db, tables.checkpoints, [{"partition": partition, "ms": 0, "seq": 0}])
    fresh = projection.behind(events, checkpoint(db, partition, lock=True))
    if not fresh:
        return
    known = _known(db, {event.transaction_id for event in fresh.values()})
    changes = projection.fold(partition, fresh, known)
    db.execute(tables.events.insert(), [_event(partition, *item) for item in fresh.items()])
    _apply(db, changes)
    keep_receipts(db, changes.created.values())
    keep_accepted(db, partition, fresh, recorder)
    ms, seq = next(reversed(fresh))
    moved = update(tables.checkpoints).where(tables.checkpoints.c.partition == partition)
    db.execute(moved.values(ms=ms, seq=seq))


def checkpoint(db: Connection, partition: int, *, lock: bool = False) -> projection.Position:
    """Return the place up to which a partition is projected, (0, 0) at first."""
    columns = tables.checkpoints.c
    query = select(columns.ms, columns.seq).where(columns.partition == partition)
    row = db.execute(query.with_for_update() if lock else query).first()
    return (0, 0) if row is None else (row.ms, row.seq)


def _known(db: Connection, identities: Iterable[str]) -> dict[str, projection.Row]:
    columns = tables.transactions.c
    mutable = [columns[name] for name in projection.MUTABLE]
    known: dict[str, projection.Row] = {}
    for chunk in chunks(identities):
        query = select(columns.transaction_id, *mutable).where(columns.transaction_id.in_(chunk))
        for identity, *values in db.execute(query):
            known[identity] = dict(zip(projection.MUTABLE, values, strict=True))
    return known


_COLUMNS: Final = tables.transactions.c
_CHANGE: Final = (
    update(tables.transactions)
    .where(_COLUMNS.transaction_id == bindparam("id_"))
    .values({name: bindparam(f"new_{name}") for name in projection.MUTABLE})
)
_EDITABLE: Final = ("body", "currency", "amount_parts", "skus")
#: The first change keeps the body as it was accepted.
_EDIT: Final = (
    update(tables.transactions)
    .where(_COLUMNS.transaction_id == bindparam("id_"))
    .values(
        original=func.coalesce(_COLUMNS.original, _COLUMNS.body),
        **{name: bindparam(f"new_{name}") for name in _EDITABLE},
    )
)
_OWN: Final = (
    update(tables.transactions)
    .where(_COLUMNS.object_key == bindparam("object_"), _COLUMNS.owner == "")
    .values(owner=bindparam("new_owner"))
)
#: What is booked stays where it is: it may be of long before, sent again under its reference.
_MOVE: Final = (
    update(tables.transactions)
    .where(_COLUMNS.object_key == bindparam("object_"), _COLUMNS.state != State.BOOKED.value)
    .values(owner=bindparam("new_owner"))
)
_REPIN: Final = (
    update(tables.owners)
    .where(
        tables.owners.c.object_key == bindparam("object_"),
        tables.owners.c.source != "import",
        tables.owners.c.source != "lookup",
        ~exists().where(
            _COLUMNS.object_key == tables.owners.c.object_key,
            _COLUMNS.state == State.BOOKED.value,
        ),
    )
    .values(
        owner=bindparam("new_owner"), pinned_at=bindparam("new_at"), source=bindparam("new_source")
    )
)


def _apply(db: Connection, changes: projection.Changes) -> None:
    if changes.moved:  # before anything else: what is booked meanwhile was moved, too
        db.execute(_MOVE, [{"object_": k, "new_owner": v.owner} for k, v in changes.moved.items()])
        db.execute(_REPIN, [_repin(*item) for item in changes.moved.items()])
    if changes.created:
        db.execute(tables.transactions.insert(), list(changes.created.values()))
    if changes.changed:
        db.execute(_CHANGE, [_change(*item) for item in changes.changed.items()])
    for identity, row in changes.edited:
        db.execute(_EDIT, {"id_": identity, **{f"new_{name}": row[name] for name in _EDITABLE}})
    if changes.owned:
        db.execute(_OWN, [{"object_": k, "new_owner": v} for k, v in changes.owned.items()])
    insert_new(db, tables.owners, [_pin(*item) for item in changes.pins.items()])


def _event(partition: int, place: projection.Position, event: BufferEvent) -> dict[str, object]:
    return {
        "partition": partition,
        "ms": place[0],
        "seq": place[1],
        "kind": event.kind,
        "transaction_id": event.transaction_id,
        "at_ms": event.at_ms,
        "fields": dict(event.fields),
    }


def _change(identity: str, row: projection.Row) -> dict[str, object]:
    return {"id_": identity, **{f"new_{name}": row[name] for name in projection.MUTABLE}}


def _pin(object_key: str, pin: projection.Pin) -> dict[str, object]:
    return {"object_key": object_key, "owner": pin.owner, "pinned_at": pin.at, "source": pin.source}


def _repin(object_key: str, pin: projection.Pin) -> dict[str, object]:
    return {
        "object_": object_key, "new_owner": pin.owner, "new_at": pin.at, "new_source": pin.source,
    }  # fmt: skip


def kept_rules(db: Connection, version: str) -> str | None:
    """Return a stored rule text."""
    query = select(tables.rule_texts.c.text).where(tables.rule_texts.c.version == version)
    return db.execute(query).scalar()
