"""What a batch of events changes in the ledger, worked out before any SQL is written.

Pure: rows and events in, rows out. A batch is folded in memory, so that a message that went from
accepted to booked within it costs one insert.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from gateway.canonical.exchange import BufferEvent
from gateway.canonical.lifecycle import State
from gateway.canonical.process import ERPS, Target
from gateway.canonical.storable import storable
from gateway.canonical.worth import Body, deadline_of, legal_entity_of, skus_of, worth_of
from gateway.errors import LedgerUnavailable

#: A transaction's columns by name.
Row = dict[str, Any]
#: A place in a partition's stream: milliseconds and number within them.
Position = tuple[int, int]

#: Events about a partition: kept, they change no message.
_OF_THE_PARTITION: Final = frozenset({"marker", "recovering"})

#: The columns that events after the acceptance change.
MUTABLE: Final = (
    "state",
    "document",
    "result",
    "cause",
    "detail",
    "settled_at",
    "attempts",
    "shaped_by",
)


@dataclass(frozen=True, slots=True)
class Pin:
    """An owner to record, unless the ledger has one.

    ``source`` says how it was found: by the ``rules``, by a ``lookup`` in ledger or ERPs, or by a
    ``flip`` that released the object from hold, or moved it to the other ERP.
    """

    owner: str
    at: datetime
    source: str


@dataclass(slots=True)
class Changes:
    """The outcome of a batch.

    ``owned`` are objects whose ownerless messages now have an owner, ``moved`` those that have
    another owner than before; ``edited`` are new bodies of transactions, in order, with what
    hangs on the body.
    """

    created: dict[str, Row] = field(default_factory=dict)
    changed: dict[str, Row] = field(default_factory=dict)
    pins: dict[str, Pin] = field(default_factory=dict)
    owned: dict[str, str] = field(default_factory=dict)
    moved: dict[str, Pin] = field(default_factory=dict)
    edited: list[tuple[str, Row]] = field(default_factory=list)


def position(sequence: str) -> Position:
    """Read a stream id; "12-3" is ``(12, 3)``. Raises :class:`ValueError` naming what is none."""
    ms, _, seq = sequence.partition("-")
    if not (ms.isdecimal() and seq.isdecimal()):
        raise ValueError(f"{sequence!r} is not a stream id: it has to look like 1764583200000-0")
    return int(ms), int(seq)


def sequence(place: Position) -> str:
    """Write a stream id."""
    return f"{place[0]}-{place[1]}"


def behind(events: Iterable[BufferEvent], checkpoint: Position) -> dict[Position, BufferEvent]:
    """Return the events behind the checkpoint, each once, in their order."""
    placed = {position(event.sequence): event for event in events}
    return {place: placed[place] for place in sorted(placed) if place > checkpoint}


def fold(
    partition: int, events: Mapping[Position, BufferEvent], known: Mapping[str, Row]
) -> Changes:
    """Work out what ``events`` change, given the mutable columns of the transactions ``known``.

    Raises :class:`~gateway.errors.LedgerUnavailable` for an event this version cannot record; the
    partition then waits, in the buffer, for one that can.
    """
    changes = Changes()
    for place, event in events.items():
        if event.kind == "accepted":
            _accept(changes, partition, place, event, known)
        elif event.kind == "owned":
            _own(changes, event)
        elif event.kind == "moved":
            _move(changes, event, known)
        elif event.kind == "edited":
            _edit(changes, event)
        elif event.kind not in _OF_THE_PARTITION:
            _step(changes, event, known)
    for row in changes.created.values():
        row["owner"] = row["owner"] or changes.owned.get(row["object_key"], "")
    return changes


def _accept(
    changes: Changes, partition: int, place: Position, event: BufferEvent, known: Mapping[str, Row]
) -> None:
    envelope = event.envelope
    if envelope is None:
        raise _unrecordable(event, "has no envelope")
    owner, route = _field(event, "owner"), _field(event, "route")
    if owner:
        source = "rules" if route in ERPS else "lookup"
        changes.pins.setdefault(envelope.object_key, Pin(owner, _at(event), source))
    if event.transaction_id in known or event.transaction_id in changes.created:
        return
    changes.created[event.transaction_id] = {
        "transaction_id": event.transaction_id,
        "partition": partition,
        "accepted_ms": place[0],
        "accepted_seq": place[1],
        "process": envelope.process,
        "channel": envelope.channel,
        "object_key": envelope.object_key,
        "reference": envelope.reference,
        "owner": owner,
        "state": State.PARKED if route == Target.HOLD else State.WAITING,
        "document": "",
        "result": "",
        "cause": "",
        "detail": "",
        "accepted_at": envelope.accepted_at,
        "settled_at": None,
        "rule_id": envelope.rule_id,
        "rule_version": envelope.rule_version,
        "attempts": 0,
        "shaped_by": "",
        "facts": envelope.facts,
        "legal_entity": legal_entity_of(envelope.body, envelope.facts),
        "deadline_ms": _ms(deadline_of(envelope.process, envelope.accepted_at)),
        **_of_body(envelope.body),
    }


def _of_body(body: Body) -> Row:
    """Return the body and the columns that repeat what it says; SKUs stand between spaces."""
    worth = worth_of(body)
    skus = skus_of(body)
    return {
        "body": body,
        "currency": storable(worth.currency),
        "amount_parts": worth.parts,
        "skus": storable(f" {' '.join(skus)} ") if skus else "",
    }


def _edit(changes: Changes, event: BufferEvent) -> None:
    try:
        body = json.loads(_field(event, "body"))
    except ValueError:
        raise _unrecordable(event, "has a body that is not JSON") from None
    changes.edited.append((event.transaction_id, _of_body(body)))


def _own(changes: Changes, event: BufferEvent) -> None:
    object_key, owner = _field(event, "object"), _field(event, "owner")
    source = event.fields.get("source", "flip")
    changes.pins.setdefault(object_key, Pin(owner, _at(event), source))
    changes.owned[object_key] = owner


def _move(changes: Changes, event: BufferEvent, known: Mapping[str, Row]) -> None:
    """Nothing of a moved object was ever booked, so all its messages have the new owner."""
    object_key, owner = _field(event, "object"), _field(event, "owner")
    pin = Pin(owner, _at(event), "flip")
    changes.moved[object_key] = pin
    if object_key in changes.pins:
        changes.pins[object_key] = pin
    for row in changes.created.values():
        if row["object_key"] == object_key:
            row["owner"] = owner
    if _field(event, "refused") == "1":
        _step(changes, event, known)


def _step(changes: Changes, event: BufferEvent, known: Mapping[str, Row]) -> None:
    step = _STEPS.get(event.kind)
    if step is None:
        raise _unrecordable(event, "is of a kind this version does not know")
    identity = event.transaction_id
    row = changes.created.get(identity) or changes.changed.get(identity)
    if row is None:
        if identity not in known:  # the event itself is kept; there is no message to change
            return
        row = changes.changed[identity] = dict(known[identity])
    if row["state"] != State.BOOKED:  # a booking is final, whatever is told later
        step(row, event)


def _attempted(row: Row, event: BufferEvent) -> None:
    row.update(
        state=State.SENT,
        attempts=_number(event, "attempt"),
        settled_at=None,
        shaped_by=storable(event.fields.get("shaped_by", "")),
    )


def _stored(row: Row, event: BufferEvent) -> None:
    row.update(state=State.STORED, document=_text(event, "document"))


def _booked(row: Row, event: BufferEvent) -> None:
    row.update(
        state=State.BOOKED,
        document=_text(event, "document") or row["document"],
        result=_text(event, "result"),
        cause="",
        detail="",
        settled_at=_at(event),
    )


def _deferred(row: Row, event: BufferEvent) -> None:
    unknown = _field(event, "unknown") == "1"
    row.update(state=State.SENT if unknown else State.WAITING, detail=_text(event, "reason"))


def _held(row: Row, event: BufferEvent) -> None:
    row.update(
        state=State.HELD,
        cause=_text(event, "cause"),
        detail=_text(event, "detail"),
        settled_at=_at(event),
    )


def _waits(row: Row, event: BufferEvent) -> None:
    row.update(
        state=State.WAITING,
        cause=_text(event, "cause"),
        detail=_text(event, "detail"),
        settled_at=None,
    )


def _discarded(row: Row, event: BufferEvent) -> None:
    row.update(
        state=State.DISCARDED, cause="", detail=_text(event, "reason"), settled_at=_at(event)
    )


def _parked(row: Row, _event: BufferEvent) -> None:
    row.update(state=State.PARKED)


def _released(row: Row, _event: BufferEvent) -> None:
    row.update(state=State.WAITING, cause="", detail="", settled_at=None)


_STEPS: Final[dict[str, Callable[[Row, BufferEvent], None]]] = {
    "attempted": _attempted,
    "stored": _stored,
    "booked": _booked,
    "deferred": _deferred,
    "held": _held,
    "waits": _waits,
    "released": _released,
    "parked": _parked,
    "moved": _released,
    "discarded": _discarded,
}


def _field(event: BufferEvent, name: str) -> str:
    try:
        return event.fields[name]
    except KeyError:
        raise _unrecordable(event, f"has no field {name!r}") from None


def _number(event: BufferEvent, name: str) -> int:
    text = _field(event, name)
    if not text.isdecimal():
        raise _unrecordable(event, f"has {name} {text!r}, which is no number")
    return int(text)


def _text(event: BufferEvent, name: str) -> str:
    """Return a field that an ERP's words went into, without what PostgreSQL cannot store."""
    return storable(_field(event, name))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _at(event: BufferEvent) -> datetime:
    return datetime.fromtimestamp(event.at_ms / 1000, UTC)


def _unrecordable(event: BufferEvent, why: str) -> LedgerUnavailable:
    return LedgerUnavailable(
        f"event {event.sequence} ({event.kind} of {event.transaction_id}) {why}: it waits in the "
        "buffer; run a version of coexist that can record it"
    )
