"""Rules come into force when the gates let them, and who let them is written down."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.canonical.calendar import Calendar, CalendarKind, Window
from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Traffic
from gateway.canonical.exchange.owning import Import
from gateway.canonical.outcome import Cause
from gateway.canonical.process import Target
from gateway.canonical.staff import Role, Staff
from gateway.errors import Forbidden, PublishError
from gateway.flow import readiness
from gateway.flow.changes import Waiver
from gateway.flow.owner_file import OwnerFile
from gateway.flow.owner_import import OwnerImports
from gateway.routing.ruleset import RuleSet
from gateway.store.ledger import SqlLedger
from tests.unit.flow.governed import (
    APPROVER,
    LEAD,
    OPERATOR,
    Governed,
    approved,
    intake,
    rules,
)
from tests.unit.flow.test_backlog import Stage, order
from tests.valkey import Buffer

pytestmark = pytest.mark.anyio


async def test_without_staff_the_first_rules_and_the_next_go_straight_in(
    governed: Governed, tmp_path: Path
) -> None:
    first = rules(tmp_path)
    assert await governed.changes.apply(LEAD, first, "") == Marker(1, first.version)
    second = rules(tmp_path, {"nl": intake()})
    assert await governed.red(second) == {}
    assert await governed.changes.apply(LEAD, second, "") == Marker(2, second.version)


async def test_with_staff_nothing_goes_in_that_nobody_else_approved(
    strict: Governed, tmp_path: Path
) -> None:
    first = rules(tmp_path)
    assert set(await strict.red(first)) == {"approvals"}  # there is nothing to replay yet
    await approved(strict, first)
    await strict.changes.apply(LEAD, first, "")
    before = await strict.deeds()
    draft = rules(tmp_path, {"nl": intake()})
    with pytest.raises(PublishError) as refused:
        await strict.changes.apply(LEAD, draft, "")
    for told in ("dry-run: no evidence", "approvals: version", "(ask ada)", "--waive GATE=reason"):
        assert told in refused.value.detail
    assert await strict.in_force() == Marker(1, first.version)
    assert await strict.deeds() == before
    await approved(strict, draft)
    await strict.changes.apply(LEAD, draft, "")
    with pytest.raises(Forbidden, match="it needs role lead"):
        await strict.changes.apply(OPERATOR, rules(tmp_path), "")


async def test_an_edit_after_the_approval_voids_it(strict: Governed, tmp_path: Path) -> None:
    await approved(strict, first := rules(tmp_path))
    await strict.changes.apply(LEAD, first, "")
    draft = rules(tmp_path, {"nl": intake()})
    await approved(strict, draft)
    edited = rules(tmp_path, {"nl": intake(entity="DE01")})
    assert set(await strict.red(edited)) == {"dry-run", "approvals"}
    assert await strict.red(draft) == {}


async def test_a_rollback_after_the_approval_voids_it(strict: Governed, tmp_path: Path) -> None:
    first, draft = rules(tmp_path), rules(tmp_path, {"nl": intake()})
    for each in (first, draft):
        await approved(strict, each)
        await strict.changes.apply(LEAD, each, "")
    await strict.publisher.rollback("lee", "prices differ")
    with pytest.raises(PublishError, match="the rules in force changed since proposal"):
        await strict.changes.apply(LEAD, draft, "")


async def test_a_waiver_is_the_approvers_and_stands_in_the_audit_log(
    strict: Governed, tmp_path: Path
) -> None:
    draft = rules(tmp_path, {"nl": intake()})
    await approved(strict, draft, headroom=0.02)
    assert set(await strict.red(draft)) == {"quotas"}
    reasons = {"quotas": "the vendor raises it tonight"}
    for waiving, told in (
        (None, "lee may not waive quotas for their own change"),
        (OPERATOR, "olu may not do rules.waive"),
    ):
        with pytest.raises(Forbidden, match=told):
            await strict.changes.apply(LEAD, draft, "", waiver=Waiver(reasons, waiving))
    assert await strict.in_force() == Marker(0, "")
    await strict.changes.apply(LEAD, draft, "", waiver=Waiver(reasons, APPROVER))
    rows = await strict.ledger.newest(2)
    assert [(row.by, row.action) for row in rows] == [
        ("lee", "rules.apply"),
        ("ada", "rules.waive"),
    ]
    assert rows[1].reason == "the vendor raises it tonight"
    assert rows[1].details["gate"] == "quotas"
    assert rows[0].details["waived"] == ["quotas"]


@pytest.mark.parametrize(
    ("gate", "reason", "told"),
    [
        ("rules", "hurry", "no gate of that name"),
        ("quota", "hurry", "known here: dependencies, dry-run"),
        ("quotas", " ", "say why"),
    ],
)
async def test_what_cannot_be_waived(
    governed: Governed, tmp_path: Path, gate: str, reason: str, told: str
) -> None:
    with pytest.raises(PublishError, match=told):
        await governed.changes.apply(
            LEAD, rules(tmp_path), "", waiver=Waiver({gate: reason}, APPROVER)
        )


async def test_a_freeze_stops_only_whom_it_binds(governed: Governed, tmp_path: Path) -> None:
    await governed.changes.apply(LEAD, rules(tmp_path), "")
    window = Window("close", governed.now - timedelta(days=1), governed.later(3600), "November")
    governed.calendars.append(
        Calendar("nl-close", CalendarKind.FINANCE_CLOSE, "finance", frozenset({"NL01"}), (window,))
    )
    draft = rules(tmp_path, {"nl": intake()})
    red = await governed.red(draft, "nl")
    assert red["calendars"].owner == "finance"
    assert "finance-close nl-close 'close' until" in red["calendars"].finding
    assert await governed.red(rules(tmp_path, {"de": intake(entity="DE01")})) == {}
    governed.wait(3600)
    assert await governed.red(draft) == {}


async def test_a_wave_waits_for_the_wave_it_needs(governed: Governed, tmp_path: Path) -> None:
    await governed.changes.apply(LEAD, rules(tmp_path), "")
    both = {"de": intake(entity="DE01"), "nl": intake(depends_on=["de"])}
    red = await governed.red(rules(tmp_path, both))
    assert "'nl' needs 'de'" in red["dependencies"].finding
    assert await governed.red(rules(tmp_path, both), "de") == {}
    await governed.changes.apply(LEAD, rules(tmp_path, {"de": both["de"]}), "")
    assert await governed.red(rules(tmp_path, both)) == {}


async def test_what_a_process_needs_has_to_be_where_it_goes(
    governed: Governed, tmp_path: Path
) -> None:
    await governed.changes.apply(LEAD, rules(tmp_path), "")
    loaded = rules(tmp_path, {"nl": intake()})
    needy = [
        replace(it, needs=("catalog.product",)) if it.is_default and it.process == "order.intake"
        else it for it in loaded.rules
    ]  # fmt: skip
    draft = RuleSet.of(needy, loaded.waves)
    red = await governed.red(draft, "nl")
    assert "needs catalog.product there" in red["dependencies"].finding
    with pytest.raises(PublishError, match=r"dependencies: '.*' sends order\.intake"):
        await governed.changes.apply(LEAD, draft, "")


async def test_quotas_that_are_full_now_are_red(governed: Governed, tmp_path: Path) -> None:
    draft = rules(tmp_path, {"nl": intake()})
    for _ in range(19):
        grant = await governed.quotas.acquire(Target.CLOUD, {Traffic.NORMAL: 5})
        for permit in grant.permits:
            permit.how = "ok"
        await governed.quotas.give_back(Target.CLOUD, grant.permits)
    assert "cloud 5%" in (await governed.red(draft))["quotas"].finding


async def test_what_is_held_of_the_traffic_that_moves_is_red_and_nothing_else(
    governed: Governed, tmp_path: Path
) -> None:
    stage = Stage(governed, tmp_path)
    await stage.first()

    async def found() -> tuple[bool, str]:
        gates = await governed.readiness.gates(stage.cloud, Marker(1, stage.legacy.version), "nl")
        (gate,) = (gate for gate in gates if gate.name == "exceptions")
        return gate.green, gate.finding

    for ref, entity, expected in (
        ("G-1", "DE01", (True, "0 held")),
        ("D-1", "NL01", (False, "1 held; `coexist exceptions list` shows them")),
    ):
        one = order(ref, stage.legacy, 1, entity)
        await stage.intake.accept(one)
        await stage.tried(one)
        await stage.lanes.hold(stage.taken, Cause.NOT_ACCEPTED, "no")
        await stage.project()
        assert await found() == expected


async def test_more_exceptions_than_can_be_looked_at_are_red(
    governed: Governed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What moves may be among those that nobody looked at."""
    stage = Stage(governed, tmp_path)
    await stage.first()
    for n in range(3):
        one = order(f"G-{n}", stage.legacy, 1, "DE01")
        await stage.intake.accept(one)
        await stage.tried(one)
        await stage.lanes.hold(stage.taken, Cause.NOT_ACCEPTED, "no")
    await stage.project()
    assert "exceptions" not in await governed.red(stage.cloud, "nl")
    monkeypatch.setattr(readiness, "EXCEPTIONS_MAX", 2)
    red = await governed.red(stage.cloud, "nl")
    assert red["exceptions"].finding.startswith("0 held of the 2 looked at, and there are more")


