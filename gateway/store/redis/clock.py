"""Wall time as the store has it: one time for all processes, whatever their machines believe.

Effective times of flips and windows of an ERP are instants on the wall clock. If each process asked
its own, one whose clock is ten minutes fast would flip ten minutes early and call an ERP that has
closed. The store's time is asked for now and then; in between the monotonic clock counts on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.clock import Clock
from gateway.store.redis.client import Client

#: How often the store is asked. Between two answers a clock that is merely slewed drifts by half a
#: millisecond a second at most (Linux, adjtimex).
SYNC_S: Final = 10.0
#: An answer that took longer says too little about now: it is off by up to that long.
ANSWER_S_MAX: Final = 0.25


class StoreClock:
    """Shows the store's wall time once :meth:`sync` was answered, until then its own."""

    def __init__(self, local: Clock, client: Client) -> None:
        self._local = local
        self._client = client
        #: The store's time, and the monotonic second it was that.
        self._known: tuple[datetime, float] | None = None

    async def sync(self) -> bool:
        """Ask the store; whether its answer was of use. Raises StoreUnavailable."""
        asked_s = self._local.monotonic_s()
        now_ms = await self._client.server_ms()
        answered_s = self._local.monotonic_s()
        if self._known is not None and answered_s - asked_s > ANSWER_S_MAX:
            return False
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        self._known = now, (asked_s + answered_s) / 2
        return True

    def now(self) -> datetime:
        """Return the wall time, in UTC."""
        if self._known is None:
            return self._local.now()
        then, then_s = self._known
        return then + timedelta(0, self._local.monotonic_s() - then_s)

    def monotonic_s(self) -> float:
        """Return the monotonic clock of this process in seconds."""
        return self._local.monotonic_s()

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds``."""
        await self._local.sleep(seconds)
