"""Edit: one wins, what was accepted is kept, and it stays what it was."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from gateway.canonical.exchange import Wanted
from gateway.canonical.outcome import Absent, Booked, Refused
from gateway.canonical.staff import Role
from gateway.errors import (
    BadRequest,
    Conflict,
    Invalid,
)
from tests.unit.flow.staffroom import LEAD, MISSING, OPERATOR, REFUSED, Staffroom, order_body, who
from tests.valkey import entry

pytestmark = pytest.mark.anyio

LARGER: dict[str, Any] = {"lines": [{"line": 1, "sku": "TEE-BLK-L", "quantity": 1,
                                     "unit_price": "19.95"}]}  # fmt: skip


async def body_now(room: Staffroom, transaction_id: str) -> dict[str, Any]:
    progress = await room.buffer.intake.progress(transaction_id)
    assert progress is not None
    return progress.envelope.body


# --------------------------------------------------------------------------- edit


@pytest.mark.parametrize("outcome", [REFUSED, MISSING])
async def test_a_corrected_sku_is_sent_and_what_was_accepted_is_kept(
    room: Staffroom, outcome: Refused
) -> None:
    one = await room.refused(outcome=outcome)
    done = await room.corrector.edit(OPERATOR, one.transaction_id, LARGER, reason="re-mapped")
    assert (done.revision, [it.pointer for it in done.changes]) == (1, ["/lines/0/sku"])
    await room.project(one)
    shown = await room.exceptions.show(OPERATOR, one.transaction_id)
    assert shown.body["lines"][0]["sku"] == "TEE-BLK-L"
    assert shown.original is not None
    assert shown.original["lines"][0]["sku"] == "TEE-BLK-M"
    again = await room.corrector.edit(
        OPERATOR, one.transaction_id, {"payment": {"method": "invoice"}}, reason="as agreed"
    )
    assert again.revision == 2
    await room.project(one)
    shown = await room.exceptions.show(OPERATOR, one.transaction_id)
    assert shown.original == order_body() | {
        "customer": {"ref": "C-1", "name": "•••", "email": "•••"},
        "ship_to": dict.fromkeys(("name", "street", "city", "postal_code"), "•••")
        | {"country": "NL"},
    }
    assert await room.ledger.exceptions(Wanted(sku="TEE-BLK-M"), 0, 9) == []
    assert len(await room.ledger.exceptions(Wanted(sku="TEE-BLK-L"), 0, 9)) == 1
    await room.exceptions.retry(OPERATOR, one.transaction_id)
    room.erp.probes, room.erp.sends = [Absent()], [Booked("D-1")]
    await room.spend(one)
    assert (await room.worker.state(one)).document == "D-1"


async def test_a_repeat_of_the_channel_still_gets_the_first_answer(room: Staffroom) -> None:
    one = await room.refused()
    await room.corrector.edit(OPERATOR, one.transaction_id, LARGER, reason="re-mapped")
    repeat = structs.replace(one, transaction_id=entry("A-1").transaction_id)
    assert (await room.buffer.intake.accept(repeat)).transaction_id == one.transaction_id  # type: ignore[union-attr]


async def test_what_was_accepted_is_recorded_also_if_it_was_changed_before_it_was_projected(
    room: Staffroom,
) -> None:
    one = entry("A-1", body=order_body())
    await room.buffer.intake.accept(one)
    room.erp.sends = [REFUSED]
    await room.spend(one)
    await room.corrector.edit(OPERATOR, one.transaction_id, LARGER, reason="re-mapped")
    await room.project(one)
    original = await room.ledger.original_of(one.transaction_id)
    assert original == order_body()


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"total": "1.00"}, "/total"),
        ({"order_ref": "B-2"}, "/order_ref"),
        ({"legal_entity": "DE01"}, "/legal_entity"),
        ({"currency": "USD"}, "/currency"),
        ({"lines": []}, "/lines"),
        ({"lines": None}, "/lines"),
        ({"card_number": "4111"}, "/card_number"),
        ({"lines": [{"line": 1, "sku": "T", "quantity": 2, "unit_price": "19.95"}]}, "/total"),
        ({"lines": [{"line": 1, "sku": "T", "quantity": 1, "unit_price": 19.95}]},
         "/lines/0/unit_price"),
        ({"customer": {"email": "nobody"}}, "/customer/email"),
    ],
)  # fmt: skip
async def test_what_would_be_no_document_or_another_one_is_refused_with_its_pointer(
    room: Staffroom, patch: dict[str, Any], pointer: str
) -> None:
    one = await room.refused()
    with pytest.raises(Invalid) as refused:
        await room.corrector.edit(OPERATOR, one.transaction_id, patch, reason="try")
    assert pointer in [it.pointer for it in refused.value.errors]
    assert await body_now(room, one.transaction_id) == order_body()
    assert await room.audited() == []


async def test_a_change_of_nothing_or_without_a_reason_is_refused(room: Staffroom) -> None:
    one = await room.refused()
    with pytest.raises(BadRequest, match="nothing would change"):
        await room.corrector.edit(OPERATOR, one.transaction_id, {"currency": "EUR"}, reason="x")
    with pytest.raises(BadRequest, match="a reason is missing"):
        await room.corrector.edit(OPERATOR, one.transaction_id, LARGER, reason=" ")
    with pytest.raises(BadRequest, match="a reason is missing"):
        await room.corrector.discard(LEAD, one.transaction_id, reason="")


async def test_of_two_who_change_at_once_one_wins_and_the_other_is_told(room: Staffroom) -> None:
    one = await room.refused()
    patches = [{"payment": {"method": f"m-{n}"}} for n in range(5)]
    answers = await asyncio.gather(
        *(
            room.corrector.edit(
                who(Role.OPERATOR, name=f"o-{n}"), one.transaction_id, patch, reason="at once",
                revision=0,
            )
            for n, patch in enumerate(patches)
        ),
        return_exceptions=True,
    )  # fmt: skip
    won = [n for n, it in enumerate(answers) if not isinstance(it, BaseException)]
    told = [it for it in answers if isinstance(it, Conflict)]
    assert (len(won), len(told)) == (1, 4)
    assert all("somebody else changed" in it.detail for it in told)
    assert (await body_now(room, one.transaction_id))["payment"]["method"] == f"m-{won[0]}"
    rows = [row async for row in room.auditor.rows()]
    undone = {row.by for row in rows if "not_done" in row.details}
    assert f"o-{won[0]}" not in undone
    assert len({row.by for row in rows} - undone) == 1


async def test_who_edits_and_who_discards_at_once_do_not_both_win(room: Staffroom) -> None:
    one = await room.refused()
    room.erp.probes = [Absent()]
    answers = await asyncio.gather(
        room.corrector.edit(OPERATOR, one.transaction_id, LARGER, reason="fix", revision=0),
        room.corrector.discard(LEAD, one.transaction_id, reason="give up", revision=0),
        return_exceptions=True,
    )
    assert sum(isinstance(it, Conflict) for it in answers) == 1


async def test_an_old_revision_is_told_before_anything_is_written_down(room: Staffroom) -> None:
    one = await room.refused()
    with pytest.raises(Conflict, match="it is at revision 0"):
        await room.corrector.edit(OPERATOR, one.transaction_id, LARGER, reason="x", revision=3)
    assert await room.audited() == []


async def test_customers_data_do_not_get_into_the_audit_log(room: Staffroom) -> None:
    one = await room.refused()
    patch = {"ship_to": {"street": "Elsewhere 2"}, "customer": {"ref": "C-2"}}
    await room.corrector.edit(OPERATOR, one.transaction_id, patch, reason="moved")
    rows = [row.line() async for row in room.auditor.rows()]
    assert "Elsewhere" not in "".join(rows)
    assert "C-2" in "".join(rows)


async def test_what_an_erp_posts_again_by_itself_is_not_changed_here(room: Staffroom) -> None:
    room.erp.timing = replace(room.erp.timing, reposts=True)
    one = await room.refused(outcome=MISSING)
    with pytest.raises(Conflict, match="posts it again by itself"):
        await room.corrector.edit(OPERATOR, one.transaction_id, LARGER, reason="x")


async def test_a_patch_is_made_of_paths(room: Staffroom) -> None:
    one = await room.refused()
    sets = ["lines/0/sku=TEE-BLK-L", "customer.group=gold", "lines/0/quantity=1"]
    revision, patch = await room.corrector.patch_of(one.transaction_id, sets)
    assert revision == 0
    assert patch == {
        "lines": [order_body()["lines"][0] | {"sku": "TEE-BLK-L"}], "customer": {"group": "gold"},
    }  # fmt: skip
    for wrong in ("sku", "=x", "lines/4/sku=x", "nothing/at/all=1", "lines/0/quantity=two"):
        with pytest.raises(BadRequest, match=r"--set"):
            await room.corrector.patch_of(one.transaction_id, [wrong])
