"""The report of a dry run, from tallies to JSON: pure, and the same for the same evidence.

``evidence_hash`` is the SHA-256 of the canonical JSON of ``rules_version`` and ``evidence``. An
approval that names it is bound to the rules and to every figure: change either, and it is another.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from gateway.canonical.process import ERPS, PROCESSES, Kind, Target
from gateway.policy.headroom import Demand, Load, Profile, load
from gateway.routing.recorded import PER_UNIT
from gateway.routing.replay import HOUR_MS, MINUTE_MS, Cell, Tally, Way

#: Raised whenever a figure changes its meaning.
FORMAT: Final = 1

#: Conflicts listed one by one; the counts are of all.
LISTED_MAX: Final = 50

#: A message as the ledger has not seen any: one call.
_ONE_CALL: Final = 1.0


def evidence(
    tally: Tally,
    period_ms: tuple[int, int],
    profiles: Mapping[Target, Profile],
    calls: Mapping[tuple[str, str], float],
) -> dict[str, Any]:
    """Return what a dry run found, as plain values.

    ``calls`` are the calls a message costs by (process, ERP), as the ledger saw them.
    """
    return {
        "format": FORMAT,
        "period": {"since": _instant(period_ms[0]), "until": _instant(period_ms[1])},
        "recorded": {
            "decisions": tally.decisions,
            "versions": dict(sorted(tally.versions.items())),
            "digest": _digest(tally),
        },
        "moved": _moved(tally),
        "conflicts": _conflicts(tally),
        "load": {erp.value: _load(tally.flows, erp, profiles[erp], calls) for erp in ERPS},
    }


def evidence_hash(rules_version: str, found: Mapping[str, Any]) -> str:
    """Return the hash that an approval binds to."""
    return sha256(
        canonical({"rules_version": rules_version, "evidence": found}).encode()
    ).hexdigest()


def canonical(document: object) -> str:
    """Write JSON in one way only: sorted keys, no white space."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _digest(tally: Tally) -> str:
    """Return a hash of all that was counted, which the figures below only sum up."""
    rows = sorted((*cell, *it) for cell, it in tally.cells.items())
    return sha256(canonical(rows).encode()).hexdigest()


# ------------------------------------------------------------------------------- what moves


def _moved(tally: Tally) -> dict[str, Any]:
    moved = {cell: it for cell, it in tally.cells.items() if cell.moved}
    decisions = sum(count for count, _ in moved.values())
    return {
        "decisions": decisions,
        "share": round(decisions / tally.decisions, 6) if tally.decisions else 0.0,
        "value": _values(moved.items()),
        "by_process": _grouped(moved, lambda it: {"process": it.process}),
        "by_channel": _grouped(moved, lambda it: {"process": it.process, "channel": it.channel}),
        "by_entity": _grouped(
            moved, lambda it: {"process": it.process, "legal_entity": it.legal_entity}
        ),
        "by_hour": _by_hour(tally),
    }


def _grouped(
    cells: Mapping[Cell, tuple[int, int]], by: Callable[[Cell], dict[str, str]]
) -> list[dict[str, Any]]:
    """Return counts and values by what ``by`` names, from and to; the most first."""
    groups: dict[tuple[tuple[str, str], ...], list[tuple[Cell, tuple[int, int]]]] = defaultdict(
        list
    )
    for cell, it in cells.items():
        named = {**by(cell), "from": shown(cell.before), "to": shown(cell.after)}
        groups[tuple(named.items())].append((cell, it))
    rows = [
        {**dict(named), "decisions": sum(count for _, (count, _) in those), "value": _values(those)}
        for named, those in groups.items()
    ]
    return sorted(rows, key=lambda row: (-row["decisions"], canonical(row)))


