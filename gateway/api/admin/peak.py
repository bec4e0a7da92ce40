"""The peak mode over HTTP: the same as ``coexist peak``, by the same code."""

from __future__ import annotations

from dataclasses import asdict

from litestar import Controller, get, put

from gateway.api.admin import views
from gateway.api.admin.services import Admin
from gateway.canonical.exchange import Peak
from gateway.canonical.staff import Action, Staff, require


class PeakDesk(Controller):
    """Whether what can wait is paused."""

    path = "/admin/v1/peak"
    tags = ("operation",)

    @get(summary="Say whether the peak mode is on")
    async def status(self, admin: Admin, staff: Staff) -> views.PeakStatus:
        """Return since when, by whom and why it is on, and what it pauses."""
        require(staff, Action.STATUS_READ)
        return _told(admin, await admin.peak.status())

    @put(summary="Switch the peak mode on or off")
    async def switch(self, admin: Admin, staff: Staff, data: views.PeakWish) -> views.PeakStatus:
        """Pause what can wait, or let it be delivered again; who and why are written down first."""
        if data.on:
            return _told(admin, await admin.peak.on(staff, data.reason))
        await admin.peak.off(staff, data.reason)
        return _told(admin, None)


def _told(admin: Admin, peak: Peak | None) -> views.PeakStatus:
    known = asdict(peak) if peak is not None else {}
    return views.PeakStatus(on=peak is not None, pauses=admin.peak_pauses, **known)
