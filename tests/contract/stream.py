"""A partition's stream of events as the buffer writes it, for tests of whoever reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.canonical.envelope import Envelope, new_transaction_id
from gateway.canonical.exchange import BufferEvent
from gateway.canonical.lifecycle import Event, State

START = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)

#: What the buffer writes for a step of the lifecycle.
STEPS: dict[Event, tuple[str, dict[str, str]]] = {
    Event.RELEASE: ("released", {"by": "ada"}),
    Event.ATTEMPT: ("attempted", {"attempt": "1"}),
    Event.DEFER: ("deferred", {"reason": "busy", "unknown": "0"}),
    Event.STORE: ("stored", {"document": "77"}),
    Event.BOOK: ("booked", {"document": "77", "result": ""}),
    Event.WAIT: ("waits", {"cause": "unknown-item", "detail": "no such SKU", "retry": "60000"}),
    Event.PARK: ("parked", {}),
    Event.HOLD: ("held", {"cause": "unknown-item", "detail": "no such SKU"}),
    Event.EDIT: (
        "edited",
        {"revision": "1", "by": "ada", "reason": "typo", "patch": "{}", "body": "{}"},
    ),
    Event.DISCARD: ("discarded", {"by": "lee", "reason": "a test", "cause": "unknown-item"}),
}
#: The steps that lead a new message to a state.
WAYS_TO: dict[State, tuple[Event, ...]] = {
    State.WAITING: (),
    State.PARKED: (),
    State.SENT: (Event.ATTEMPT,),
    State.STORED: (Event.ATTEMPT, Event.STORE),
    State.HELD: (Event.ATTEMPT, Event.HOLD),
    State.DISCARDED: (Event.ATTEMPT, Event.HOLD, Event.DISCARD),
}


class Stream:
    """Appends events with rising ids: several in each millisecond, as a busy server does."""

    def __init__(self, partition: int = 10) -> None:
        self.partition = partition
        self.events: list[BufferEvent] = []

    def accept(
        self,
        object_key: str,
        *,
        owner: str = "legacy",
        route: str = "legacy",
        process: str = "order.intake",
        body: dict[str, object] | None = None,
    ) -> str:
        """Append an acceptance; return the transaction id."""
        number = len(self.events)
        identity = new_transaction_id(self.partition, START, number)
        envelope = Envelope(
            transaction_id=identity,
            process=process,
            channel="webshop",
            object_key=object_key,
            reference=f"SHOP-{number}",
            accepted_at=START + timedelta(microseconds=number),
            facts={"channel": "webshop", "legal_entity": "NL01"},
            rule_id="default-intake",
            rule_version="v-1",
            body={"order_ref": f"SHOP-{number}", "total": "44.85"} if body is None else body,
        )
        self._append("accepted", identity, {"owner": owner, "route": route, "epoch": "1"}, envelope)
        return identity

    def add(self, kind: str, identity: str, **fields: str) -> BufferEvent:
        """Append any event without an envelope."""
        return self._append(kind, identity, fields, None)

    def _append(
        self, kind: str, identity: str, fields: dict[str, str], envelope: Envelope | None
    ) -> BufferEvent:
        ms, seq = divmod(len(self.events), 12)
        event = BufferEvent(
            sequence=f"{START_MS + ms}-{seq}",
            kind=kind,
            transaction_id=identity,
            at_ms=START_MS + ms,
            fields=fields,
            envelope=envelope,
        )
        self.events.append(event)
        return event

    def book(self, identity: str, document: str = "4500001") -> None:
        """Append an attempt and its booking."""
        self.add("attempted", identity, attempt="1")
        self.add("booked", identity, document=document, result="")
