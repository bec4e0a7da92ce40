"""Payment: an order that waits for its money goes on when its channel says that it is paid.

The sentence the code follows: *what the order says of its payment is put right first, wherever it
waits, and it is let go only from the cause that this ends; both are written down before, under the
channel's name.* Each look decides one step, so whoever is cut off between the two is finished by
the next snapshot that says the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Case, Edition, Refusal, StaffRefused
from gateway.canonical.lifecycle import State
from gateway.canonical.outcome import Cause
from gateway.canonical.process import PROCESSES
from gateway.canonical.staff import Action, Role, Staff
from gateway.chain.plan import Plans, plan_of
from gateway.errors import OwnerUndecidable
from gateway.flow.audit import Auditor
from gateway.ports import Desk, Lanes

_json: Final = msgspec.json.encode

#: Looks before giving up: staff would have to change it as often meanwhile.
LOOKS_MAX: Final = 8
#: A worker has it in its hands for moments, unless its ERP is silent.
RETRY_S: Final = 15

_STILL_WAITS: Final = frozenset({State.HELD, State.WAITING, State.PARKED})
_REASON: Final = "the channel says that it is paid"
PAID: Final = "paid"


class Settles(Protocol):
    """Is told of orders that are paid."""

    def concerns(self, channel: str, legal_entity: str) -> bool:
        """Say whether a channel's orders wait for their payment."""
        ...

    async def paid(self, channel: str, transaction_id: str) -> bool:
        """Let an order go on, if its payment is what it waits for; say whether anything was done.

        Raises:
            OwnerUndecidable: it is in a worker's hands; told again later, it is done then.
        """
        ...


class Payments:
    """Implements :class:`Settles` on buffer and audit log."""

    def __init__(self, desk: Desk, lanes: Lanes, auditor: Auditor, plans: Plans) -> None:
        self._desk = desk
        self._lanes = lanes
        self._auditor = auditor
        self._plans = plans

    def concerns(self, channel: str, legal_entity: str) -> bool:
        """Say whether a channel's orders wait for their payment."""
        plan = plan_of(self._plans, channel, legal_entity)
        return plan is not None and bool(plan.payment_waits)

    async def paid(self, channel: str, transaction_id: str) -> bool:
        """Let an order go on, if its payment is what it waits for; say whether anything was done.

        Raises:
            OwnerUndecidable: it is in a worker's hands; told again later, it is done then.
        """
        by, done = Staff(channel, frozenset({Role.OPERATOR}), "channel"), False
        for _ in range(LOOKS_MAX):
            case = await self._desk.case(transaction_id)
            if case is None or case.state not in _STILL_WAITS:
                return done
            envelope = Envelope.model_validate_json(case.payload)
            if _status(envelope.body) != PAID:
                done = await self._say_paid(by, case, envelope) or done
            elif case.actionable and case.cause == Cause.PAYMENT_PENDING:
                done = await self._release(by, case, envelope) or done
            else:
                return done
        raise OwnerUndecidable(f"{transaction_id} changes faster than it can be read", RETRY_S)

    async def _say_paid(self, by: Staff, case: Case, envelope: Envelope) -> bool:
        """Change the payment's status and nothing else, in a draft too; staff's changes stay."""
        patch = {"payment": {"status": PAID}}
        payment = {**_payment(envelope.body), **patch["payment"]}
        body = {**envelope.body, "payment": payment}
        change = ["/payment/status", _status(envelope.body), PAID]
        subject = case.transaction_id
        await self._auditor.record(
            by, Action.EXCEPTIONS_EDIT, subject, _REASON, revision=case.revision, changes=[change]
        )
        new = envelope.model_copy(update={"body": body})
        edition = Edition(new.model_dump_json().encode(), _json(body), _json(patch))
        answer = await self._desk.edit(case, edition, by.name, _REASON, early=True)
        if not isinstance(answer, StaffRefused):
            return True
        await self._auditor.record(by, Action.EXCEPTIONS_EDIT, subject, not_done=str(answer.why))
        if answer.why is Refusal.OPEN:
            raise OwnerUndecidable(f"{subject} is being worked on; send it again", RETRY_S)
        return False

    async def _release(self, by: Staff, case: Case, envelope: Envelope) -> bool:
        subject = case.transaction_id
        await self._auditor.record(by, Action.EXCEPTIONS_RETRY, subject, _REASON, cause=case.cause)
        own = PROCESSES[envelope.process].priority
        return await self._lanes.release_held(subject, by.name, own)


def _payment(body: Mapping[str, Any]) -> Mapping[str, Any]:
    payment = body.get("payment")
    return payment if isinstance(payment, Mapping) else {}


def _status(body: Mapping[str, Any]) -> str:
    return str(_payment(body).get("status", ""))
