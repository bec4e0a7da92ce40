"""One observer per process: what happens becomes a log line and a figure.

One wide event per call to an ERP, with stable field names: whoever looks for one transaction
finds its whole story by ``transaction_id``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from gateway.canonical.exchange.drifting import Surprise, Whole
from gateway.errors import CoexistError
from gateway.observe.drifts import DriftTally
from gateway.observe.metrics import Metrics

#: Calls an ERP answers as hoped are not worth a warning.
_GOOD: Final = frozenset({"booked", "stored", "absent"})


#: A foreseen trouble that lasts is told again so often: it is looked at several times a second.
AGAIN_S: Final = 60.0


class ProcessObserver(Metrics):
    """:class:`gateway.ports.Observer`, and the metrics of this process."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        super().__init__()
        self.drifts = DriftTally()
        self._monotonic_s = monotonic_s
        self._told: dict[str, tuple[str, float]] = {}
        self._log = structlog.get_logger("coexist")

    def attempt(
        self,
        *,
        call: str,
        erp: str,
        process: str,
        transaction_id: str,
        attempt: int,
        outcome: str,
        detail: str,
        duration_s: float,
    ) -> None:
        """One call to an ERP ended: one wide event."""
        self.called(erp, call, process, outcome, duration_s)
        write = self._log.info if outcome in _GOOD else self._log.warning
        write(
            "erp_call",
            call=call,
            erp=erp,
            process=process,
            transaction_id=transaction_id,
            attempt=attempt,
            outcome=outcome,
            detail=detail,
            duration_ms=round(duration_s * 1000, 1),
        )

    def booked_twice(self, erp: str, transaction_id: str, documents: Sequence[str]) -> None:
        """Reconciliation found more than one document of a transaction."""
        super().booked_twice(erp, transaction_id, documents)
        self._log.error(
            "booked_twice", erp=erp, transaction_id=transaction_id, documents=list(documents)
        )

    def drifted(self, channel: str, payload: str, surprise: Surprise) -> None:
        """A channel sent what nobody announced, in an ``order`` or another ``payload``."""
        super().drifted(channel, payload, surprise)
        self.drifts.note(channel, payload, surprise)
        self._log.warning("channel_drift", channel=channel, payload=payload, found=surprise.found)

    def surprised(
        self, channel: str, payload: str, wholes: Sequence[Whole], left_out: int = 0
    ) -> None:
        """These payloads are what something of that stood in; ``left_out`` more are not held."""
        self.drifts.keep(channel, payload, wholes, left_out)

    def misconfigured(self, erp: str, detail: str) -> None:
        """An ERP says that our configuration is wrong; "" says that it works again."""
        super().misconfigured(erp, detail)
        if detail:
            self._log.error("erp_misconfigured", erp=erp, detail=detail)
        else:
            self._log.info("erp_works_again", erp=erp)

    def trouble(self, where: str, error: BaseException) -> None:
        """Something failed that nobody was waiting for."""
        super().trouble(where, error)
        if not isinstance(error, CoexistError):  # a bug of ours: how it came about is what counts
            self._log.error("trouble", where=where, error=str(error), exc_info=error)
            return
        told, at_s = self._told.get(where, ("", 0.0))
        now_s = self._monotonic_s()
        if told != str(error) or now_s - at_s >= AGAIN_S:
            self._told[where] = (str(error), now_s)
            self._log.error("trouble", where=where, error=str(error))
