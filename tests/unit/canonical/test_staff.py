"""Who may do what, as the documented table says it."""

from __future__ import annotations

import pytest

from gateway.canonical.staff import MAY, Action, Role, Staff, require
from gateway.errors import Forbidden

#: viewer, operator, lead, approver, finance: written down a second time, on purpose.
TABLE = {
    "exceptions.read": "VOLAF",
    "exceptions.unmask": "OLF",
    "exceptions.retry": "OLF",
    "exceptions.edit": "OL",
    "exceptions.discard": "LF",
    "audit.read": "VOLAF",
    "rules.propose": "L",
    "rules.schedule": "L",
    "status.read": "VOLAF",
    "rules.apply": "L",
    "rules.rollback": "L",
    "rules.approve": "A",
    "rules.waive": "A",
    "delivery.peak": "OL",
    "settlement.take": "OF",
    "receipts.take": "OLF",
    "store-day.close": "OF",
    "xref.import": "OLF",
    "owners.import": "L",
    "quota.reset": "OL",
    "double.raise": "OLF",
    "double.settle": "LF",
}


def test_every_action_is_in_the_table() -> None:
    assert {str(it) for it in Action} == set(MAY) == set(TABLE)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_the_table_says(role: Role, action: Action) -> None:
    staff = Staff("sam", frozenset({role}), "api")
    if role.value[0].upper() in TABLE[action]:
        require(staff, action)
        return
    with pytest.raises(Forbidden) as refused:
        require(staff, action)
    for word in ("sam", str(action), str(role), *MAY[action]):
        assert word in refused.value.detail


def test_roles_add_up_and_none_may_nothing() -> None:
    require(Staff("sam", frozenset({Role.VIEWER, Role.LEAD}), "cli"), Action.RULES_APPLY)
    with pytest.raises(Forbidden, match="they have no role"):
        require(Staff("sam", frozenset(), "cli"), Action.AUDIT_READ)