async def test_an_import_of_owners_that_is_not_through_is_red(
    governed: Governed, tmp_path: Path
) -> None:
    begun = Import("f" * 64, "owners.csv", "lee", governed.now)
    await governed.ledger.begin_import(begun)
    red = await governed.red(rules(tmp_path))
    assert "the import of owners.csv stands at line 0" in red["ownership"].finding


@pytest.mark.parametrize("required", [True, False])
async def test_a_wave_that_moves_orders_waits_for_the_owners_of_older_ones(
    buffer: Buffer, ledger: SqlLedger, tmp_path: Path, required: bool
) -> None:
    """Red till an import is through with nothing left out; a file put right takes its place."""
    it = Governed(buffer, ledger, required=required)

    async def said(mode: str = "cloud", older: str = "imported") -> str:
        gates = await it.readiness.gates(
            rules(tmp_path / "draft", {"nl": intake(mode, older_orders=older)}), Marker(0, ""), "nl"
        )
        (gate,) = (gate for gate in gates if gate.name == "ownership")
        return "" if gate.green else gate.finding

    async def imported(*lines: str) -> None:
        path = tmp_path / "owners.csv"
        path.write_text("\n".join(("object_key,owner", *lines, "")))
        imports = OwnerImports(ledger, it.auditor, it.clock)
        await imports.run(OwnerFile(path), LEAD, "", lambda _: None)
        it.clock.passed_s += 1

    def whole(text: str) -> str:
        return text if required else ""

    assert whole("nl moves orders, and no owner of older ones was imported") in await said()
    assert bool(await said()) == required
    for green in ({"older": "looked-up"}, {"older": "none"}, {"mode": "hold"}, {"mode": "legacy"}):
        assert await said(**green) == ""
    await imported()
    assert bool(await said()) == required, "an empty file says nothing"
    good, doubled = "order:webshop:1,legacy", "order:webshop:1,legacy"
    await imported(good, "order:webshop:1,cloud", "order:webshop:2,nobody")
    assert whole("owners.csv left lines out (1 conflict, 1 unreadable)") in await said()
    assert [await said(older="none"), await said("hold")] == ["", ""]
    await imported(good, doubled, "order:webshop:2,cloud")
    assert await said() == "", "the file was put right; what it says twice alike harms nothing"


