"""Dry run: recorded decisions are read in their order, decided again under a draft, and reported.

Nothing is sent, nothing changes but the record that it was done: the report is kept under the hash
of its evidence, where an approval can name it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.canonical.exchange import DryRun, KeptBlock
from gateway.canonical.process import Target
from gateway.clock import Clock
from gateway.errors import NotFound
from gateway.flow.dryrun_report import canonical, evidence, evidence_hash
from gateway.policy.headroom import Profile
from gateway.ports import Evidence
from gateway.routing.compile import Compiled
from gateway.routing.recorded import unpack
from gateway.routing.replay import Replay

#: Blocks read at once: some thousand decisions, some hundred kilobytes.
PAGE: Final = 64


@dataclass(frozen=True, slots=True)
class Quota:
    """What an ERP grants, as configured."""

    calls_max: int
    window_s: float
    concurrent_max: int


class DryRuns:
    """Replays the record against drafts."""

    def __init__(self, kept: Evidence, quotas: Mapping[Target, Quota], clock: Clock) -> None:
        self._kept = kept
        self._quotas = quotas
        self._clock = clock

    async def run(
        self,
        draft: Compiled,
        since_ms: int,
        until_ms: int,
        by: str,
        progress: Callable[[int], None] = lambda _decisions: None,
    ) -> DryRun:
        """Decide a period again and keep the report; ``progress`` hears how many were decided.

        Raises :class:`~gateway.errors.NotFound` if nothing was recorded in the period.
        """
        replay = Replay(draft, since_ms, until_ms)
        seen = 0
        async for block in self._blocks(since_ms, until_ms):
            rows = unpack(block.packed)
            replay.add(rows)
            seen += len(rows)
            progress(seen)
        tally = replay.tally()
        if not tally.decisions and not tally.undecided:
            raise NotFound(
                "no decisions were recorded in this period; choose an earlier --since, or look at "
                "evidence.keep_days in the configuration"
            )
        found = evidence(
            tally,
            (since_ms, until_ms),
            await self._profiles(),
            await self._kept.attempts(since_ms, until_ms),
        )
        digest = evidence_hash(draft.version, found)
        now = self._clock.now()
        report = canonical({
            "rules_version": draft.version,
            "evidence_hash": digest,
            "made_at": now.isoformat(timespec="seconds"),
            "by": by,
            "evidence": found,
        })  # fmt: skip
        kept = DryRun(digest, draft.version, now, by, report)
        await self._kept.keep_dry_run(kept)
        return kept

    async def _blocks(self, since_ms: int, until_ms: int) -> AsyncIterator[KeptBlock]:
        last: KeptBlock | None = None
        while page := await self._kept.decisions(since_ms, until_ms, last, PAGE):
            for block in page:
                yield block
            last = page[-1]

    async def _profiles(self) -> dict[Target, Profile]:
        seconds = await self._kept.call_seconds()
        return {
            erp: Profile(it.calls_max, it.window_s, it.concurrent_max, seconds.get(erp.value, 0.0))
            for erp, it in self._quotas.items()
        }


def genuine(run: DryRun) -> bool:
    """Return whether a kept report still says what its hash was made of."""
    try:
        report: dict[str, Any] = json.loads(run.report)
        said: str = report["evidence_hash"]
        made_of = evidence_hash(report["rules_version"], report["evidence"])
    except (KeyError, TypeError, ValueError):
        return False
    return made_of == run.evidence_hash and made_of == said
