"""Decisions are kept: those on messages by the projector, those on reads here, in batches.

A read that is recorded costs its answer one append; everything else happens between reads. What
was not yet kept when a gateway dies is lost, and the record of reads is a sample anyway.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, TypeAlias

from gateway.clock import Clock
from gateway.ports import Evidence, ShadowLog
from gateway.ports.drifts import DriftBook
from gateway.routing.facts import Decision, Facts
from gateway.routing.recorded import said_by

#: Reads held while the ledger is away; more are not recorded.
HELD_MAX: Final = 10_000

#: Blocks are merged once they are this old: nothing is added to their stretch any more.
MERGE_AFTER_MS: Final = 10 * 60_000

_Noted: TypeAlias = tuple[Facts, Decision, int]

_DAY_MS: Final = 24 * 3600 * 1000


class ReadLog:
    """Decisions on reads of one gateway process; one of ``one_in`` is recorded, 0 for none."""

    def __init__(self, kept: Evidence, clock: Clock, source: str, one_in: int) -> None:
        self._kept = kept
        self._clock = clock
        self._source = source
        self._one_in = one_in
        self._seen = 0
        self._held: list[_Noted] = []
        self._batch: list[_Noted] = []
        self._batches = 0

    def note(self, facts: Facts, decision: Decision) -> None:
        """Take note of a decision, if its turn has come."""
        self._seen += 1
        if not self._one_in or self._seen % self._one_in or len(self._held) >= HELD_MAX:
            return
        at_ms = int(self._clock.now().timestamp() * 1000)
        self._held.append((facts, decision, at_ms))

    async def flush(self) -> int:
        """Keep what was noted; return how many.

        A batch the ledger did not answer for is kept again as it was, under the same number.
        """
        if not self._batch:
            self._batch, self._held = self._held, []
            self._batches += 1
        recorder = await self._kept.recorder()
        rows = [
            recorder.of(facts, said_by(decision), at_ms, weight=self._one_in)
            for facts, decision, at_ms in self._batch
        ]
        await self._kept.keep_decisions(self._source, self._batches, rows)
        self._batch = []
        return len(rows)


class DecisionKeeper:
    """Keeps the record small: merges blocks, forgets what is older than ``keep_days``.

    Shadow comparisons are forgotten with the decisions they were made under; payloads with
    something unannounced after ``payload_days``.
    """

    def __init__(
        self,
        kept: Evidence,
        shadows: ShadowLog,
        drifts: DriftBook,
        clock: Clock,
        keep_days: int,
        payload_days: int,
    ) -> None:
        self._kept = kept
        self._shadows = shadows
        self._clock = clock
        self._drifts = drifts
        self._keep_days = keep_days
        self._payloads_for = timedelta(days=payload_days)

    async def tidy(self) -> None:
        """Do it all, once."""
        now = self._clock.now()
        now_ms = int(now.timestamp() * 1000)
        await self._kept.merge_decisions(now_ms - MERGE_AFTER_MS)
        before_ms = now_ms - self._keep_days * _DAY_MS
        await self._kept.forget_decisions(before_ms)
        await self._shadows.forget_shadows(before_ms // 60_000)
        await self._drifts.forget_payloads(now - self._payloads_for)
