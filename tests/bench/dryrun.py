"""A dry run over a million recorded decisions, from a SQLite ledger, on one core.

The record is that of a month, or of three days if run quickly: orders of 200,000 customers,
receipts of forty stores, follow-ups and sampled reads. The draft is the example's six waves. What
counts is processor time, all threads together: reading, unpacking, deciding again, following owners
and customers, and the report.
Beside it, in turns with it, a plain loop over the same record: each row made an object, decided by
itself and counted by where it goes, without owners, customers, money, minutes or a report.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from gateway.canonical.exchange import KeptBlock
from gateway.canonical.process import Target
from gateway.clock import SystemClock
from gateway.flow.dryrun import PAGE, DryRuns, Quota
from gateway.routing.compile import Compiled, compile_rules
from gateway.routing.facts import Facts
from gateway.routing.loader import load
from gateway.routing.recorded import NO_BUCKET, Group, Recorded, Said, pack, rows_of, unpack
from gateway.store.ledger import SqlLedger, open_ledger
from tests.bench.figure import Figure, at_least, at_most

DECISIONS = 1_000_000
BAR_S = 10.0
BLOCK = 2_000
ROUNDS = 2
START_MS = 1_795_000_000_000
DAY_MS = 24 * 3_600_000
MONTH_MS = 30 * DAY_MS

QUOTAS = {erp: Quota(6000, 300, 5) for erp in (Target.LEGACY, Target.CLOUD)}


def run(quick: bool) -> list[Figure]:
    """Return decisions per second, the time a million take, and beside it a plain loop's."""
    decisions = DECISIONS // 10 if quick else DECISIONS
    with TemporaryDirectory() as folder:
        ours_s, plain_s, size = asyncio.run(_measure(Path(folder), decisions))
    return [
        at_most("dry run: a million decisions", ours_s / decisions * 1e6, "s CPU", "", BAR_S),
        at_least("dry run: decisions", decisions / ours_s, "/s", "", DECISIONS / BAR_S),
        Figure("dry run: of a plain loop's time", ours_s / plain_s, "x", "each row by itself"),
        Figure("dry run: recorded decision", size / decisions, "B"),
    ]


async def _measure(folder: Path, decisions: int) -> tuple[float, float, int]:
    ledger = await open_ledger(f"sqlite:///{folder}/ledger.sqlite")
    period_ms = MONTH_MS * decisions // DECISIONS
    size = await _fill(ledger, decisions, period_ms)
    draft = compile_rules(load(Path(__file__).parents[2] / "routing_rules"))
    runs = DryRuns(ledger, QUOTAS, SystemClock())
    until_ms = START_MS + period_ms + 1
    ours_s, plain_s = [], []
    for _ in range(ROUNDS):
        started_s = time.process_time()
        await runs.run(draft, START_MS, until_ms, "bench")
        done_s = time.process_time()
        assert await _plainly(ledger, draft, until_ms) == decisions
        ours_s.append(done_s - started_s)
        plain_s.append(time.process_time() - done_s)
    await ledger.close()
    return min(ours_s), min(plain_s), size


async def _plainly(ledger: SqlLedger, draft: Compiled, until_ms: int) -> int:
    counted: Counter[tuple[str, str, str]] = Counter()
    last: KeptBlock | None = None
    while page := await ledger.decisions(START_MS, until_ms, last, PAGE):
        for block in page:
            for row in rows_of(unpack(block.packed)):
                facts = row.group.facts
                facts = facts._replace(customer_ref=str(row.customer_id or ""))
                decision = draft.decide(facts)
                counted[facts.process, row.said.target, decision.target or ""] += 1
        last = page[-1]
    return counted.total()


async def _fill(ledger: SqlLedger, decisions: int, period_ms: int) -> int:
    chance = Random(7)
    groups = [_groups(day) for day in range(1, 31)]
    said = [Said(it, "default", "000000000000") for it in ("legacy", "cloud")]
    size = 0
    for first in range(0, decisions, BLOCK):
        rows = [
            _row(chance, groups, said, period_ms * (first + at) // decisions)
            for at in range(min(BLOCK, decisions - first))
        ]
        size += len(pack(rows))
        await ledger.keep_decisions("bench", first, rows)
    return size


def _row(chance: Random, days: list[list[Group]], said: list[Said], since_ms: int) -> Recorded:
    groups = days[since_ms // DAY_MS]
    group = groups[int(chance.random() * len(groups))]
    order = group.facts.process == "order.intake"
    buckets = (int(chance.random() * 10_000), int(chance.random() * 10_000), NO_BUCKET)
    return Recorded(
        START_MS + since_ms, group, said[chance.random() < 0.1], buckets,
        object_id=int(chance.random() * 2**50),
        customer_id=1 + int(chance.random() * 200_000) if order else 0,
        value=int(chance.random() * 1_000_000) if group.currency else 0,
    )  # fmt: skip


def _groups(day: int) -> list[Group]:
    """Return the combinations of facts that occur on a day, as often as they do."""
    found = []
    for channel in ("webshop", "marketplace"):
        for entity, countries in (("NL01", ("NL", "BE")), ("DE01", ("DE", "AT", "CH"))):
            common = {"channel": channel, "legal_entity": entity}
            for country in countries:
                intake = Facts("order.intake", **common, country=country)
                found += [Group(intake, "EUR")] * 4
            found.append(Group(Facts("order.cancellation", **common), ""))
            found += [Group(Facts("return.credit", **common), "EUR")] * 2
            found += [Group(Facts("inventory.availability", **common), "", 10)] * 2
    for number in range(1, 41):
        store = f"NL-{number:03d}" if number <= 24 else f"DE-{number - 24:03d}"
        sale = Facts("store.sale", channel="pos", legal_entity=f"{store[:2]}01", store=store,
                     business_date=f"2027-06-{day:02d}")  # fmt: skip
        found.append(Group(sale, "EUR"))
    return found
