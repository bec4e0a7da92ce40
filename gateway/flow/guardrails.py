"""Guardrails: what a wave promised to stay below is read, and a wave that does not is paused.

The sentence the code follows: *every few seconds, whoever is on duty reads each signal of each
wave in force, since the flip at most; what the reading means is decided and written down with the
numbers; what trips pauses its wave and tells people.* Paused: its reads go back to where they
went before, its writes are held.

Pausing is a flip like any other: under the newest duty token and over the very rules the reading
was about, so that whoever slept, or saw older rules, pauses nothing. A guardrail that finds a
person's flip open waits for it once, and then takes it over: a wave that does harm does not wait
for a laptop that was closed. A pause that is found open is finished: whoever began it has died.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Duty, Publication
from gateway.canonical.guardrail import Finding, Guardrail, Reading, Signal, Verdict
from gateway.canonical.staff import Action, Role, Staff
from gateway.clock import Clock
from gateway.errors import PublishError
from gateway.flow.audit import Auditor
from gateway.flow.hypercare import LOOKED_BACK, in_force_since
from gateway.flow.notices import Courier
from gateway.flow.publish import Publisher, Terms
from gateway.flow.versions import RuleVersions
from gateway.policy.guardrails import judge
from gateway.ports import Findings, Ledger, Reads, RuleBook, Signals
from gateway.routing.model import Mode, Wave
from gateway.routing.pausing import paused
from gateway.routing.ruleset import RuleSet

#: How a flip that pauses a wave is marked.
KIND: Final = "guardrail"


@dataclass(frozen=True, slots=True)
class Sight:
    """What guardrails look at and act with."""

    signals: Signals
    reads: Reads
    kept: Findings
    ledger: Ledger
    book: RuleBook
    versions: RuleVersions
    publisher: Publisher
    auditor: Auditor
    courier: Courier
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at one guardrail of a wave."""

    wave: Wave
    guardrail: Guardrail
    reading: Reading
    verdict: Verdict


