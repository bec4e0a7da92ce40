"""Who may, and what is written down before it is done."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.canonical.exchange import Case, Discarded, Edited, Edition, StaffRefused, Wanted
from gateway.canonical.outcome import Absent
from gateway.canonical.staff import MAY, Action, Role
from gateway.errors import (
    Forbidden,
    NotFound,
    StoreUnavailable,
)
from gateway.store.ledger import SqlLedger
from tests.unit.flow.staffroom import LEAD, OPERATOR, Staffroom, order_body, who
from tests.valkey import Buffer, entry

pytestmark = pytest.mark.anyio

LARGER: dict[str, Any] = {"lines": [{"line": 1, "sku": "TEE-BLK-L", "quantity": 1,
                                     "unit_price": "19.95"}]}  # fmt: skip


async def body_now(room: Staffroom, transaction_id: str) -> dict[str, Any]:
    progress = await room.buffer.intake.progress(transaction_id)
    assert progress is not None
    return progress.envelope.body


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    "action", [it for it in Action if str(it).startswith("exceptions.")]
)  # fmt: skip
async def test_each_role_does_what_the_table_says(
    room: Staffroom, role: Role, action: Action
) -> None:
    one = await room.refused()
    room.erp.probes = [Absent()]
    staff, identity = who(role), one.transaction_id
    acts: dict[Action, Callable[[], Awaitable[object]]] = {
        Action.EXCEPTIONS_READ: lambda: room.exceptions.listing(staff, Wanted()),
        Action.EXCEPTIONS_UNMASK: lambda: room.exceptions.show(staff, identity, unmask=True),
        Action.EXCEPTIONS_RETRY: lambda: room.exceptions.retry(staff, identity),
        Action.EXCEPTIONS_EDIT: lambda: room.corrector.edit(staff, identity, LARGER, reason="x"),
        Action.EXCEPTIONS_DISCARD: lambda: room.corrector.discard(staff, identity, reason="x"),
    }
    if role in MAY[action]:
        await acts[action]()
        written = [] if action is Action.EXCEPTIONS_READ else [("sam", str(action), identity)]
        assert await room.audited() == written
        return
    with pytest.raises(Forbidden):
        await acts[action]()
    if action is Action.EXCEPTIONS_RETRY:
        with pytest.raises(Forbidden):
            await room.exceptions.retry_all(staff, Wanted(), count=5)
    assert await room.audited() == []
    assert (await room.worker.state(one)).state == "held"


class Dying:
    """A desk whose process dies between the audit line and the deed."""

    def __init__(self, buffer: Buffer) -> None:
        self._desk = buffer.desk

    async def case(self, transaction_id: str) -> Case | None:
        return await self._desk.case(transaction_id)

    async def edit(
        self, case: Case, edition: Edition, by: str, reason: str, *, early: bool = False
    ) -> Edited | StaffRefused:
        raise StoreUnavailable("killed")

    async def discard(
        self, case: Case, by: str, reason: str, *, creates: bool, absent: bool,
        before: str = "",
    ) -> Discarded | StaffRefused:  # fmt: skip
        raise StoreUnavailable("killed")


async def test_a_crash_between_line_and_deed_leaves_a_line_and_no_deed(
    room: Staffroom, buffer: Buffer, ledger: SqlLedger
) -> None:
    one = await room.refused()
    dying = Staffroom(buffer, ledger, room.erp, desk=Dying(buffer))
    room.erp.probes = [Absent(), Absent()]
    with pytest.raises(StoreUnavailable):
        await dying.corrector.edit(OPERATOR, one.transaction_id, LARGER, reason="x")
    with pytest.raises(StoreUnavailable):
        await dying.corrector.discard(LEAD, one.transaction_id, reason="x")
    assert [what for _, what, _ in await room.audited()] == [
        "exceptions.edit", "exceptions.discard",
    ]  # fmt: skip
    assert await body_now(room, one.transaction_id) == order_body()
    assert (await room.worker.state(one)).state == "held"
    assert (await room.auditor.verify()).whole
    await room.corrector.edit(OPERATOR, one.transaction_id, LARGER, reason="again")
    events = await ledger.history_of(one.transaction_id)
    assert [it.kind for it in events] == ["accepted", "attempted", "held"]
    await room.project(one)
    (edited,) = [it for it in await ledger.history_of(one.transaction_id) if it.kind == "edited"]
    assert json.loads(edited.fields["patch"]) == LARGER


async def test_an_id_nobody_knows_is_said_to_be_that(room: Staffroom) -> None:
    made_up = entry("never").transaction_id
    for act in (
        room.exceptions.show(LEAD, made_up),
        room.exceptions.retry(LEAD, made_up),
        room.corrector.edit(LEAD, made_up, LARGER, reason="x"),
        room.corrector.discard(LEAD, made_up, reason="x"),
    ):
        with pytest.raises(NotFound, match=made_up):
            await act


@pytest.mark.parametrize(
    "identity", ["", "nope", "0c", "zz-01m7zmtvkt0cs5eqbxdqvkbnt7",
                 "CX-0c-01m7zmtvkt0cs5eqbxdqvkbnt7", "ff-01m7zmtvkt0cs5eqbxdqvkbnt7"]
)  # fmt: skip
async def test_what_is_no_id_is_unknown_like_one_nobody_has(room: Staffroom, identity: str) -> None:
    assert await room.buffer.intake.progress(identity) is None
    with pytest.raises(NotFound, match="no transaction"):
        await room.exceptions.retry(LEAD, identity)
    with pytest.raises(NotFound, match="no transaction"):
        await room.corrector.edit(LEAD, identity, LARGER, reason="x")
    with pytest.raises(NotFound, match="no transaction"):
        await room.corrector.discard(LEAD, identity, reason="x")
