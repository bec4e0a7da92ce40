"""`coexist shadow report`: by process, field path and business key, with noise off, as a trend."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.canonical.exchange.shadowing import (
    Compared,
    Counts,
    Example,
    Field,
    FieldCounts,
    Findings,
)
from gateway.flow.shadow_report import shadow_report
from gateway.settings import load
from gateway.store.ledger import SqlLedger, open_ledger
from tests.contract.command_line import coexist

PRICE = Field("catalog.price", "cloud", "unit_price")
TAX = Field("catalog.price", "cloud", "tax_included")
STOCK = Field("inventory.availability", "legacy", "available")
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def day(ago: int, hour: int = 0) -> datetime:
    """A time so many days ago."""
    return TODAY - timedelta(days=ago) + timedelta(hours=hour)


def minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def batch(
    at: datetime, field: Field, compared: int, different: int, noise: int, controls: int = 0
) -> Findings:
    """What one process counted of a field in a minute, with an example for each business key."""
    where = Compared(minute(at), "r-1", field.process, field.candidate)
    counts = Counts(compared=compared, different=different, controls=controls, failed=1, skipped=2)
    examples = {
        (field, key): Example(field, key, "9.95", value, at)
        for key, value in (("S-1|NL01", "8.00"), ("S-2|NL01", "7.00"))[:different]
    }
    return Findings({where: counts}, {(field, minute(at) // 60): FieldCounts(different, noise)},
                    examples)  # fmt: skip


STORY = [
    batch(day(8), PRICE, 500, 400, 0),  # before what is asked for
    batch(day(2), PRICE, 100, 50, 4, controls=20),
    batch(day(1, 1), PRICE, 60, 20, 2, controls=10),
    batch(day(1, 5), PRICE, 40, 5, 0, controls=10),
    batch(day(1, 5), TAX, 0, 1, 0),
    batch(day(0), STOCK, 10, 2, 0),
]


async def kept(ledger: SqlLedger) -> None:
    for findings in STORY:
        await ledger.add_findings(findings)


def by_path(process: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {it["path"]: it for it in process["fields"]}


@pytest.mark.anyio
async def test_counts_trend_and_noise_are_told_by_process_and_field(ledger: SqlLedger) -> None:
    await kept(ledger)

    found = await shadow_report(ledger, day(7))

    prices, stock = found["processes"]
    assert (prices["process"], prices["candidate"]) == ("catalog.price", "cloud")
    assert (prices["compared"], prices["different"], prices["controls"]) == (200, 76, 40)
    assert (prices["failed"], prices["skipped"], prices["rate"]) == (4, 8, 0.38)
    assert prices["days"] == [
        {"day": f"{day(2):%Y-%m-%d}", "compared": 100, "different": 50},
        {"day": f"{day(1):%Y-%m-%d}", "compared": 100, "different": 26},
    ]
    price = by_path(prices)["unit_price"]
    # 75 of 200 differ; of 40 times the control was asked twice, it differed from itself 6 times.
    assert (price["different"], price["rate"], price["noise_rate"], price["net_rate"]) == (
        75, 0.375, 0.15, 0.225,
    )  # fmt: skip
    assert price["days"] == [
        {"day": f"{day(2):%Y-%m-%d}", "different": 50},
        {"day": f"{day(1):%Y-%m-%d}", "different": 25},
    ]
    assert [it["path"] for it in prices["fields"]] == ["unit_price", "tax_included"]
    assert (stock["process"], stock["compared"], stock["different"]) == (
        "inventory.availability", 10, 2,
    )  # fmt: skip


@pytest.mark.anyio
async def test_examples_are_kept_by_business_key_and_say_how_often_and_when_last(
    ledger: SqlLedger,
) -> None:
    await kept(ledger)

    prices, stock = (await shadow_report(ledger, day(7)))["processes"]

    newest = {it["business_key"]: it for it in by_path(prices)["unit_price"]["examples"]}
    assert newest["S-1|NL01"] == {
        "business_key": "S-1|NL01", "control": "9.95", "candidate": "8.00", "times": 4,
        "last_at": day(1, 5).isoformat(timespec="seconds"),
    }  # fmt: skip
    assert newest["S-2|NL01"]["candidate"] == "7.00"
    assert len(by_path(stock)["available"]["examples"]) == 2


@pytest.mark.anyio
async def test_noise_above_what_differs_leaves_nothing(ledger: SqlLedger) -> None:
    await ledger.add_findings(batch(day(0), PRICE, 100, 5, 5, controls=10))

    (prices,) = (await shadow_report(ledger, day(1)))["processes"]

    assert by_path(prices)["unit_price"]["net_rate"] == 0.0


def test_the_command_shows_the_trend_and_says_if_nothing_was_compared(home: Path) -> None:
    assert coexist("shadow", "report").startswith("nothing was compared; name a shadow in a rule")
    assert json.loads(coexist("shadow", "report", "--json"))["processes"] == []

    async def keep() -> None:
        ledger = await open_ledger(load().ledger)
        await kept(ledger)
        await ledger.close()

    asyncio.run(keep())
    shown = " ".join(coexist("shadow", "report", "--since", f"{day(7):%Y-%m-%d}").split())
    assert "catalog.price against cloud: 76 of 200 differ (38.00%)" in shown
    assert "4 without an answer, 8 not asked, 40 asked twice" in shown
    assert f"by day {day(2):%m-%d}: 50/100 {day(1):%m-%d}: 26/100" in shown
    told = json.loads(coexist("shadow", "report", "--json", "--since", f"{day(7):%Y-%m-%d}"))
    assert [it["process"] for it in told["processes"]] == [
        "catalog.price", "inventory.availability",
    ]  # fmt: skip