def _by_hour(tally: Tally) -> list[dict[str, Any]]:
    """Return, for each hour with any traffic, what was decided and what moves, by direction."""
    hours: dict[int, list[tuple[Cell, tuple[int, int]]]] = defaultdict(list)
    for cell, it in tally.cells.items():
        hours[cell.hour].append((cell, it))
    rows = []
    for hour, those in sorted(hours.items()):
        directions: Counter[str] = Counter()
        for cell, (count, _) in those:
            if cell.moved:
                directions[f"{shown(cell.before)} -> {shown(cell.after)}"] += count
        moved = [(cell, it) for cell, it in those if cell.moved]
        rows.append({
            "hour": _instant(hour * HOUR_MS),
            "decisions": sum(count for _, (count, _) in those),
            "moved": dict(sorted(directions.items())),
            "value": _values(moved),
        })  # fmt: skip
    return rows


def _values(cells: Iterable[tuple[Cell, tuple[int, int]]]) -> dict[str, str]:
    """Return the money by currency, as decimal text."""
    sums: Counter[str] = Counter()
    for cell, (_, value) in cells:
        if cell.currency:
            sums[cell.currency] += value
    return {code: f"{Decimal(value) / PER_UNIT:.2f}" for code, value in sorted(sums.items())}


def shown(target: str) -> str:
    """Name a target; a follow-up whose owner nobody named yet has none."""
    return target or "owner"


# ------------------------------------------------------------------------------- conflicts


def _conflicts(tally: Tally) -> dict[str, Any]:
    ownership = sorted(tally.ownership.items(), key=lambda it: (-it[1], it[0]))
    sticky = asdict(tally.customers)
    return {
        "ownership": {
            "decisions": tally.ownership.total(),
            "objects": [
                {**conflict._asdict(), "decisions": count}
                for conflict, count in ownership[:LISTED_MAX]
            ],
        },
        "sticky": {**sticky, "without_key": dict(sorted(tally.without_key.items()))},
        "undecided": dict(sorted(tally.undecided.items())),
        "total": tally.ownership.total()
        + tally.customers.newly_both
        + tally.customers.back_to_legacy
        + tally.undecided.total(),
    }


# ------------------------------------------------------------------------------- load


def _load(
    flows: Mapping[Way, Mapping[int, int]],
    erp: Target,
    profile: Profile,
    calls: Mapping[tuple[str, str], float],
) -> dict[str, Any]:
    def demand(draft: bool) -> dict[int, Demand]:  # noqa: FBT001 -- which of two worlds
        reads: dict[int, float] = defaultdict(float)
        writes: dict[int, float] = defaultdict(float)
        for way, counts in flows.items():
            if (way.after if draft else way.before) != erp:
                continue
            read = PROCESSES[way.process].kind is Kind.READ
            each = _ONE_CALL if read else calls.get((way.process, erp.value), _ONE_CALL)
            minutes = reads if read else writes
            for minute, count in counts.items():
                minutes[minute] += count * each
        return {it: Demand(reads.get(it, 0.0), writes.get(it, 0.0)) for it in reads | writes}

    return {
        "quota": {
            "calls_max": profile.calls_max,
            "window_s": profile.window_s,
            "concurrent_max": profile.concurrent_max,
            "call_s": round(profile.call_s, 3) or None,
            "calls_per_minute": round(profile.calls_per_minute, 1),
        },
        "recorded": _as_json(load(demand(draft=False), profile)),
        "draft": _as_json(load(demand(draft=True), profile)),
    }


def _as_json(it: Load) -> dict[str, Any]:
    def at(minute: int | None) -> str | None:
        return None if minute is None else _instant(minute * MINUTE_MS)

    return {
        "calls": round(it.calls),
        "peak_share": round(it.peak_share, 4),
        "peak_at": at(it.peak_minute),
        "headroom": round(it.headroom, 4),
        "reads_refused": round(it.refused),
        "backlog_calls_max": round(it.backlog_max),
        "backlog_at": at(it.backlog_minute),
        "delay_s_max": round(it.delay_s_max),
        "backlog_cleared_at": at(it.cleared_minute),
    }


def _instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
