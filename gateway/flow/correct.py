"""Correct: a held message is changed, or given up.

The sentence the code follows: *who may is told apart from who may not, what would come out is
checked before anything is written down, it is written down before it is done, and it is done only
to the message that was looked at; nothing that may be booked is changed or given up.*
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import ValidationError

from gateway.canonical.edit import Change, changes, edited, patch_of
from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Case, Edition, Refusal, StaffRefused
from gateway.canonical.outcome import CAUSES, Absent, Booked, Cause, Refused, Stored
from gateway.canonical.process import PROCESSES, Kind, Target
from gateway.canonical.staff import Action, Staff, require
from gateway.canonical.unmapped import draft_of
from gateway.errors import BadRequest, Conflict, ErpUnavailable
from gateway.flow.calls import Caller
from gateway.flow.exceptions import Bench
from gateway.ports import Erp


@dataclass(frozen=True, slots=True)
class Corrected:
    """What was changed; ``revision`` is what the next change has to name."""

    transaction_id: str
    revision: int
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What was discarded, in order; ``held`` follows it and is held now, "" if nothing does."""

    transaction_ids: Sequence[str]
    held: str


class Corrector:
    """Changes and discards held messages."""

    def __init__(self, bench: Bench, erps: Mapping[Target, Erp], caller: Caller) -> None:
        self._at = bench
        self._erps = erps
        self._caller = caller

    async def patch_of(
        self, transaction_id: str, settings: Sequence[str], revision: int | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Return the revision looked at, and the merge patch that ``path=value`` pairs mean."""
        case = await self._seen(transaction_id, revision)
        return case.revision, patch_of(_readable(case).body, settings)

    async def edit(
        self, staff: Staff, transaction_id: str, patch: Mapping[str, Any], *, reason: str,
        revision: int | None = None,
    ) -> Corrected:  # fmt: skip
        """Apply a JSON merge patch to the body of a held message; it stays held.

        ``revision`` is the one the caller looked at; None takes the present one.

        Raises:
            Invalid: it would be no canonical document, or touch what may not be changed.
            BadRequest: no reason, or nothing would change.
            Conflict: it is not held, somebody changed it meanwhile, or it may be booked.
        """
        require(staff, Action.EXCEPTIONS_EDIT)
        _require_reason(reason, "changed")
        case = await self._seen(transaction_id, revision)
        if case.open_ms is not None:
            raise Conflict(_open(transaction_id))
        self._refuse_reposted(case)
        envelope = _readable(case)
        body = edited(envelope.process, envelope.body, patch)
        found = changes(draft_of(envelope.body), body)
        if not found:
            raise BadRequest(f"nothing would change in {transaction_id}; see what it says now")
        await self._at.auditor.record(
            staff, Action.EXCEPTIONS_EDIT, transaction_id, reason, revision=case.revision,
            changes=[[it.pointer, it.before, it.after] for it in found],
        )  # fmt: skip
        new = envelope.model_copy(update={"body": body})
        edition = Edition(new.model_dump_json().encode(), _json(body), _json(patch))
        answer = await self._at.desk.edit(case, edition, staff.name, reason)
        if isinstance(answer, StaffRefused):
            await self._not_done(staff, Action.EXCEPTIONS_EDIT, case, answer)
        return Corrected(transaction_id, answer.revision, found)

    async def discard(
        self, staff: Staff, transaction_id: str, *, reason: str, revision: int | None = None,
        with_followers: bool = False,
    ) -> GivenUp:  # fmt: skip
        """Give a held message up: it will never be booked, and its object goes on.

        If it would have made the object, what follows is held, or given up ``with_followers``; if
        an ERP has the object from before, what follows goes there.

        Raises:
            BadRequest: no reason.
            Conflict: it is not held, changed meanwhile, or may be booked.
            ErpUnavailable: the ERP that may have it does not answer.
        """
        require(staff, Action.EXCEPTIONS_DISCARD)
        _require_reason(reason, "discarded")
        done: list[str] = []
        follower = transaction_id
        while follower or not done:
            case = await self._seen(follower, revision)
            follower = await self._discard(staff, case, reason)
            done.append(case.transaction_id)
            revision = None
            if not with_followers:
                break
        return GivenUp(done, follower)

    async def _discard(self, staff: Staff, case: Case, reason: str) -> str:
        absent, creates = await self._absent(case), _creates(case)
        passed_on = case.cause == Cause.ORDER_DISCARDED
        before = await self._before(case) if creates and not passed_on else ""
        await self._at.auditor.record(
            staff, Action.EXCEPTIONS_DISCARD, case.transaction_id, reason,
            revision=case.revision, cause=case.cause,
        )  # fmt: skip
        answer = await self._at.desk.discard(
            case, staff.name, reason, creates=creates, absent=absent, before=before
        )
        if isinstance(answer, StaffRefused):
            await self._not_done(staff, Action.EXCEPTIONS_DISCARD, case, answer)
        return answer.follower

    async def _before(self, case: Case) -> str:
        """Return the ERP that has the object from before this message, which was sent again."""
        found = await self._at.precedents.taken_before({case.transaction_id: case.object_key})
        older = found.get(case.transaction_id)
        return older.owner if older is not None else ""

    async def _absent(self, case: Case) -> bool:
        """Say whether the attempt that is open was looked for and is absent for good.

        What was ever sent is looked for, refused or not: somebody may have booked it by hand.
        """
        if not case.attempts or case.owner is None:
            return False
        erp, envelope = self._erps[case.owner], _readable(case)
        probed = await self._caller.call(
            case.owner, lambda: erp.probe(envelope), lasts_ms=erp.timing.request_ms,
            process=envelope.process,
        )  # fmt: skip
        final_ms = erp.timing.absent_final_ms
        match probed:
            case Booked(document, result):
                await self._at.lanes.book(case.transaction_id, document, result)
                raise Conflict(
                    f"{case.transaction_id} is booked, as document {document}; that is recorded "
                    "now, and nothing is left to discard"
                )
            case Stored(document):
                raise Conflict(
                    f"{case.transaction_id} is stored in its ERP as {document} and may be posted; "
                    "delete it there, then discard it here"
                )
            case Absent() | Refused():
                if case.open_ms is not None and case.open_ms < final_ms:
                    left_s = -(-(final_ms - case.open_ms) // 1000)
                    raise Conflict(
                        f"an earlier request for {case.transaction_id} can still arrive; repeat "
                        f"in {left_s} s"
                    )
                return case.open_ms is not None
            case _:
                raise ErpUnavailable(
                    f"whether {case.transaction_id} is booked cannot be found out now: "
                    f"{getattr(probed, 'detail', '')}; repeat later",
                    retry_after_s=10,
                )

    async def _seen(self, transaction_id: str, revision: int | None) -> Case:
        case = await self._at.case_of(transaction_id)
        if revision is not None and revision != case.revision:
            raise Conflict(_changed(transaction_id, case.revision))
        return case

    async def _not_done(
        self, staff: Staff, action: Action, case: Case, refused: StaffRefused
    ) -> NoReturn:
        """Say beside what was written down that it was not done, and tell who asked."""
        said = {
            Refusal.GONE: f"{case.transaction_id} is not in the buffer any more",
            Refusal.STATE: f"{case.transaction_id} is not held any more, it is {refused.found}",
            Refusal.CHANGED: _changed(case.transaction_id, refused.found),
            Refusal.OPEN: _open(case.transaction_id),
        }[refused.why]
        await self._at.auditor.record(staff, action, case.transaction_id, not_done=said)
        raise Conflict(said)

    def _refuse_reposted(self, case: Case) -> None:
        """What an ERP posts again by itself is corrected there: here it would be sent beside it."""
        reposts = case.owner is not None and self._erps[case.owner].timing.reposts
        if reposts and case.attempts and case.cause in CAUSES and Cause(case.cause).waits:
            raise Conflict(
                f"{case.transaction_id} is in its ERP, which posts it again by itself; correct "
                "the document there"
            )


def _creates(case: Case) -> bool:
    """Say whether followers are about what will never be there: an order's are, a receipt's not.

    What cannot be read may have made it. What was held for that reason passes it on.
    """
    if case.cause == Cause.ORDER_DISCARDED:
        return True
    try:
        name = Envelope.model_validate_json(case.payload).process
    except ValidationError:
        return True
    process = PROCESSES.get(name)
    return process is not None and process.kind is Kind.CREATE and not process.pipelined


def _readable(case: Case) -> Envelope:
    try:
        return Envelope.model_validate_json(case.payload)
    except ValidationError:
        raise Conflict(
            f"{case.transaction_id} cannot be read by this version of coexist; run the one that "
            "took it"
        ) from None


def _require_reason(reason: str, what: str) -> None:
    if not reason.strip():
        raise BadRequest(f"say why it is {what}: a reason is missing")


def _changed(transaction_id: str, revision: int | str) -> str:
    return (
        f"somebody else changed {transaction_id} meanwhile: it is at revision {revision}; look at "
        "it again, then repeat"
    )


def _open(transaction_id: str) -> str:
    return (
        f"whether {transaction_id} is booked is not known: an attempt is open; retry it, so that "
        "it is looked for first"
    )


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
