"""Look at what is held, estimate, release: groups, order, money, masks, quotas."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.canonical.exchange import Peak, Wanted
from gateway.canonical.outcome import Absent, Booked, Cause, Refused
from gateway.canonical.process import Target
from gateway.canonical.staff import Role
from gateway.errors import Conflict, NotFound
from gateway.flow import readout
from gateway.flow.exceptions import of_team
from gateway.policy.triage import Team, Teams
from gateway.store.ledger import SqlLedger
from gateway.store.redis.peak import RedisPeaks
from tests.unit.flow.doubles import ScriptedErp
from tests.unit.flow.staffroom import LEAD, MISSING, OPERATOR, REFUSED, Staffroom, order_body, who
from tests.valkey import Buffer, entry

pytestmark = pytest.mark.anyio

VIEWER = who(Role.VIEWER)


async def test_groups_have_count_money_team_remedy_and_what_waits_is_apart(
    room: Staffroom,
) -> None:
    await room.refused("A-1", MISSING)
    await room.refused("A-2", MISSING, order_body("A-2", price="0.10"))
    await room.refused("A-3", REFUSED, order_body("A-3", price="0.20"))
    found = await room.exceptions.listing(VIEWER, Wanted())
    held, waits = found.groups
    assert (held.cause, held.waits, held.count, held.money) == (
        "not-accepted", False, 1, {"EUR": "0.20"},
    )  # fmt: skip
    assert (waits.cause, waits.waits, waits.count, waits.money) == (
        "unknown-item", True, 2, {"EUR": "20.05"},
    )  # fmt: skip
    assert waits.teams == {"master-data": 2}
    assert "create the item" in waits.remedy
    assert found.total == 3
    assert [team.name for _, team in found.items].count("master-data") == 2


async def test_the_same_deadline_is_sorted_by_money(room: Staffroom) -> None:
    for ref, price in (("A-1", "5.00"), ("A-2", "100.00"), ("A-3", "20.00")):
        await room.refused(ref, REFUSED, order_body(ref, price=price))
    found = await room.exceptions.listing(VIEWER, Wanted())
    assert [line.reference for line, _ in found.items] == ["A-2", "A-3", "A-1"]
    deadline = datetime.fromtimestamp(found.items[0][0].deadline_ms / 1000, UTC)
    assert (deadline - found.items[0][0].accepted_at).total_seconds() == 300


async def test_pages_and_filters(room: Staffroom) -> None:
    await room.refused("A-1", MISSING, order_body("A-1", sku="CAP-RED"))
    await room.refused("A-2", MISSING, order_body("A-2", sku="CAP-RED-2"))
    await room.refused("A-3", REFUSED)
    for wanted, refs in (
        (Wanted(sku="CAP-RED"), {"A-1"}),
        (Wanted(sku="CAP%"), set()),
        (Wanted(cause="unknown-item"), {"A-1", "A-2"}),
        (Wanted(process="store.sale"), set()),
        (Wanted(channel="webshop", legal_entity="NL01"), {"A-1", "A-2", "A-3"}),
        (of_team(Wanted(), "master-data", Teams()), {"A-1", "A-2"}),
    ):
        found = await room.exceptions.listing(VIEWER, wanted)
        assert {line.reference for line, _ in found.items} == refs
        assert found.total == len(refs)
    first = readout.listing(await room.exceptions.listing(VIEWER, Wanted(), count=2), 0)
    assert (len(first["items"]), first["next_first"]) == (2, 2)
    rest = readout.listing(await room.exceptions.listing(VIEWER, Wanted(), first=2), 2)
    assert (len(rest["items"]), rest["next_first"]) == (1, None)


async def test_teams_are_the_most_specific_that_is_configured(
    buffer: Buffer, ledger: SqlLedger
) -> None:
    stores, data = Team("store-ops", "Kim"), Team("catalogue", "Noor")
    teams = Teams({"store.sale/unknown-item": stores, "unknown-item": data, "store.sale": stores})
    assert teams.of("store.sale", "unknown-item") == stores
    assert teams.of("order.intake", "unknown-item") == data
    assert teams.of("store.sale", "closed-period") == stores
    assert teams.of("order.intake", "closed-period") == Team("finance")
    assert teams.of("order.intake", "of-another-version").name == "operations"
    assert ("store.sale", "poison") in teams.scopes_of("store-ops")
    with pytest.raises(NotFound, match="catalogue"):
        of_team(Wanted(), "nobody", teams)
    room = Staffroom(buffer, ledger, ScriptedErp(), teams=teams)
    await room.refused("A-1", MISSING)
    (group,) = (await room.exceptions.listing(VIEWER, Wanted())).groups
    assert (group.teams, group.stewards) == ({"catalogue": 1}, ("Noor",))


async def test_customers_data_are_masked_unless_somebody_asks_who_may(room: Staffroom) -> None:
    one = await room.refused()
    await room.corrector.edit(
        OPERATOR, one.transaction_id, {"ship_to": {"street": "Elsewhere 2"}}, reason="moved"
    )
    await room.project(one)
    masked = str(readout.shown(await room.exceptions.show(VIEWER, one.transaction_id)))
    for private in ("Pat", "pat@", "Example Street", "Elsewhere", "1000"):
        assert private not in masked
    shown = await room.exceptions.show(OPERATOR, one.transaction_id, unmask=True, reason="call")
    assert shown.body["ship_to"]["street"] == "Elsewhere 2"
    assert (await room.audited())[-1] == ("olga", "exceptions.unmask", one.transaction_id)


async def test_show_says_what_happened_what_follows_and_what_to_do(room: Staffroom) -> None:
    one = await room.refused("A-1", MISSING)
    behind = await room.follow(one)
    found = readout.shown(await room.exceptions.show(VIEWER, one.transaction_id))
    assert [it["event"] for it in found["history"]] == ["accepted", "attempted", "waits"]
    assert found["followers"] == [
        {"transaction_id": behind.transaction_id, "process": "order.cancellation",
         "reference": "X-1"}
    ]  # fmt: skip
    assert found["erp_said"] == MISSING.detail
    assert found["next_step"].startswith("create the item")
    assert found["next_step"].endswith("tried again by itself too")
    assert (found["revision"], found["waits"], found["open_attempt_s"]) == (0, True, None)
    await room.exceptions.retry(OPERATOR, one.transaction_id)
    room.erp.probes, room.erp.sends = [Absent()], [Booked("D-1"), Booked("D-2")]
    await room.spend(one)
    await room.project(one)
    found = readout.shown(await room.exceptions.show(VIEWER, one.transaction_id))
    assert (found["state"], found["followers"], found["revision"]) == ("booked", [], None)
    assert found["next_step"] == "nothing: it is booked"
    with pytest.raises(Conflict, match="it is booked"):
        await room.exceptions.retry(OPERATOR, one.transaction_id)


async def test_an_estimate_bounds_the_time_by_quota_and_by_what_was_measured(
    room: Staffroom,
) -> None:
    for n in range(3):
        await room.refused(f"A-{n}", MISSING)
    found = await room.exceptions.estimate(VIEWER, Wanted(cause="unknown-item"))
    assert (found.count, found.money) == (3, {"EUR": "59.85"})
    (drain,) = found.drains
    assert (drain.erp, drain.count, drain.ahead) == ("legacy", 3, 0)
    assert drain.quota_s == pytest.approx(6 / 20)
    assert drain.measured_s is None
    done = entry("B-1", body=order_body("B-1"))
    await room.buffer.intake.accept(done)
    room.erp.sends = [Booked("D-1")]
    await room.spend(done)
    await room.project(done)
    (drain,) = (await room.exceptions.estimate(VIEWER, Wanted())).drains
    assert drain.measured_s == pytest.approx(180)


async def test_an_estimate_says_that_a_peak_keeps_it_waiting(room: Staffroom) -> None:
    await room.refused("A-1", MISSING)
    peak = Peak("olga", "flash sale", "2026-11-27T08:00:00+00:00")
    for switched in (peak, None):
        await RedisPeaks(room.buffer.client).switch(switched)
        found = await room.exceptions.estimate(VIEWER, Wanted())
        assert (found.count, found.peak) == (1, switched)


async def test_one_fix_releases_its_group_behind_live_traffic_and_each_is_booked_once(
    room: Staffroom,
) -> None:
    held = [await room.refused(f"A-{n}", MISSING) for n in range(20)]
    other = await room.refused("B-1", REFUSED)
    done = await room.exceptions.retry_all(OPERATOR, Wanted(cause="unknown-item"), count=20)
    assert (done.released, done.gone) == (20, 0)
    again = await room.exceptions.retry_all(OPERATOR, Wanted(cause="unknown-item"), count=20)
    assert again.released == 0
    assert (await room.worker.state(other)).state == "held"
    live = entry("L-1", body=order_body("L-1"))
    await room.buffer.intake.accept(live)
    room.erp.probes = [Absent()] * 20
    room.erp.sends = [Booked(f"D-{n}") for n in range(21)]
    for one in (live, *held):
        await room.spend(one)
        await room.project(one)
    sent = [identity for what, identity in room.erp.asked if what == "send"]
    assert all(sent.count(it.transaction_id) == 2 for it in held)
    rows = [row async for row in room.auditor.rows()]
    assert [(row.subject, row.details.get("released")) for row in rows[:2]] == [
        ("20 held transactions", None), ("20 held transactions", 20),
    ]  # fmt: skip
    assert rows[0].details["money"] == {"EUR": "399.00"}


async def test_a_bulk_release_goes_in_the_lowest_class_and_one_by_name_in_its_own(
    room: Staffroom,
) -> None:
    one = await room.refused("A-1", MISSING)
    lanes = "l:legacy:3:webshop", "l:legacy:1:webshop"
    part = room.buffer.lanes._partitions[int(one.transaction_id[:2], 16)]

    async def placed() -> list[int]:
        return [await room.buffer.client.command("ZCARD", f"{part.prefix}{it}") for it in lanes]

    await room.exceptions.retry_all(OPERATOR, Wanted(), count=10)
    assert await placed() == [1, 0]
    room.erp.probes, room.erp.sends = [Absent()], [MISSING]
    await room.spend(one)
    await room.exceptions.retry(OPERATOR, one.transaction_id)
    assert await placed() == [0, 1]


async def test_no_more_are_released_than_were_estimated(room: Staffroom) -> None:
    for n in range(3):
        await room.refused(f"A-{n}", MISSING)
    assert (await room.exceptions.retry_all(OPERATOR, Wanted(), count=2)).released == 2


async def test_what_was_settled_meanwhile_is_counted_as_gone(room: Staffroom) -> None:
    one = await room.refused("A-1", MISSING)
    await room.refused("A-2", MISSING)
    await room.buffer.lanes.book(one.transaction_id, "D-9", "")
    done = await room.exceptions.retry_all(LEAD, Wanted(), count=9)
    assert (done.released, done.gone) == (1, 1)


async def test_money_of_many_currencies_is_exact_and_about_nothing_adds_nothing(
    room: Staffroom,
) -> None:
    yen = order_body("J-1") | {"currency": "JPY", "total": "1234567890123"}
    fils = order_body("K-1") | {"currency": "KWD", "total": "0.001"}
    await room.refused("J-1", REFUSED, yen)
    await room.refused("K-1", REFUSED, fils)
    await room.refused("N-1", Refused(Cause.NOT_ACCEPTED, "no"), {"order_ref": "N-1"})
    (group,) = (await room.exceptions.listing(VIEWER, Wanted())).groups
    assert (group.count, group.money) == (3, {"JPY": "1234567890123", "KWD": "0.001"})
    assert Target.LEGACY in group.erps
