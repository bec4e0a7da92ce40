"""Staff who correct and give up what is held, in the world of the model."""

from __future__ import annotations

import json

from gateway.canonical.exchange import Case, Edition
from gateway.canonical.outcome import Absent, Booked, Stored
from gateway.canonical.process import PROCESSES, Kind
from tests.property.books import FINAL_MS
from tests.property.world import World


async def seen(world: World, transaction_id: str, *, behind: int) -> Case | None:
    """Return a message as staff see it, or saw it so many revisions ago."""
    found = await world.buffer.desk.case(transaction_id)
    assert (found is None) == (transaction_id in world.model.purged)
    if found is None:
        return None
    it = world.model.messages[transaction_id]
    assert (found.revision, found.state, found.open_since_ms) == (
        it.revision, it.state, it.open_ms,
    )  # fmt: skip
    return Case(
        found.transaction_id, found.object_key, found.state, found.cause, found.detail,
        found.owner, found.revision - behind, found.attempts, found.open_since_ms, found.open_ms,
        found.payload,
    )  # fmt: skip


async def edit(world: World, transaction_id: str, *, behind: int, early: bool = False) -> None:
    """As ``Corrector.edit``, or ``early`` as ``Payments``: also what waits for its turn."""
    case = await seen(world, transaction_id, behind=behind)
    if case is None:
        return
    envelope = json.loads(case.payload)
    envelope["body"]["edited"] = case.revision + 1
    body = json.dumps(envelope["body"]).encode()
    edition = Edition(json.dumps(envelope).encode(), body, body)
    answer = await world.buffer.desk.edit(case, edition, "olga", "test", early=early)
    assert answer == world.model.edit(case, early=early)


async def discard(world: World, transaction_id: str, *, behind: int) -> None:
    """As ``Corrector.discard``: what was ever sent is looked for first."""
    case = await seen(world, transaction_id, behind=behind)
    if case is None:
        return None
    absent, it = False, world.model.messages[transaction_id]
    if case.attempts and it.stopped:
        open_ms = world.model.now_ms - (case.open_since_ms or world.model.now_ms)
        match world.books.probe(transaction_id):
            case Booked(document):
                return await world.book(transaction_id, document)
            case Stored():
                return None
            case Absent() if case.open_since_ms is not None and open_ms < FINAL_MS:
                return None
        absent = case.open_since_ms is not None
    process = PROCESSES[it.entry.claim.split("|")[1]]
    creates = it.orphaned or (process.kind is Kind.CREATE and not it.entry.pipelined)
    answer = await world.buffer.desk.discard(case, "lee", "test", creates=creates, absent=absent)
    assert answer == world.model.discard(case, creates=creates, absent=absent)
    return None
