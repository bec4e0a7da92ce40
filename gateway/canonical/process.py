"""The business processes, in one table: what each is, how it routes, what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Target(StrEnum):
    """Where a message goes. ``HOLD`` keeps it in the buffer until a flip says where."""

    LEGACY = "legacy"
    CLOUD = "cloud"
    HOLD = "hold"


#: The two ERPs; ``hold`` is a place to wait, not a system.
ERPS: Final = (Target.LEGACY, Target.CLOUD)


class Kind(StrEnum):
    """How a process finds its ERP."""

    CREATE = "create"  #: the rules decide, and the answer pins the business object
    FOLLOW_UP = "follow-up"  #: the owner of the business object decides
    READ = "read"  #: the rules decide, each time anew


class Priority(IntEnum):
    """Classes of delivery, the most urgent first."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


@dataclass(frozen=True, slots=True)
class Process:
    """One row of the table.

    ``basis`` names the facts that rules may route by, all of which a request can carry;
    ``sticky_keys`` those a split may hash.
    ``pipelined`` lets the next message of the object leave as soon as the ERP has *stored* this
    one: the receipts of a store day do not depend on each other's posting, an order and its
    cancellation do.
    """

    name: str
    kind: Kind
    priority: Priority
    basis: tuple[str, ...]
    may_split: bool = False
    sticky_keys: tuple[str, ...] = ()
    pipelined: bool = False
    lag_s_max: int = 0


_SALES = ("channel", "legal_entity", "country", "region", "customer_group")
_FOLLOWS = ("channel", "legal_entity")
_READS = ("channel", "legal_entity", "store", "node", "brand", "category")

_TABLE = (
    Process(
        "order.intake", Kind.CREATE, Priority.HIGH, (*_SALES, "node"),
        may_split=True, sticky_keys=("customer_ref", "order_ref"), lag_s_max=300,
    ),
    Process("order.cancellation", Kind.FOLLOW_UP, Priority.CRITICAL, _FOLLOWS, lag_s_max=60),
    Process("return.authorisation", Kind.FOLLOW_UP, Priority.NORMAL, _FOLLOWS, lag_s_max=3600),
    Process("return.receipt", Kind.FOLLOW_UP, Priority.NORMAL, _FOLLOWS, lag_s_max=3600),
    Process("return.credit", Kind.FOLLOW_UP, Priority.NORMAL, _FOLLOWS, lag_s_max=3600),
    Process(
        "store.sale", Kind.CREATE, Priority.NORMAL,
        ("channel", "legal_entity", "store", "business_date"), pipelined=True, lag_s_max=3600,
    ),
    Process(
        "inventory.availability", Kind.READ, Priority.CRITICAL, _READS,
        may_split=True, sticky_keys=("sku",),
    ),
    Process(
        "catalog.product", Kind.READ, Priority.CRITICAL, _READS,
        may_split=True, sticky_keys=("sku",),
    ),
    Process(
        "catalog.price", Kind.READ, Priority.CRITICAL, (*_READS, "customer_group"),
        may_split=True, sticky_keys=("sku",),
    ),
)  # fmt: skip

PROCESSES: Final[dict[str, Process]] = {process.name: process for process in _TABLE}
"""Every process by name."""
