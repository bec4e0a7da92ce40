"""Who may do what: roles of people, and the deeds each role may do, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.errors import Forbidden


class Role(StrEnum):
    """What somebody is trusted with. One person may have several."""

    VIEWER = "viewer"  #: looks at everything, changes nothing
    OPERATOR = "operator"  #: keeps business flowing: retries, corrects, switches the peak mode
    LEAD = "lead"  #: leads the migration: changes rules, gives business up
    APPROVER = "approver"  #: approves what a lead wants to change
    FINANCE = "finance"  #: answers for the books: lets go or gives up what finance had to decide


class Action(StrEnum):
    """What people do here. Each is a line in :data:`MAY`, and what changes something is audited."""

    EXCEPTIONS_READ = "exceptions.read"
    EXCEPTIONS_UNMASK = "exceptions.unmask"
    EXCEPTIONS_RETRY = "exceptions.retry"
    EXCEPTIONS_EDIT = "exceptions.edit"
    EXCEPTIONS_DISCARD = "exceptions.discard"
    AUDIT_READ = "audit.read"
    RULES_PROPOSE = "rules.propose"
    RULES_SCHEDULE = "rules.schedule"
    STATUS_READ = "status.read"
    RULES_APPLY = "rules.apply"
    RULES_ROLLBACK = "rules.rollback"
    RULES_APPROVE = "rules.approve"
    RULES_WAIVE = "rules.waive"
    DELIVERY_PEAK = "delivery.peak"
    QUOTA_RESET = "quota.reset"
    SETTLEMENT_TAKE = "settlement.take"
    RECEIPTS_TAKE = "receipts.take"
    STORE_DAY_CLOSE = "store-day.close"
    OWNERS_IMPORT = "owners.import"
    XREF_IMPORT = "xref.import"
    DOUBLE_RAISE = "double.raise"
    DOUBLE_SETTLE = "double.settle"


_ALL: Final = frozenset(Role)

MAY: Final[dict[Action, frozenset[Role]]] = {
    Action.EXCEPTIONS_READ: _ALL,
    # Customers' data: for those who put orders right, and each look is written down.
    Action.EXCEPTIONS_UNMASK: frozenset({Role.OPERATOR, Role.LEAD, Role.FINANCE}),
    Action.EXCEPTIONS_RETRY: frozenset({Role.OPERATOR, Role.LEAD, Role.FINANCE}),
    Action.EXCEPTIONS_EDIT: frozenset({Role.OPERATOR, Role.LEAD}),
    # Business that was accepted is not given up by whoever happens to be on duty.
    Action.EXCEPTIONS_DISCARD: frozenset({Role.LEAD, Role.FINANCE}),
    Action.AUDIT_READ: _ALL,
    Action.RULES_PROPOSE: frozenset({Role.LEAD}),
    Action.RULES_SCHEDULE: frozenset({Role.LEAD}),
    Action.STATUS_READ: _ALL,
    Action.RULES_APPLY: frozenset({Role.LEAD}),
    Action.RULES_ROLLBACK: frozenset({Role.LEAD}),
    Action.RULES_APPROVE: frozenset({Role.APPROVER}),
    # Who lets a red gate pass answers for it, like who approves.
    Action.RULES_WAIVE: frozenset({Role.APPROVER}),
    Action.DELIVERY_PEAK: frozenset({Role.OPERATOR, Role.LEAD}),
    Action.XREF_IMPORT: frozenset({Role.OPERATOR, Role.LEAD, Role.FINANCE}),
    Action.QUOTA_RESET: frozenset({Role.OPERATOR, Role.LEAD}),
    Action.SETTLEMENT_TAKE: frozenset({Role.OPERATOR, Role.FINANCE}),
    Action.RECEIPTS_TAKE: frozenset({Role.OPERATOR, Role.LEAD, Role.FINANCE}),
    Action.STORE_DAY_CLOSE: frozenset({Role.OPERATOR, Role.FINANCE}),
    # Every follow-up of an imported object goes where the file says.
    Action.OWNERS_IMPORT: frozenset({Role.LEAD}),
    Action.DOUBLE_RAISE: frozenset({Role.OPERATOR, Role.LEAD, Role.FINANCE}),
    # Who says that a double was put right answers for the books.
    Action.DOUBLE_SETTLE: frozenset({Role.LEAD, Role.FINANCE}),
}
"""Which roles may do what; a test holds the documented table against it."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who acts. ``via`` is ``cli``, ``api``, or ``channel``: then it is one.

    ``roles`` are all of them where no staff is configured: then whoever can reach store and ledger
    is taken at their word, as the audit log's ``via`` says.
    """

    name: str
    roles: frozenset[Role]
    via: str


def require(staff: Staff, action: Action) -> None:
    """Raise :class:`~gateway.errors.Forbidden` unless one of the person's roles may do this."""
    if staff.roles.isdisjoint(MAY[action]):
        needed = " or ".join(sorted(MAY[action]))
        has = " and ".join(sorted(staff.roles)) or "no role"
        raise Forbidden(
            f"{staff.name} may not do {action}: it needs role {needed}, and they have {has}; "
            "ask somebody who has it, or have the role added under staff in the configuration"
        )
