"""What a dry run reports, figure by figure, against a count made by hand of what was recorded.

What was recorded is known as a plain list too, from which this test counts by itself.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from plotly.offline import get_plotlyjs

from gateway.canonical.process import Target
from gateway.clock import SystemClock
from gateway.commands.rules.dryrun_html import page
from gateway.flow.dryrun import DryRuns, Quota
from gateway.routing.compile import compile_rules
from gateway.routing.model import Mode
from gateway.store.ledger import SqlLedger
from tests.contract.dryrun_story import HOUR_S, HOURS, START_S, Asked, draft, keep, story
from tests.contract.stream import START_MS, Stream
from tests.unit.flow.rulesets import all_to

pytestmark = pytest.mark.anyio

#: 20 calls a minute, and less for a while than what comes.
QUOTA = Quota(calls_max=100, window_s=300, concurrent_max=5)
GRANTED_A_MINUTE = 20
READS, WRITES = {"catalog.price"}, {"order.intake", "store.sale", "return.credit"}


@pytest.fixture
async def asked(seed: int) -> list[Asked]:
    return story(Random(seed))


@pytest.fixture
async def report(ledger: SqlLedger, asked: list[Asked]) -> dict[str, Any]:
    await keep(ledger, asked)
    runs = DryRuns(ledger, dict.fromkeys((Target.LEGACY, Target.CLOUD), QUOTA), SystemClock())
    until_ms = (START_S + HOURS * HOUR_S) * 1000
    done = await runs.run(compile_rules(draft()), START_S * 1000, until_ms, "ada")
    made: dict[str, Any] = json.loads(done.report)
    return made


def decided(asked: list[Asked]) -> list[Asked]:
    return [it for it in asked if it.process != "catalog.product"]


def by(asked: list[Asked], *names: str) -> list[dict[str, Any]]:
    """Count what moves by some of its fields, the most first."""
    moved = [it for it in decided(asked) if it.went != it.goes]
    counts = Counter(tuple(getattr(it, name) for name in names) for it in moved)
    money: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for it in moved:
        money[tuple(getattr(it, name) for name in names)] += it.value
    called = {"entity": "legal_entity", "went": "from", "goes": "to"}
    return [
        {
            **{called.get(name, name): part for name, part in zip(names, group, strict=True)},
            "decisions": count,
            "value": {"EUR": f"{money[group]:.2f}"} if money[group] else {},
        }
        for group, count in counts.items()
    ]


def same(found: list[dict[str, Any]], counted: list[dict[str, Any]]) -> bool:
    def sort(rows: list[dict[str, Any]]) -> list[str]:
        return sorted(json.dumps(row, sort_keys=True) for row in rows)

    return sort(found) == sort(counted)


def instant(minute: int) -> str:
    return datetime.fromtimestamp(START_S + minute * 60, UTC).isoformat(timespec="seconds")


async def test_what_moves_is_told_by_process_channel_entity_hour_and_value(
    report: dict[str, Any], asked: list[Asked]
) -> None:
    moved, all_of_them = report["evidence"]["moved"], decided(asked)
    gone = [it for it in all_of_them if it.went != it.goes]
    assert report["evidence"]["recorded"]["decisions"] == len(all_of_them)
    assert moved["decisions"] == len(gone) > 200
    assert moved["share"] == round(len(gone) / len(all_of_them), 6)
    assert moved["value"] == {"EUR": f"{sum(it.value for it in gone):.2f}"}
    assert same(moved["by_process"], by(asked, "process", "went", "goes"))
    assert same(moved["by_channel"], by(asked, "process", "channel", "went", "goes"))
    assert same(moved["by_entity"], by(asked, "process", "entity", "went", "goes"))
    for rows in (moved["by_process"], moved["by_channel"], moved["by_entity"]):
        assert [it["decisions"] for it in rows] == sorted(
            (it["decisions"] for it in rows), reverse=True
        )
    assert len(moved["by_hour"]) == HOURS
    for hour, row in enumerate(moved["by_hour"]):
        here = [it for it in gone if it.hour == hour]
        assert row["hour"] == instant(hour * 60)
        assert row["decisions"] == sum(it.hour == hour for it in all_of_them)
        assert row["moved"] == Counter(f"{it.went} -> {it.goes}" for it in here)
        assert row["value"] == {"EUR": f"{sum(it.value for it in here):.2f}"}


async def test_conflicts_are_counted_by_customer_and_by_object(
    report: dict[str, Any], asked: list[Asked]
) -> None:
    conflicts = report["evidence"]["conflicts"]
    worlds: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for it in asked:
        if it.customer:
            worlds[it.customer][0].add(it.went)
            worlds[it.customer][1].add(it.goes)
    both = {"legacy", "cloud"}
    newly = sum(after == both and before != both for before, after in worlds.values())
    back = sum("cloud" in before and "cloud" not in after for before, after in worlds.values())
    assert conflicts["sticky"] == {
        "seen": len(worlds),
        "both_recorded": sum(before == both for before, _ in worlds.values()),
        "both_draft": sum(after == both for _, after in worlds.values()),
        "newly_both": newly,
        "back_to_legacy": back,
        "without_key": {
            "order.intake": sum(
                it.process == "order.intake" and it.entity == "FR01" and not it.customer
                for it in asked
            )
        },
    }
    wanted = {"kiosk": "cloud", "till": "legacy"}
    clashes = Counter(
        (it.channel, it.entity, it.store, it.goes)
        for it in asked
        if it.store and it.goes != wanted[it.channel]
    )
    ownership = conflicts["ownership"]
    assert ownership["decisions"] == clashes.total() > 0
    assert ownership["objects"][0].keys() >= {"process", "store", "business_date", "owner"}
    listed = {
        (it["channel"], it["legal_entity"], it["store"], it["owner"]): it["decisions"]
        for it in ownership["objects"]
    }
    assert listed.items() <= clashes.items()
    assert len(listed) == min(50, len(clashes))
    forgotten = sum(it.process == "catalog.product" for it in asked)
    assert conflicts["undecided"] == {"catalog.product": forgotten}
    assert conflicts["total"] == clashes.total() + newly + back + forgotten


def fluid(calls: dict[int, tuple[int, int]]) -> dict[str, Any]:
    """Run every minute of the day by hand: reads first, what is left to writes, the rest waits."""
    waiting = refused = most = 0.0
    at = cleared = None
    for minute in range(HOURS * 60 + 60):
        reads, writes = calls.get(minute, (0, 0))
        refused += max(0, reads - GRANTED_A_MINUTE)
        waiting = max(0.0, waiting + writes - max(0, GRANTED_A_MINUTE - reads))
        if waiting > most:
            most, at, cleared = waiting, minute, None
        elif not waiting and at is not None and cleared is None:
            cleared = minute
    window = [
        sum(sum(calls.get(m, (0, 0))) for m in range(minute - 4, minute + 1))
        for minute in range(HOURS * 60)
    ]
    peak = max(window)
    return {
        "calls": sum(map(sum, calls.values())),
        "peak_share": round(peak / QUOTA.calls_max, 4),
        "headroom": round(1 - peak / QUOTA.calls_max, 4),
        "peak_at": instant(window.index(peak)),
        "reads_refused": round(refused),
        "backlog_calls_max": round(most),
        "backlog_at": None if at is None else instant(at),
        "delay_s_max": round(most / GRANTED_A_MINUTE * 60),
        "backlog_cleared_at": None if cleared is None else instant(cleared),
    }


@pytest.mark.parametrize("erp", ["legacy", "cloud"])
@pytest.mark.parametrize("world", ["recorded", "draft"])
async def test_what_each_erp_has_to_take_is_held_against_its_quota(
    report: dict[str, Any], asked: list[Asked], erp: str, world: str
) -> None:
    load = report["evidence"]["load"][erp]
    assert load["quota"] == {
        "calls_max": 100, "window_s": 300, "concurrent_max": 5, "call_s": None,
        "calls_per_minute": 20.0,
    }  # fmt: skip
    calls: dict[int, tuple[int, int]] = {}
    for it in decided(asked):
        if (it.went if world == "recorded" else it.goes) == erp:
            reads, writes = calls.get(it.minute, (0, 0))
            read = it.process in READS
            assert read or it.process in WRITES
            calls[it.minute] = (reads + read, writes + (not read))
    assert load[world] == fluid(calls)
    if world == "draft" and erp == "cloud":
        assert load[world]["headroom"] < 0, "the rush is more than it may be asked"
        assert load[world]["backlog_calls_max"] > 0


def plots(text: str) -> dict[str, Any]:
    """Read back what the page draws."""
    found = {}
    decoder = json.JSONDecoder()
    for name in ("hours", "value", "load"):
        start = text.index(f'Plotly.newPlot("{name}", ') + len(f'Plotly.newPlot("{name}", ')
        found[name], _ = decoder.raw_decode(text[start:])
    return found


async def test_the_page_says_and_draws_the_same(report: dict[str, Any], asked: list[Asked]) -> None:
    text, found = page(report), report["evidence"]
    gone = [it for it in decided(asked) if it.went != it.goes]
    assert f"What moves: {len(gone):,} decisions" in text
    assert report["evidence_hash"] in text
    ours = text.replace(get_plotlyjs(), "")
    assert len(ours) < len(text) - 1_000_000, "the script that draws is in the page"
    assert not re.search(r"<(?:script|link|img)[^>]*(?:src|href)=", ours), "it needs no network"
    for title in ("By process", "By channel", "By legal entity", "Conflicts", "What each ERP"):
        assert title in text
    for row in by(asked, "process", "channel", "went", "goes"):
        cells = [row["process"], row["channel"], row["from"], row["to"], f"{row['decisions']:,}"]
        assert "".join(f"<td>{it}</td>" for it in cells[:4]) in text
        assert f"<td class=n>{cells[4]}</td>" in text
    drawn = plots(text)
    bars = {it["name"]: it for it in drawn["hours"]}
    for name in {f"{it.went} -> {it.goes}" for it in gone}:
        counted = Counter(it.hour for it in gone if f"{it.went} -> {it.goes}" == name)
        assert bars[name]["y"] == [counted[hour] for hour in range(HOURS)]
        assert bars[name]["x"] == [instant(hour * 60) for hour in range(HOURS)]
    (money,) = drawn["value"]
    assert money["name"] == "EUR"
    assert money["y"] == [float(sum(it.value for it in gone if it.hour == n)) for n in range(HOURS)]
    shares = {it["name"]: dict(zip(it["x"], it["y"], strict=True)) for it in drawn["load"]}
    for world in ("recorded", "draft"):
        for erp in ("legacy", "cloud"):
            assert shares[world][erp] == round(100 * found["load"][erp][world]["peak_share"], 1)
    conflicts = found["conflicts"]
    assert f"<td class=n>{conflicts['ownership']['decisions']:,}</td>" in text
    assert f"<td class=n>{conflicts['sticky']['newly_both']:,}</td>" in text


async def test_a_name_that_looks_like_markup_is_shown_as_it_is(report: dict[str, Any]) -> None:
    text = (
        json.dumps(report)
        .replace('"web"', '"</script><b>"')
        .replace("legacy -> cloud", "</script> -> cloud")
    )
    shown = page(json.loads(text)).replace(get_plotlyjs(), "")
    assert "&lt;/script&gt;&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert shown.count("</script>") == 2, "that of plotly and that which draws"


async def test_a_message_costs_as_many_calls_and_seconds_as_the_ledger_saw(
    ledger: SqlLedger,
) -> None:
    await ledger.installation(16)
    stream = Stream()
    for n in range(40):
        identity = stream.accept(f"order:webshop:S-{n}")
        stream.add("attempted", identity, attempt="1")
        stream.add("deferred", identity, reason="busy", unknown="0")
        stream.add("attempted", identity, attempt="2")
        late = stream.add("booked", identity, document="4711", result="")
        stream.events[-1] = replace(late, at_ms=late.at_ms + 4_000)
    await ledger.project(stream.partition, stream.events)
    runs = DryRuns(ledger, dict.fromkeys((Target.LEGACY, Target.CLOUD), QUOTA), SystemClock())
    done = await runs.run(
        compile_rules(all_to(Mode.CLOUD)), START_MS - 1, START_MS + HOUR_S * 1000, "ada"
    )
    load = json.loads(done.report)["evidence"]["load"]
    assert (load["legacy"]["recorded"]["calls"], load["cloud"]["recorded"]["calls"]) == (80, 0)
    # Nothing was ever sent to the cloud ERP: nobody knows what it takes there, so one call each.
    assert (load["legacy"]["draft"]["calls"], load["cloud"]["draft"]["calls"]) == (0, 40)
    assert load["legacy"]["quota"]["call_s"] == pytest.approx(4, abs=0.01)
    # Five at a time, four seconds each, would be 75 a minute: the window grants less.
    assert load["legacy"]["quota"]["calls_per_minute"] == 20
