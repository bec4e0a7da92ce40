"""How a wave fares, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from gateway.flow.hypercare import Status


def as_json(status: Status) -> dict[str, Any]:
    """Return plain values."""
    return {
        "wave": status.wave,
        "owner": status.owner,
        "epoch": status.epoch,
        "in_force_since": status.flipped.isoformat(),
        "since": status.now.start.isoformat(),
        "until": status.now.end.isoformat(),
        "messages": [
            {**route._asdict(), "count": now, "day_before": before}
            for route, (now, before) in status.messages.items()
        ],
        "reads": [
            {"process": process, "fared": fared, "count": now, "day_before": before}
            for (process, fared), (now, before) in status.reads.items()
        ],
        "answers_of_processes": {
            when: {"errors": errors, "answers": answers}
            for when, (errors, answers) in zip(("now", "day_before"), status.said, strict=True)
        },
        "errors": status.errors,
        "answers": status.answers,
        "held_objects": status.held_objects,
        "lag_s": round(status.lag_s, 1),
        "guardrails": [{**asdict(it), "at": it.at.isoformat()} for it in status.guardrails],
    }


def lines(status: Status) -> Iterator[str]:
    """Return lines for people."""
    flipped, since = (at.isoformat(timespec="seconds") for at in (status.flipped, status.now.start))
    yield f"{status.wave} [{status.owner}], epoch {status.epoch}, in force since {flipped}"
    if since != flipped:
        yield f"  figures since {since}: of a day at most"
    if not status.messages and not status.reads:
        yield "  no traffic of its processes yet"
    for route, (now, before) in status.messages.items():
        where = route.erp or "nobody yet"
        yield f"  {route.process} to {where}: {now} {route.state}  (the day before {before})"
    for (process, fared), (now, before) in status.reads.items():
        yield f"  {process}: {now} read(s) {fared}  (the day before {before})"
    said, then = (f"{errors} error(s) in {answers} answer(s)" for errors, answers in status.said)
    yield f"  ERPs, about its processes: {said}  (the day before {then})"
    yield (
        f"  about its own messages: {status.errors} error(s) in {status.answers} answer(s), "
        f"{status.held_objects} held object(s), oldest message without an ERP {status.lag_s:.0f} s"
    )
    for it in status.guardrails:
        value = "no data" if it.value is None else f"{it.value:g}"
        yield f"  guardrail {it.signal}: {it.verdict}, {value} against {it.above:g}"
