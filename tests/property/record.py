"""The ledger's side: events move out of the buffer, and say the same as it."""

from __future__ import annotations

from gateway.flow.project import SETTLED
from gateway.store.ledger import projection
from tests.property.model import Model
from tests.valkey import Buffer


class Record:
    """What a ledger would have, by the ledger's own fold, without the SQL."""

    def __init__(self, buffer: Buffer, model: Model, partition: int) -> None:
        self._buffer = buffer
        self._model = model
        self._partition = partition
        self._rows: dict[str, projection.Row] = {}
        self._pins: dict[str, str] = {}
        self._checkpoint = "0-0"

    async def _folded(self) -> tuple[projection.Changes, str, list[str]]:
        events = await self._buffer.feed.events(self._partition, self._checkpoint, 1000)
        new = projection.behind(events, projection.position(self._checkpoint))
        settled = [event.transaction_id for event in events if event.kind in SETTLED]
        upto = events[-1].sequence if events else self._checkpoint
        return projection.fold(self._partition, new, self._rows), upto, settled

    async def project(self, *, crash: bool) -> None:
        """As ``Projector.project``; a crash comes between its commit and the trimming."""
        changes, upto, settled = await self._folded()
        self._rows |= changes.created | changes.changed
        self._checkpoint = upto
        for object_key, pin in changes.pins.items():
            moved = object_key in changes.moved
            assert self._pins.setdefault(object_key, pin.owner) == pin.owner or moved
        self._pins |= {key: pin.owner for key, pin in changes.moved.items()}
        if not crash and upto != "0-0":
            await self._buffer.feed.projected(self._partition, upto, settled)
            self._model.purged |= set(settled)

    async def check(self) -> None:
        """The events replay to the state the messages are in."""
        changes, _, _ = await self._folded()
        rows = self._rows | changes.created | changes.changed
        assert rows.keys() == self._model.messages.keys()
        for transaction_id, it in self._model.messages.items():
            row = rows[transaction_id]
            assert row["attempts"] == it.attempts
            assert _told(row["state"]) == _told(it.state), transaction_id
            assert row["document"] == it.document
        owners = {key: pin.owner for key, pin in changes.pins.items()} | self._pins
        owners |= {key: pin.owner for key, pin in changes.moved.items()}
        assert owners == self._model.owners


def _told(state: str) -> str:
    """A probe that learned nothing is told as ``sent``, even if staff had released the message."""
    return "waiting" if state == "sent" else state
