"""The record of decisions and the dry runs made from it, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.canonical.exchange import DryRun, KeptBlock
from gateway.canonical.exchange.shadowing import Compared, Counts, Findings
from gateway.canonical.process import Target
from gateway.clock import SystemClock
from gateway.commands.rules.dryrun_html import page
from gateway.errors import NotFound
from gateway.flow.decisions import DecisionKeeper, ReadLog
from gateway.flow.dryrun import DryRuns, Quota, genuine
from gateway.ports import Evidence
from gateway.routing.compile import Compiled, compile_rules
from gateway.routing.facts import Facts
from gateway.routing.loader import load
from gateway.routing.recorded import Recorded, Said, rows_of, unpack
from gateway.store.ledger import SqlLedger
from tests.contract.stream import START_MS, Stream

pytestmark = pytest.mark.anyio

QUOTAS = {erp: Quota(6000, 300, 5) for erp in (Target.LEGACY, Target.CLOUD)}
FOREVER = 1 << 60


async def rows_in(ledger: SqlLedger) -> list[Recorded]:
    return [row for block in await blocks_in(ledger) for row in rows_of(unpack(block.packed))]


async def blocks_in(ledger: SqlLedger) -> Sequence[KeptBlock]:
    return await ledger.decisions(0, FOREVER, None, 10_000)


async def test_a_ledger_keeps_evidence(ledger: SqlLedger) -> None:
    conforms: Evidence = ledger
    assert await conforms.decisions(0, FOREVER, None, 10) == []


async def test_what_was_accepted_is_recorded_once_however_often_it_is_projected(
    ledger: SqlLedger,
) -> None:
    await ledger.installation(16)
    stream = Stream()
    for at in range(5):
        stream.accept(f"order:webshop:S-{at}")
    half = stream.events[:3]

    await ledger.project(stream.partition, half)
    await ledger.project(stream.partition, half)
    await ledger.project(stream.partition, stream.events)
    await ledger.project(stream.partition, stream.events)

    rows = await rows_in(ledger)
    assert len(rows) == 5
    assert {row.said.target for row in rows} == {"legacy"}
    assert len({row.object_id for row in rows}) == 5


async def reads(ledger: SqlLedger, count: int, source: str = "reads-a", first: int = 0) -> None:
    recorder = await ledger.recorder()
    for at in range(first, first + count):
        facts = Facts("inventory.availability", legal_entity="NL01", sku=f"S-{at}")
        row = recorder.of(facts, Said("legacy", "r", "v"), START_MS + at * 60_000, weight=10)
        await ledger.keep_decisions(source, at, [row])


async def test_a_batch_whose_answer_was_lost_is_kept_once(ledger: SqlLedger) -> None:
    await reads(ledger, 3)
    await reads(ledger, 3)

    assert len(await rows_in(ledger)) == 3


async def test_pages_go_through_all_blocks_once(ledger: SqlLedger) -> None:
    await reads(ledger, 7)
    await reads(ledger, 7, source="reads-b")
    seen: list[KeptBlock] = []
    last = None
    while found := await ledger.decisions(0, FOREVER, last, 3):
        seen += found
        last = found[-1]

    assert len(seen) == 14
    assert seen == sorted(seen, key=lambda it: (it.first_ms, it.source, it.seq))


async def test_merging_loses_and_doubles_nothing_also_by_two_at_once(ledger: SqlLedger) -> None:
    await reads(ledger, 30)
    await reads(ledger, 30, source="reads-b")
    before = await rows_in(ledger)

    await asyncio.gather(*(ledger.merge_decisions(START_MS + 24 * 3_600_000) for _ in range(4)))

    assert len(await blocks_in(ledger)) == 2
    key = [(row.at_ms, row.buckets) for row in before]
    assert sorted((row.at_ms, row.buckets) for row in await rows_in(ledger)) == sorted(key)


async def test_what_is_new_is_not_merged_and_what_is_old_is_forgotten(ledger: SqlLedger) -> None:
    await reads(ledger, 4)
    assert await ledger.merge_decisions(START_MS) == 0

    assert await ledger.forget_decisions(START_MS + 2 * 60_000) == 2
    assert len(await rows_in(ledger)) == 2


async def test_decisions_and_comparisons_are_kept_for_so_many_days_and_no_longer(
    ledger: SqlLedger,
) -> None:
    day_ms = 24 * 3_600_000
    clock = SystemClock()
    now_ms = int(clock.now().timestamp() * 1000)
    recorder = await ledger.recorder()
    for ago in range(5):
        facts = Facts("inventory.availability", legal_entity="NL01", sku=f"S-{ago}")
        row = recorder.of(facts, Said("legacy", "r", "v"), now_ms - ago * day_ms - 3_600_000)
        await ledger.keep_decisions("reads", ago, [row])
        at = Compared((row.at_ms) // 60_000, "r", "inventory.availability", "cloud")
        await ledger.add_findings(Findings({at: Counts(compared=1)}, {}, {}))

    await DecisionKeeper(ledger, ledger, ledger, clock, keep_days=3, payload_days=9).tidy()

    kept = [(now_ms - row.at_ms) // day_ms for row in await rows_in(ledger)]
    assert sorted(kept) == [0, 1, 2]
    assert len(await ledger.shadow_counts(0)) == 3


async def test_reads_are_kept_in_their_share_and_survive_an_outage(ledger: SqlLedger) -> None:
    log = ReadLog(ledger, SystemClock(), "reads-x", one_in=5)
    rules = shipped()
    facts = Facts("catalog.price", legal_entity="NL01", sku="S-1")
    for _ in range(23):
        log.note(facts, rules.decide(facts))

    assert await log.flush() == 4
    assert await log.flush() == 0
    (group,) = {row.group for row in await rows_in(ledger)}
    assert group.weight == 5


def shipped() -> Compiled:
    return compile_rules(load(Path(__file__).parents[2] / "routing_rules"))


async def test_a_dry_run_is_kept_under_the_hash_of_its_evidence(ledger: SqlLedger) -> None:
    await ledger.installation(16)
    stream = Stream()
    for at in range(6):
        stream.accept(f"order:webshop:S-{at}")
    await ledger.project(stream.partition, stream.events)
    runs = DryRuns(ledger, QUOTAS, SystemClock())
    draft = shipped()

    done = await runs.run(draft, START_MS - 1, START_MS + 10**6, "ada")
    again = await runs.run(draft, START_MS - 1, START_MS + 10**6, "bob")

    assert done.evidence_hash == again.evidence_hash
    assert await ledger.dry_run(done.evidence_hash) == await ledger.dry_run_of(draft.version)
    kept = await ledger.dry_run(done.evidence_hash)
    assert kept is not None
    assert genuine(kept)
    report = json.loads(kept.report)
    assert report["rules_version"] == draft.version
    assert report["evidence"]["recorded"]["decisions"] == 6
    assert "Plotly.newPlot" in page(report)


async def test_a_figure_that_was_edited_shows(ledger: SqlLedger) -> None:
    report = {
        "rules_version": "v", "evidence_hash": "0" * 64, "evidence": {"moved": {"decisions": 1}}
    }  # fmt: skip
    edited = DryRun("0" * 64, "v", datetime.now(UTC), "ada", json.dumps(report))

    assert not genuine(edited)


async def test_an_empty_period_is_said_to_be_empty(ledger: SqlLedger) -> None:
    runs = DryRuns(ledger, QUOTAS, SystemClock())

    with pytest.raises(NotFound, match="keep_days"):
        await runs.run(shipped(), 0, 1, "ada")
