"""Hypercare: how a wave fares since it came into force, beside the day before.

The sentence the code follows: *find out since when the wave is as it is; count what its processes
did since then, by route; count the same span a day earlier; say what is held, what lags, and what
its guardrails last said.*
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from gateway.canonical.exchange import Applied
from gateway.canonical.exchange.hypercare import Route, Span
from gateway.canonical.guardrail import Finding
from gateway.clock import Clock
from gateway.flow.versions import RuleVersions
from gateway.ports import Findings, Ledger, Reads, RuleBook, Signals, WaveFigures
from gateway.routing.model import Wave
from gateway.routing.ruleset import RuleSet

_K = TypeVar("_K", bound=Any)

#: Flips looked back at for the one that brought a wave into its present form.
LOOKED_BACK: Final = 30

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Status:
    """How a wave fares: its messages and reads by process and route, now and the day before.

    ``reads`` count (process, ``ok`` or ``error``); ``said`` is what ERPs answered about messages of
    its processes (errors, all), now and the day before. ``errors`` are of ``answers``, what they
    said about messages under the wave's own rules; ``lag_s`` is the age of the oldest one of those
    that no ERP has.
    ``flipped`` is when the wave came into force as it is; the figures are of the last day at most.
    """

    wave: str
    owner: str
    epoch: int
    flipped: datetime
    now: Span
    before: Span
    messages: Mapping[Route, tuple[int, int]]
    reads: Mapping[tuple[str, str], tuple[int, int]]
    said: tuple[tuple[int, int], tuple[int, int]]
    errors: int
    answers: int
    held_objects: int
    lag_s: float
    guardrails: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Records:
    """Where it is looked up."""

    figures: WaveFigures
    signals: Signals
    reads: Reads
    findings: Findings
    ledger: Ledger
    book: RuleBook
    versions: RuleVersions
    clock: Clock


class Hypercare:
    """Reads how waves fare."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def status(self, wanted: str = "") -> Sequence[Status]:
        """Return how the waves in force fare, or one of them; none if it is not in force."""
        marker = (await self._records.book.publication()).marker
        if not marker.version:
            return ()
        rules = (await self._records.versions.compiled(marker.version)).rule_set
        history = await self._records.ledger.history(LOOKED_BACK)
        waves = [it for it in rules.waves if wanted in ("", it.name)]
        return [await self._status(wave, rules, marker.epoch, history) for wave in waves]

    async def _status(
        self, wave: Wave, rules: RuleSet, epoch: int, history: Sequence[Applied]
    ) -> Status:
        records = self._records
        now = records.clock.now()
        flipped = await in_force_since(wave, rules, history, records.versions, now)
        since = max(flipped, now - DAY)
        spans = Span(since, now), Span(since - DAY, now - DAY)
        mine = [rule for rule in rules.rules if rule.wave == wave.name]
        ids, processes = {rule.rule_id for rule in mine}, {rule.process for rule in mine}
        messages = [await records.figures.messages(processes, span) for span in spans]
        reads = [await self._reads(processes, rules, history, span) for span in spans]
        said = [await records.signals.answers_about(processes, span) for span in spans]
        errors, answers = await records.signals.answers(ids, since)
        held = await records.signals.held_objects(ids, since)
        lag = await records.signals.lag(ids, since, now)
        newest: dict[str, Finding] = {}
        for finding in await records.findings.findings(100, wave.name):
            newest.setdefault(finding.signal, finding)
        return Status(
            wave=wave.name, owner=wave.owner, epoch=epoch, flipped=flipped,
            now=spans[0], before=spans[1],
            messages=_beside(*messages), reads=_beside(*reads), said=(said[0], said[1]),
            errors=errors, answers=answers,
            held_objects=int(held.value or 0), lag_s=lag.value or 0.0,
            guardrails=list(newest.values()),
        )  # fmt: skip

    async def _reads(
        self, processes: set[str], rules: RuleSet, history: Sequence[Applied], span: Span
    ) -> Counter[tuple[str, str]]:
        """Count the reads of the processes, whichever rules of that time they came under."""
        process_of = {rule.rule_id: rule.process for rule in rules.rules}
        for line in history:
            then = (await self._records.versions.compiled(line.version)).rule_set
            process_of = {rule.rule_id: rule.process for rule in then.rules} | process_of
        counted: Counter[tuple[str, str]] = Counter()
        found = await self._records.reads.by_rule(_ms(span.start), _ms(span.end))
        for (rule_id, fared), count in found.items():
            process = process_of.get(rule_id, "")
            if process in processes:
                counted[process, fared] += count
        return counted


async def in_force_since(
    wave: Wave, rules: RuleSet, history: Sequence[Applied], versions: RuleVersions, now: datetime
) -> datetime:
    """Return when a wave came into force as it is in ``rules``: other waves' flips do not count.

    ``history`` has the newest flips, the newest first.
    """
    mine = {rule for rule in rules.rules if rule.wave == wave.name}
    since = now
    for line in history:
        then = (await versions.compiled(line.version)).rule_set
        if {rule for rule in then.rules if rule.wave == wave.name} != mine:
            break
        since = line.at
    return since


def _beside(now: Counter[_K], before: Counter[_K]) -> dict[_K, tuple[int, int]]:
    return {key: (now[key], before[key]) for key in sorted({*now, *before})}


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