class Guards:
    """Looks at the guardrails of all waves in force, every ``every_s`` at most."""

    def __init__(self, sight: Sight, every_s: float, findings_days: int) -> None:
        self._sight = sight
        self._every_s = every_s
        self._kept_for = timedelta(days=findings_days)
        self._last_s = float("-inf")
        self._found_open = 0

    async def look(self, duty: Duty) -> Sequence[Finding]:
        """Look once, if it is time; return what was found.

        Raises :class:`~gateway.errors.FencedOut` if somebody else went on duty since.
        """
        clock = self._sight.clock
        if clock.monotonic_s() - self._last_s < self._every_s:
            return ()
        self._last_s = clock.monotonic_s()
        publication = await self._finished()
        newest = publication.pending or publication.marker
        if not newest.version:
            return ()
        patient = publication.pending is not None and self._found_open != newest.epoch
        self._found_open = newest.epoch if publication.pending is not None else 0
        rules = (await self._sight.versions.compiled(newest.version)).rule_set
        found: list[Finding] = []
        for wave in rules.waves:
            looks = await self._looks(wave, rules)
            if looks:
                found += await self._decided(looks, rules, newest, duty, patient=patient)
            if not patient and any(it.verdict is Verdict.TRIPPED for it in looks):
                # Other rules are in force now: the waves left are looked at under those, at once.
                self._last_s = float("-inf")
                break
        await self._sight.kept.forget_findings(clock.now() - self._kept_for)
        return found

    async def _finished(self) -> Publication:
        """Return what is in force or open; finish a pause that was begun by who was on duty before.

        Nobody else does: its rules send nothing of the wave to the cloud ERP any more, so that
        there is nothing left in them to trip, while partitions that were not reached still do.
        """
        publication = await self._sight.book.publication()
        if publication.pending is None or publication.kind != KIND:
            return publication
        await self._sight.publisher.resume(publication.by)
        return await self._sight.book.publication()

    async def _looks(self, wave: Wave, rules: RuleSet) -> list[_Look]:
        """Read the wave's signals, if it still sends anything to the cloud ERP."""
        mine = [rule for rule in rules.rules if rule.wave == wave.name]
        if not wave.guardrails or not any(
            rule.mode in (Mode.CLOUD, Mode.SPLIT) or rule.shadow for rule in mine
        ):
            return []
        ids = {rule.rule_id for rule in mine}
        history = await self._sight.ledger.history(LOOKED_BACK)
        flipped_at = await in_force_since(
            wave, rules, history, self._sight.versions, self._sight.clock.now()
        )
        looks = []
        for guardrail in wave.guardrails:
            now = self._sight.clock.now()
            since = max(flipped_at, now - timedelta(seconds=guardrail.window_s))
            reading = await self._reading(guardrail.signal, ids, min(since, now), now)
            tripped_at = next((it.at for it in history if it.by == _name(wave, guardrail)), None)
            verdict = judge(guardrail, reading, now, flipped_at, tripped_at)
            looks.append(_Look(wave, guardrail, reading, verdict))
        return looks

    async def _reading(
        self, signal: Signal, ids: Collection[str], since: datetime, now: datetime
    ) -> Reading:
        match signal:
            case Signal.ERP_ERROR_RATE:
                errors, total = await self._sight.signals.answers(ids, since)
                unread, reads = await self._sight.reads.reads(ids, int(since.timestamp() * 1000))
                return _rate(errors + unread, total + reads)
            case Signal.HELD_OBJECTS:
                return await self._sight.signals.held_objects(ids, since)
            case Signal.INGESTION_LAG_S:
                return await self._sight.signals.lag(ids, since, now)
            case Signal.REFUND_FAILURES:
                return await self._sight.signals.refund_failures(ids, since)
            case Signal.SHADOW_MISMATCH_RATE:
                return await self._sight.signals.shadow_mismatches(ids, since)

    async def _decided(
        self,
        looks: Sequence[_Look],
        rules: RuleSet,
        marker: Marker,
        duty: Duty,
        *,
        patient: bool,
    ) -> list[Finding]:
        """Write the findings of one wave down, and pause it if one of them trips."""
        findings = [self._finding(it, marker, duty) for it in looks]
        tripped = next((it for it in looks if it.verdict is Verdict.TRIPPED), None)
        if tripped is None:
            await self._sight.kept.found(findings, ())
            return findings
        wave = tripped.wave
        told = self._sight.courier.written("wave.tripped", {
            "wave": wave.name, "owner": wave.owner, "signal": tripped.guardrail.signal.value,
            "value": tripped.reading.value, "above": tripped.guardrail.above,
            "samples": tripped.reading.samples, "epoch": marker.epoch, "version": marker.version,
        })  # fmt: skip
        await self._sight.kept.found(findings, () if patient else told)
        if not patient:
            await self._pause(tripped, rules, marker, duty)
        return findings

    async def _pause(self, look: _Look, rules: RuleSet, marker: Marker, duty: Duty) -> None:
        derived = paused(rules, await self._before(rules), look.wave.name)
        name, why = _name(look.wave, look.guardrail), _why(look)
        await self._sight.auditor.record(
            Staff(name, frozenset({Role.LEAD}), "worker"), Action.RULES_APPLY, derived.version,
            why, holder=duty.holder, over=marker.version, epoch=marker.epoch,
        )  # fmt: skip
        terms = Terms(KIND, over=marker, take_over=bool(self._found_open), duty=duty)
        await self._sight.publisher.apply(derived, name, why, terms=terms)

    async def _before(self, rules: RuleSet) -> RuleSet | None:
        try:
            version = await self._sight.publisher.before()
        except PublishError:  # these are the first rules
            return None
        found = (await self._sight.versions.compiled(version)).rule_set
        return None if found.version == rules.version else found

    def _finding(self, look: _Look, marker: Marker, duty: Duty) -> Finding:
        guardrail = look.guardrail
        return Finding(
            at=self._sight.clock.now(),
            wave=look.wave.name,
            signal=guardrail.signal.value,
            verdict=look.verdict.value,
            value=look.reading.value,
            samples=look.reading.samples,
            above=guardrail.above,
            window_s=guardrail.window_s,
            epoch=marker.epoch,
            version=marker.version,
            by=duty.holder,
        )


def _name(wave: Wave, guardrail: Guardrail) -> str:
    return f"guardrail {wave.name} {guardrail.signal}"


def _why(look: _Look) -> str:
    guardrail, value = look.guardrail, look.reading.value
    if value is None:
        return f"{guardrail.signal}: no data for {guardrail.window_s} s"
    return (
        f"{guardrail.signal} {value:g} is above {guardrail.above:g} "
        f"({look.reading.samples} samples, {guardrail.window_s} s)"
    )


def _rate(errors: int, total: int) -> Reading:
    return Reading(100 * errors / total if total else None, total)
