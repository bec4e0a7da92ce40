"""Crosswalks in the ledger, on SQLite and PostgreSQL: version after version, and the gaps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.canonical.crosswalk import Crossing, CrosswalkKind
from gateway.canonical.process import Target
from gateway.canonical.staff import Role, Staff
from gateway.canonical.unmapped import unmapped
from gateway.chain.plan import CustomerSource, Plan
from gateway.clock import SystemClock
from gateway.errors import Conflict, Forbidden
from gateway.flow.audit import Auditor
from gateway.flow.crosswalks import CrosswalkKeeper, gaps_since, import_table
from gateway.mapping.crosswalk import Crosswalk, Crosswalks
from gateway.store.ledger import SqlLedger, open_ledger
from tests.contract.stream import Stream
from tests.unit.erp.envelopes import order

NewLedger = Callable[[], str]
SKU = CrosswalkKind.SKU
OPS = Staff("olga", frozenset({Role.OPERATOR}), "cli")
ROWS = [
    Crossing("", "TEE-BLK-M", "100", "I-1"),
    Crossing("webshop", "CAP", "200", "", date(2026, 11, 1), date(2027, 1, 1)),
]

pytestmark = pytest.mark.anyio


async def bring(
    ledger: SqlLedger, rows: list[Crossing], steward: str = "", staff: Staff = OPS
) -> tuple[int, bool]:
    version, fresh = await import_table(
        ledger, Auditor(ledger), SystemClock(), staff, SKU, rows, steward=steward, note="why"
    )
    return version.version, fresh


async def test_tables_come_back_as_they_were_imported(ledger: SqlLedger) -> None:
    assert await ledger.crosswalk_versions() == []
    assert await bring(ledger, ROWS, "item-master") == (1, True)
    assert await bring(ledger, ROWS[:1]) == (2, True)
    assert await ledger.crosswalk_rows(SKU, 1) == ROWS
    assert await ledger.crosswalk_rows(SKU, 9) == []
    [newest] = await ledger.crosswalk_versions()
    assert (newest.version, newest.rows, newest.steward) == (2, 1, "item-master")


async def test_the_same_table_again_changes_nothing(ledger: SqlLedger) -> None:
    await bring(ledger, ROWS)
    assert await bring(ledger, ROWS) == (1, False)
    assert await bring(ledger, ROWS, "somebody-else") == (2, True)


async def test_of_two_that_import_at_once_one_is_told(new_ledger: NewLedger) -> None:
    url = new_ledger()
    ledgers = [await open_ledger(url) for _ in range(4)]
    done = await asyncio.gather(
        *(bring(it, [Crossing("", f"S-{n}", "1", "2")]) for n, it in enumerate(ledgers)),
        return_exceptions=True,
    )
    kept = sorted(it for it in done if not isinstance(it, BaseException))
    assert kept == [(n, True) for n in range(1, len(kept) + 1)], done
    assert all(isinstance(it, Conflict) for it in done if isinstance(it, BaseException)), done
    for it in ledgers:
        await it.close()


async def test_who_may_not_import_does_not(ledger: SqlLedger) -> None:
    with pytest.raises(Forbidden, match=r"xref\.import"):
        await bring(ledger, ROWS, staff=Staff("vic", frozenset({Role.VIEWER}), "cli"))
    assert await ledger.crosswalk_versions() == []


async def test_a_process_sees_a_new_version_at_its_next_look(ledger: SqlLedger) -> None:
    keeper = CrosswalkKeeper(ledger)
    assert (await keeper.refresh()).shape({SKU}) == ""
    await bring(ledger, ROWS)
    assert keeper.tables().shape({SKU}) == ""
    seen = await keeper.refresh()
    assert seen.shape({SKU}) == "sku 1"
    assert await keeper.refresh() is seen, "nothing is loaded twice"
    await bring(ledger, ROWS[:1])
    assert (await keeper.refresh()).shape({SKU}) == "sku 2"


async def test_gaps_of_recent_business_are_counted(ledger: SqlLedger) -> None:
    stream = Stream()
    for n in range(3):
        stream.accept(f"order:webshop:S-{n}")
    await ledger.project(stream.partition, stream.events)
    keeper = CrosswalkKeeper(ledger)
    long_ago = datetime.now(UTC) - timedelta(days=3000)
    assert not await gaps_since(ledger, await keeper.refresh(), long_ago)
    await bring(ledger, [Crossing("", "nothing", "1", "2")], "item-master")
    found = await gaps_since(ledger, await keeper.refresh(), long_ago, [Target.CLOUD])
    assert {it.erp for it in found} <= {Target.CLOUD}
    assert all(it.steward == "item-master" for it in found)


@pytest.mark.parametrize(
    ("plan", "missing"),
    [
        (None, {("customer", "C-1001"), ("sku", "WRAP")}),
        (Plan(customer=CustomerSource.ERP), {("sku", "WRAP")}),
        (Plan(customer=CustomerSource.COLLECTIVE, collective="WEB"), {("sku", "WRAP")}),
        (Plan(customer=CustomerSource.COLLECTIVE, collective="NOBODY", fees={"WRAP": "TEE-BLK-M"}),
         {("customer", "NOBODY")}),
        (Plan(customer=CustomerSource.ERP, fees={"OTHER": "TEE-BLK-M"}, node="AMS"),
         {("sku", "WRAP"), ("location", "AMS")}),
    ],
    ids=["no chain", "created", "collective", "unknown collective, fee", "unknown fee, node"],
)  # fmt: skip
async def test_what_the_chain_will_see_to_is_no_gap(
    plan: Plan | None, missing: set[tuple[str, str]], ledger: SqlLedger
) -> None:
    wrap = {"line": 2, "sku": "WRAP", "quantity": 1, "unit_price": "2.00", "kind": "fee"}
    sold = order().model_dump(mode="json")
    stream = Stream()
    stream.accept("order:webshop:S-1", body={**sold, "lines": [*sold["lines"], wrap]})
    stream.accept("order:webshop:S-2", body=unmapped({"order_ref": "S-2"}, [], "{}"))
    await ledger.project(stream.partition, stream.events)
    tables = Crosswalks({
        SKU: Crosswalk(SKU, 1, "", ROWS[:1]),
        CrosswalkKind.CUSTOMER: Crosswalk(
            CrosswalkKind.CUSTOMER, 1, "", [Crossing("", "WEB", "1", "1")]
        ),
        CrosswalkKind.LOCATION: Crosswalk(CrosswalkKind.LOCATION, 1, "", []),
    })  # fmt: skip
    plans = {} if plan is None else {("webshop", ""): plan}
    long_ago = datetime.now(UTC) - timedelta(days=3000)
    found = await gaps_since(ledger, tables, long_ago, [Target.CLOUD], plans)
    assert {(it.kind.value, it.source) for it in found} == missing
