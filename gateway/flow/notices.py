"""Notices: people are told by webhook, until their side takes it.

The sentence the code follows: *a notice is kept in the ledger with what it is about; whoever is on
duty posts what is due; what is not taken is posted again, later each time, under the same id.*
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from gateway.canonical.exchange import Duty
from gateway.canonical.guardrail import Notice
from gateway.clock import Clock, token_bits
from gateway.ports import Findings, Notifier

#: Posted again after 2, 4, 8 … seconds, at most every ten minutes, for about three hours.
AGAIN_FIRST_S: Final = 2.0
AGAIN_MAX_S: Final = 600.0
ATTEMPTS_MAX: Final = 25
#: Posted in one go: each may take a few seconds, all at once.
BATCH: Final = 20


class Courier:
    """Keeps notices for every webhook, and posts them."""

    def __init__(
        self, kept: Findings, notifier: Notifier, webhooks: Sequence[str], clock: Clock
    ) -> None:
        self._kept = kept
        self._notifier = notifier
        self._webhooks = tuple(webhooks)
        self._clock = clock

    def written(self, kind: str, data: Mapping[str, Any]) -> list[Notice]:
        """Write one notice for each webhook; whoever has them kept sees to it that they go."""
        now = self._clock.now()
        body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": dict(data)})
        return [
            Notice(f"msg_{token_bits(80):020x}", webhook, kind, now, body, next_at=now)
            for webhook in self._webhooks
        ]

    async def keep(self, kind: str, data: Mapping[str, Any]) -> None:
        """Keep a notice for each webhook."""
        if self._webhooks:
            await self._kept.notify(self.written(kind, data))

    async def deliver(self, _duty: Duty) -> int:
        """Post what is due; return how many were taken."""
        due = await self._kept.due(self._clock.now(), BATCH)
        return sum(await asyncio.gather(*(self._post(notice) for notice in due)))

    async def _post(self, notice: Notice) -> bool:
        failure = await self._notifier.post(notice)
        now, attempts = self._clock.now(), notice.attempts + 1
        if not failure:
            after = replace(notice, attempts=attempts, sent_at=now, next_at=None, failure="")
        else:
            wait_s = min(AGAIN_MAX_S, AGAIN_FIRST_S * 2 ** min(notice.attempts, 20))
            again = None if attempts >= ATTEMPTS_MAX else now + timedelta(seconds=wait_s)
            after = replace(notice, attempts=attempts, next_at=again, failure=failure)
        await self._kept.sent(after, notice.attempts)
        return not failure
