"""Peak: an operator pauses what can wait; it is written down before it is switched."""

from __future__ import annotations

from gateway.canonical.exchange import Peak
from gateway.canonical.staff import Action, Staff
from gateway.clock import Clock
from gateway.flow.audit import Auditor
from gateway.ports import Peaks


class PeakMode:
    """Switches the peak mode of an installation."""

    def __init__(self, peaks: Peaks, auditor: Auditor, clock: Clock) -> None:
        self._peaks = peaks
        self._auditor = auditor
        self._clock = clock

    async def on(self, staff: Staff, reason: str) -> Peak:
        """Pause the classes that the configuration names.

        Raises :class:`~gateway.errors.Forbidden` for somebody who may not.
        """
        await self._auditor.record(staff, Action.DELIVERY_PEAK, "on", reason)
        peak = Peak(staff.name, reason, self._clock.now().isoformat(timespec="seconds"))
        await self._peaks.switch(peak)
        return peak

    async def off(self, staff: Staff, reason: str) -> None:
        """Let everything be delivered again."""
        await self._auditor.record(staff, Action.DELIVERY_PEAK, "off", reason)
        await self._peaks.switch(None)

    async def status(self) -> Peak | None:
        """Return who switched it on and why, or None while it is off."""
        return await self._peaks.peak()
