"""Exceptions over HTTP: the same as ``coexist exceptions``, by the same code."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Controller, Request, get, patch, post
from litestar.datastructures import State
from litestar.di import Provide
from litestar.params import Parameter

from gateway.api.admin import views
from gateway.api.admin.services import Admin
from gateway.canonical.exchange import Wanted
from gateway.canonical.fields import invalid
from gateway.canonical.outcome import CAUSES
from gateway.canonical.process import PROCESSES
from gateway.canonical.staff import Staff
from gateway.errors import FieldError
from gateway.flow import readout
from gateway.flow.exceptions import of_team

#: What a query may say: which exceptions, and which page of them.
QUERY: Final = frozenset(
    {"cause", "process", "channel", "legal_entity", "sku", "team", "first", "count"}
)


async def wanted(
    request: Request[Any, Any, State], admin: Admin, cause: str = "", process: str = "",
    channel: str = "", legal_entity: str = "", sku: str = "", team: str = "",
) -> Wanted:  # fmt: skip
    """Return which exceptions the query names; one that names nothing means all.

    A name that is none would else mean all, too.
    """
    strange = sorted(set(request.query_params) - QUERY)
    if strange:
        said = f"is no name here; there are {', '.join(sorted(QUERY))}"
        raise invalid([FieldError(f"/{it}", said) for it in strange])
    named = Wanted(cause, process, channel, legal_entity, sku)
    _refuse_unknown(named)
    return of_team(named, team, admin.exceptions.teams)


def _refuse_unknown(named: Wanted) -> None:
    """Refuse what could never be found, rather than find nothing."""
    wrong = [
        FieldError(f"/{field}", f"{value!r} is none; there are {', '.join(sorted(known))}")
        for field, value, known in (
            ("cause", named.cause, CAUSES), ("process", named.process, frozenset(PROCESSES)),
        )
        if value and value not in known
    ]  # fmt: skip
    if wrong:
        raise invalid(wrong)


class ExceptionsDesk(Controller):
    """What is held or waits for a cause."""

    dependencies = {"wanted": Provide(wanted)}  # noqa: RUF012 -- Litestar's name and type
    path = "/admin/v1/exceptions"
    tags = ("exceptions",)

    @get(summary="List what is held or waits, by cause and one by one")
    async def listing(
        self, admin: Admin, staff: Staff, wanted: Wanted,
        first: Annotated[int, Parameter(ge=0)] = 0,
        count: Annotated[int, Parameter(ge=1, le=500)] = 50,
    ) -> views.Listing:  # fmt: skip
        """Return groups and a page: the first deadline first, then the most money."""
        found = await admin.exceptions.listing(staff, wanted, first=first, count=count)
        return views.Listing.model_validate(readout.listing(found, first))

    @get("/estimate", summary="Say how much a release would be, and how long it takes")
    async def estimate(self, admin: Admin, staff: Staff, wanted: Wanted) -> views.Estimate:
        """Return count, money and time by ERP; nothing is changed."""
        found = await admin.exceptions.estimate(staff, wanted)
        return views.Estimate.model_validate(readout.estimate(found))

    @post("/retry", status_code=200, summary="Release all that is named, behind live traffic")
    async def retry_all(self, admin: Admin, staff: Staff, data: views.Bulk) -> views.Released:
        """Release at most ``count``; what was ever sent is looked for before it goes again.

        As on the command line, what to release has to be named.
        """
        named = Wanted(data.cause, data.process, data.channel, data.legal_entity, data.sku)
        _refuse_unknown(named)
        if named == Wanted() and not data.team:
            what = "say what to release, by cause, process, channel, legal_entity, sku or team"
            raise invalid([FieldError("", what)])
        done = await admin.exceptions.retry_all(
            staff,
            of_team(named, data.team, admin.exceptions.teams),
            count=data.count,
            reason=data.reason,
        )
        return views.Released.model_validate(readout.released(done))

    @get("/{transaction_id:str}", summary="Show one transaction")
    async def show(
        self, admin: Admin, staff: Staff, transaction_id: str, *, unmask: bool = False,
        reason: str = "",
    ) -> views.Shown:  # fmt: skip
        """Return what it says, what happened, what the ERP said, and what to do."""
        found = await admin.exceptions.show(staff, transaction_id, unmask=unmask, reason=reason)
        return views.Shown.model_validate(readout.shown(found))

    @patch("/{transaction_id:str}", summary="Correct a held transaction")
    async def edit(
        self, admin: Admin, staff: Staff, transaction_id: str, data: views.Edit
    ) -> views.Corrected:
        """Apply a JSON merge patch, if nobody changed it since; it stays held."""
        done = await admin.corrector.edit(
            staff, transaction_id, data.patch, reason=data.reason, revision=data.revision
        )
        return views.Corrected.model_validate(readout.corrected(done))

    @post("/{transaction_id:str}/retry", status_code=200, summary="Release one transaction")
    async def retry(
        self, admin: Admin, staff: Staff, transaction_id: str, data: views.Wish
    ) -> views.Released:
        """Let it be tried again, in its own class."""
        await admin.exceptions.retry(staff, transaction_id, data.reason)
        return views.Released(released=1, gone=0)

    @post("/{transaction_id:str}/discard", status_code=200, summary="Give one transaction up")
    async def discard(
        self, admin: Admin, staff: Staff, transaction_id: str, data: views.Discard
    ) -> views.GivenUp:
        """End it as discarded, unless it may be booked; its object goes on."""
        done = await admin.corrector.discard(
            staff, transaction_id, reason=data.reason, revision=data.revision,
            with_followers=data.with_followers,
        )  # fmt: skip
        return views.GivenUp.model_validate(readout.given_up(done))
