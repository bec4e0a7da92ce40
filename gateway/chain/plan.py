"""What each channel's orders go through, as it is configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias


class TaxSource(StrEnum):
    """Whose tax is booked."""

    CHANNEL = "channel"
    ENGINE = "engine"
    COMPARED = "compared"


class CustomerSource(StrEnum):
    """Whom an order is booked on."""

    CHANNEL = "channel"
    COLLECTIVE = "collective"
    ERP = "erp"


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of one channel's orders in one legal entity.

    ``payment_waits`` are payment statuses with which an order is not booked yet; ``node`` is where
    lines are fulfilled that name no node; ``fees`` says by the channel's code to which item a fee
    belongs, and is not asked if it is empty; ``collective`` is the customer all orders are booked
    on. Two taxes of a line may differ by ``tax_tolerance``, in the order's currency.
    """

    payment_waits: frozenset[str] = frozenset()
    node: str = ""
    fees: Mapping[str, str] = field(default_factory=dict)
    tax: TaxSource = TaxSource.CHANNEL
    tax_tolerance: Decimal = Decimal("0.02")
    customer: CustomerSource = CustomerSource.CHANNEL
    collective: str = ""


#: (channel, legal entity) or (channel, "") → plan. What is in neither goes through codes only.
Plans: TypeAlias = Mapping[tuple[str, str], Plan]

NO_PLANS: Final[Plans] = {}


def plan_of(plans: Plans, channel: str, legal_entity: str) -> Plan | None:
    """Return the plan of a channel's orders in a legal entity: its own, else the channel's."""
    return plans.get((channel, legal_entity)) or plans.get((channel, ""))
