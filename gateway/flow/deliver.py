"""Deliver: take → attempt → send → settle, and probe before any resend.

The sentence the code follows: *whoever takes the head of an object first asks whether an earlier
attempt is open; if so it probes, and only absence that is final closes that attempt; else it
prepares what the ERP is to hear, and puts back, as no attempt, what cannot be said there or not
yet; else it records a new attempt with what shaped it, and sends, once; whatever the ERP says
becomes one outcome, and every outcome has one settlement.*
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from pydantic import ValidationError

from gateway.canonical.envelope import Envelope, Shaped
from gateway.canonical.exchange import Permit, Taken
from gateway.canonical.outcome import (
    Absent,
    Booked,
    Busy,
    Cause,
    Delayed,
    Outcome,
    Probed,
    Refused,
    Stored,
    Unknown,
)
from gateway.canonical.process import Target
from gateway.canonical.unmapped import why_unmapped
from gateway.errors import StoreUnavailable
from gateway.flow.workplace import Workplace
from gateway.policy.backoff import probe_ms, retry_ms, wait_ms
from gateway.policy.windows import MARGIN_MS, Call

#: Takes without an outcome before a message counts as poison.
TAKES_MAX: Final = 3

#: What ``Taken.released`` says.
LET_GO: Final = 1
SENT_AGAIN: Final = 2

#: How long answers that only a change of our configuration can cure are waited out before a message
#: that meets one becomes an exception.
FAULT_S_MAX: Final = 60.0

#: How long an ERP is left alone after an answer that only a change of configuration can cure.
FAULT_CLOSE_MS: Final = 1_000

#: How long a settlement is tried again while the store does not answer. Later, the attempt is
#: open and the next worker probes.
SETTLE_S_MAX: Final = 30.0


class Deliverer:
    """Brings taken messages to their ERP."""

    def __init__(self, at: Workplace) -> None:
        self._lanes = at.lanes
        self._quotas = at.quotas
        self._erps = at.erps
        self._keeper = at.keeper
        self._observer = at.observer
        self._clock = at.clock
        self._chance = at.chance
        self._windows = at.windows
        self._delivered = at.delivered
        self._faulty_since_s: dict[Target, float] = {}

    async def deliver(self, taken: Taken, permit: Permit) -> None:
        """Bring one taken message one step on; the permit is good for one call."""
        envelope = await self._readable(taken)
        if envelope is None or await self._closed(taken, envelope, self._lasts_ms(taken, envelope)):
            return
        if taken.open_ms is not None:
            with permit.in_use():
                await self._probe(taken, envelope, taken.open_ms)
        elif (prepared := await self._prepare(taken, envelope)) and await self._begun(
            taken, prepared
        ):
            with permit.in_use():
                await self._send(taken, envelope, prepared)

    async def _readable(self, taken: Taken) -> Envelope | None:
        if taken.takes > TAKES_MAX:
            detail = f"taken {taken.takes} times without an outcome; see the workers' logs"
            await self._lanes.hold(taken, Cause.POISON, detail)
            return None
        try:
            envelope = Envelope.model_validate_json(taken.payload)
        except ValidationError as error:
            await self._lanes.hold(taken, Cause.POISON, f"cannot be read: {error}")
            return None
        draft = why_unmapped(envelope.body)
        if draft:
            await self._lanes.hold(taken, Cause.NOT_MAPPED, draft)
            return None
        return envelope

    def _lasts_ms(self, taken: Taken, envelope: Envelope) -> int:
        timing = self._erps[taken.owner].timing
        return (
            timing.request_ms if taken.open_ms is not None else timing.request_of(envelope.process)
        )

    async def _closed(self, taken: Taken, envelope: Envelope, lasts_ms: int) -> bool:
        """Put the object back if a call that lasts so long could not end before the ERP closes."""
        probes = taken.open_ms is not None
        call = Call(taken.owner, envelope.process, writes=not probes)
        now = self._clock.now()
        closed = self._windows.gate(call, now, lasts_ms + MARGIN_MS)
        if closed is None:
            return False
        reason = f"{taken.owner} is closed until {closed.until:%Y-%m-%d %H:%MZ}: {closed.window_id}"
        await self._lanes.defer(taken, closed.wait_ms(now), unknown=probes, reason=reason)
        return True

    async def _prepare(self, taken: Taken, envelope: Envelope) -> Shaped | None:
        """Prepare what the ERP is to hear.

        None if the message cannot be said there, or not now: then it is settled, and nothing was
        tried. No permit is in use meanwhile.
        """
        started_s = self._clock.monotonic_s()
        prepared = await self._erps[taken.owner].prepare(envelope)
        if isinstance(prepared, Refused | Delayed):
            self._observe("prepare", taken, envelope, prepared, started_s)
            await self._settled(lambda: self._put_off(taken, prepared))
            return None
        return prepared

    async def _begun(self, taken: Taken, prepared: Shaped) -> bool:
        """Record the attempt with what shaped it; False if it is no longer ours to send."""
        return await self._lanes.attempt(taken, prepared.shaped_by)

    async def _put_off(self, taken: Taken, why: Refused | Delayed) -> None:
        """Hold the message, or put it back for later; its takes count as the tries of its steps."""
        match why:
            case Refused(cause, detail):
                await self._lanes.hold(taken, cause, detail, self._retry_ms(taken.owner, cause))
            case Delayed(detail, wanted_ms):
                delay_ms = wanted_ms or retry_ms(taken.number - 1, self._chance)
                await self._lanes.defer(taken, delay_ms, unknown=False, reason=detail)

    async def _send(self, taken: Taken, envelope: Envelope, prepared: Shaped) -> None:
        if not self._keeper.holds(taken.lease):
            # Too late to send. Taken anew, the partition brings the object back to be probed.
            self._keeper.lost(taken.lease)
            return
        started_s = self._clock.monotonic_s()
        outcome = await self._erps[taken.owner].send(prepared)
        self._observe("send", taken, envelope, outcome, started_s)
        self._delivered(envelope, outcome)
        await self._settled(lambda: self._settle(taken, outcome))

    async def _probe(self, taken: Taken, envelope: Envelope, open_ms: int) -> None:
        started_s = self._clock.monotonic_s()
        probed = await self._erps[taken.owner].probe(envelope)
        self._observe("probe", taken, envelope, probed, started_s)
        await self._settled(lambda: self._settle_probe(taken, probed, open_ms))

    async def _settle(self, taken: Taken, outcome: Outcome) -> None:
        """One settlement per outcome of a send."""
        match outcome:
            case Booked(document, result):
                self._works(taken.owner)
                await self._lanes.book(taken.transaction_id, document, result)
            case Stored(document):
                self._works(taken.owner)
                poll_ms = self._erps[taken.owner].timing.poll_ms
                await self._lanes.stored(taken, document, poll_ms)
            case Refused(cause, detail):
                await self._lanes.hold(taken, cause, detail, self._retry_ms(taken.owner, cause))
            case Busy() if outcome.misconfigured and self._faulty(taken.owner, outcome.detail):
                await self._busy_ms(taken, outcome)
                cause, retry_ms = Cause.MISCONFIGURED, self._retry_ms
                await self._lanes.hold(taken, cause, outcome.detail, retry_ms(taken.owner, cause))
            case Busy():
                await self._close(taken, await self._busy_ms(taken, outcome), outcome.detail)
            case Unknown(detail):
                final_ms = self._erps[taken.owner].timing.absent_final_ms
                delay_ms = probe_ms(0, final_ms, self._chance)
                await self._lanes.defer(taken, delay_ms, unknown=True, reason=detail)

    async def _settle_probe(self, taken: Taken, probed: Probed, open_ms: int) -> None:
        """One settlement per answer of a probe; the attempt stays open until one is final."""
        final_ms = self._erps[taken.owner].timing.absent_final_ms
        match probed:
            case Absent() if open_ms >= final_ms:
                reason = f"absent {open_ms} ms after the attempt began: final"
                await self._close(taken, 0, reason)
            case Absent():
                delay_ms = probe_ms(open_ms, final_ms, self._chance)
                reason = "absent, but an earlier request can still arrive"
                await self._lanes.defer(taken, delay_ms, unknown=True, reason=reason)
            case Refused() if taken.released == SENT_AGAIN and open_ms < final_ms:
                delay_ms = probe_ms(open_ms, final_ms, self._chance)
                reason = "only the refusal of before is seen, and the new request can still arrive"
                await self._lanes.defer(taken, delay_ms, unknown=True, reason=reason)
            case Refused(cause) if taken.released == LET_GO and not (
                cause.waits and self._erps[taken.owner].timing.reposts
            ):
                reason = "refused before; it may go again"
                await self._close(taken, 0, reason)
            case Busy():
                delay_ms = max(
                    await self._busy_ms(taken, probed), probe_ms(open_ms, final_ms, self._chance)
                )
                await self._lanes.defer(taken, delay_ms, unknown=True, reason=probed.detail)
            case Unknown(detail):
                delay_ms = probe_ms(open_ms, final_ms, self._chance)
                await self._lanes.defer(taken, delay_ms, unknown=True, reason=detail)
            case _:
                await self._settle(taken, probed)

    def _works(self, erp: Target) -> None:
        """Note that an ERP took something: what it refused before is over."""
        if self._faulty_since_s.pop(erp, None) is not None:
            self._observer.misconfigured(erp.value, "")

    def _faulty(self, erp: Target, detail: str) -> bool:
        """Note an answer that only a change of configuration can cure; say if it lasts.

        An ERP that is being restarted may say so, too, for a moment. What lasts becomes an
        exception somebody sees, one message a time: the ERP stays closed for all others.
        """
        now_s = self._clock.monotonic_s()
        since_s = self._faulty_since_s.setdefault(erp, now_s)
        self._observer.misconfigured(erp.value, detail)
        return now_s - since_s >= FAULT_S_MAX

    def _retry_ms(self, erp: Target, cause: Cause) -> tuple[int, int] | None:
        return wait_ms(self._erps[erp].timing, cause, self._chance)

    async def _close(self, taken: Taken, delay_ms: int, reason: str) -> None:
        """Put the object back with its attempt closed: it was certainly not booked.

        If the store's answer is lost and this is repeated, the next attempt may be out already:
        the take's number keeps the repeat from closing that one.
        """
        await self._lanes.defer(taken, delay_ms, unknown=False, reason=reason)

    async def _busy_ms(self, taken: Taken, busy: Busy) -> int:
        """Close the ERP's quota for as long as it asked; return when this object may try again.

        What others without such a figure mean is the ledger's to judge: it hears all workers'.
        """
        for_ms = busy.retry_after_ms or (FAULT_CLOSE_MS if busy.misconfigured else 0)
        if busy.closes and for_ms:
            await self._quotas.close(taken.owner, for_ms)
        return busy.retry_after_ms or retry_ms(taken.attempts, self._chance)

    async def _settled(self, settle: Callable[[], Awaitable[None]]) -> None:
        """Settle, through an outage of the store: what the ERP answered is worth waiting for."""
        until_s = self._clock.monotonic_s() + SETTLE_S_MAX
        while True:
            try:
                return await settle()
            except StoreUnavailable:
                if self._clock.monotonic_s() > until_s:
                    raise
                await self._clock.sleep(0.1 + 0.4 * self._chance.random())

    def _observe(
        self,
        call: str,
        taken: Taken,
        envelope: Envelope,
        outcome: Probed | Delayed,
        started_s: float,
    ) -> None:
        self._observer.attempt(
            call=call,
            erp=taken.owner.value,
            process=envelope.process,
            transaction_id=taken.transaction_id,
            attempt=taken.attempts + (call == "send"),
            outcome=type(outcome).__name__.lower(),
            detail=getattr(outcome, "detail", ""),
            duration_s=self._clock.monotonic_s() - started_s,
        )