async def test_what_was_checked_is_what_it_is_flipped_over(
    governed: Governed, tmp_path: Path
) -> None:
    """Another admin's flip between the check and ours does not slip under our approval."""
    first, mine, theirs = (
        rules(tmp_path), rules(tmp_path, {"nl": intake()}), rules(tmp_path, {"de": intake()}),
    )  # fmt: skip
    await governed.changes.apply(LEAD, first, "")
    record = governed.auditor.record

    async def slow(*args: object, **details: object) -> object:
        governed.auditor.record = record  # type: ignore[method-assign]
        await governed.publisher.apply(theirs, "bob", "")
        return await record(*args, **details)  # type: ignore[arg-type]

    governed.auditor.record = slow  # type: ignore[assignment, method-assign]
    with pytest.raises(
        PublishError, match=f"somebody else was first: rule version {theirs.version}"
    ):
        await governed.changes.apply(LEAD, mine, "")
    assert (await governed.in_force()).version == theirs.version


async def test_roles_that_may_flip(governed: Governed, tmp_path: Path) -> None:
    for role in Role:
        staff = Staff("sam", frozenset({role}), "cli")
        if role is Role.LEAD:
            await governed.changes.apply(staff, rules(tmp_path), "")
            continue
        with pytest.raises(Forbidden):
            await governed.changes.apply(staff, rules(tmp_path, {role.value: intake()}), "")
