"""What shadow comparisons amount to: by process, by field, with the control's own noise taken off.

``net_rate`` of a field is the share of comparisons that differ in it, less the share by which the
control differs from itself, never below 0.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from gateway.canonical.exchange.shadowing import Counts, Field, FieldCounts
from gateway.ports import ShadowLog

EXAMPLES: Final = 3

_MINUTES_OF_A_DAY: Final = 1440
_HOURS_OF_A_DAY: Final = 24


async def shadow_report(kept: ShadowLog, since: datetime) -> dict[str, Any]:
    """Return the report as plain values; ``processes`` is empty if nothing was compared."""
    minute = int(since.timestamp()) // 60
    by_process: dict[tuple[str, str], Counts] = defaultdict(Counts)
    by_day: dict[tuple[str, str, int], Counts] = defaultdict(Counts)
    for at, counts in (await kept.shadow_counts(minute)).items():
        _add(by_process[at.process, at.candidate], counts)
        _add(by_day[at.process, at.candidate, at.minute // _MINUTES_OF_A_DAY], counts)
    fields: dict[Field, FieldCounts] = defaultdict(FieldCounts)
    field_days: dict[Field, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for (field, hour), found in (await kept.shadow_fields(minute // 60)).items():
        fields[field].different += found.different
        fields[field].noise += found.noise
        field_days[field][hour // _HOURS_OF_A_DAY] += found.different
    processes = []
    for (process, candidate), counts in sorted(by_process.items()):
        mine = {
            field: found
            for field, found in fields.items()
            if (field.process, field.candidate) == (process, candidate)
        }
        rows = [
            await _field(kept, field, found, counts, field_days[field])
            for field, found in mine.items()
        ]
        processes.append({
            "process": process,
            "candidate": candidate,
            **asdict(counts),
            "rate": _share(counts.different, counts.compared),
            "days": [
                {"day": _day(day), "compared": it.compared, "different": it.different}
                for (name, to, day), it in sorted(by_day.items())
                if (name, to) == (process, candidate)
            ],
            "fields": sorted(rows, key=lambda row: (-row["net_rate"], row["path"])),
        })  # fmt: skip
    return {"since": since.isoformat(timespec="seconds"), "processes": processes}


async def _field(
    kept: ShadowLog, field: Field, found: FieldCounts, counts: Counts, days: dict[int, int]
) -> dict[str, Any]:
    rate = _share(found.different, counts.compared)
    noise = _share(found.noise, counts.controls)
    examples = await kept.shadow_examples(field, EXAMPLES)
    return {
        "path": field.path,
        "different": found.different,
        "rate": rate,
        "noise_rate": noise,
        "net_rate": round(max(0.0, rate - noise), 6),
        "days": [{"day": _day(day), "different": count} for day, count in sorted(days.items())],
        "examples": [
            {
                "business_key": it.business_key, "control": it.control,
                "candidate": it.candidate, "times": it.times,
                "last_at": it.at.isoformat(timespec="seconds"),
            }
            for it in examples
        ],
    }  # fmt: skip


def _add(sums: Counts, counts: Counts) -> None:
    for name in Counts.__dataclass_fields__:
        setattr(sums, name, getattr(sums, name) + getattr(counts, name))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0


def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86_400, UTC).date().isoformat()
