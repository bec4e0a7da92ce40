"""Shadow comparisons in the ledger, on SQLite and on PostgreSQL: added up, and bounded."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.canonical.exchange.shadowing import (
    Compared,
    Counts,
    Example,
    Field,
    FieldCounts,
    Findings,
)
from gateway.ports import ShadowLog
from gateway.store.ledger import SqlLedger
from gateway.store.ledger.shadows import EXAMPLES_MAX

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 21, tzinfo=UTC)
MINUTE = int(AT.timestamp()) // 60
FIELD = Field("catalog.price", "cloud", "unit_price")


def findings(first: int = 0, keys: int = 1, minute: int = MINUTE) -> Findings:
    at = Compared(minute, "r-1", "catalog.price", "cloud")
    examples = {
        (FIELD, f"S-{it}"): Example(FIELD, f"S-{it}", "1", "2", AT + timedelta(seconds=it))
        for it in range(first, first + keys)
    }
    return Findings(
        {at: Counts(compared=keys, different=keys, controls=1)},
        {(FIELD, minute // 60): FieldCounts(keys, 1)},
        examples,
    )


async def test_batches_of_many_gateways_add_up(ledger: SqlLedger) -> None:
    log: ShadowLog = ledger
    await asyncio.gather(*(log.add_findings(findings(keys=3)) for _ in range(8)))

    (counts,) = (await log.shadow_counts(0)).values()
    assert counts == Counts(compared=24, different=24, controls=8)
    assert await log.shadow_fields(0) == {(FIELD, MINUTE // 60): FieldCounts(24, 8)}
    assert [it.times for it in await log.shadow_examples(FIELD, 10)] == [8, 8, 8]
    assert await log.shadow_rate(["r-1"], MINUTE) == (24, 24)
    assert await log.shadow_rate(["r-1"], MINUTE + 1) == (0, 0)


async def test_of_examples_the_newest_are_kept(ledger: SqlLedger) -> None:
    for first in range(0, EXAMPLES_MAX * 2, 100):
        await ledger.add_findings(findings(first, 100))

    kept = await ledger.shadow_examples(FIELD, 10_000)
    assert len(kept) == EXAMPLES_MAX
    assert kept[0].business_key == f"S-{EXAMPLES_MAX * 2 - 1}"


async def test_what_is_old_is_forgotten(ledger: SqlLedger) -> None:
    await ledger.add_findings(findings(minute=MINUTE))
    await ledger.add_findings(findings(minute=MINUTE + 24 * 60))
    await ledger.forget_shadows(MINUTE + 60)

    assert [it.minute for it in await ledger.shadow_counts(0)] == [MINUTE + 24 * 60]
    assert len(await ledger.shadow_fields(0)) == 1
