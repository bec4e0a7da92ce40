"""Hazards are counted only where they occurred: case by case, with times written out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from loadtests import hazards
from loadtests.books import KINDS, Document, Erp
from loadtests.events import Apply, Channel, Day, Events, TrafficEnd
from loadtests.expect import Timeline
from loadtests.findings import CHANNELS, CLOUD
from loadtests.journal import Run
from loadtests.ledger import Ledger, Transaction
from loadtests.messages import CANCELLATION, ORDER, RETURN, SALE, Message

RUN = Run(1, 1.0, 200.0, "s", [], "2026-11-21", 1000.0, "", 1, business_days=2)
DEFAULTS: tuple[dict[str, Any], ...] = (
    {"id": "orders", "process": ORDER, "mode": "legacy"},
    {"id": "sales", "process": SALE, "mode": "legacy"},
)
MOVED: tuple[dict[str, Any], ...] = (
    *DEFAULTS,
    {"id": "nl", "process": ORDER, "when": {"legal_entity": "NL01"}, "mode": "cloud"},
    {
        "id": "store",
        "process": SALE,
        "when": {"store": "NL-001", "business_date": {"from": "2026-11-21"}},
        "mode": "cloud",
    },
)


def applied(*at: float) -> list[Apply]:
    """All legacy, then moved at the first time, back at the second, and so on."""
    first = Apply(at_start=0, at_return=0, epoch=0, rules=DEFAULTS, kind="initial")
    flips = [
        Apply(
            at_start=start,
            at_return=start + 2,
            epoch=number,
            rules=MOVED if number % 2 else DEFAULTS,
            kind="apply" if number % 2 else "rollback",
        )
        for number, start in enumerate(at, start=1)
    ]
    return [first, *flips]


def transaction(
    process: str, sent: float, erp: Erp | None, key: str = "order:webshop:SHOP-1", **facts: str
) -> Transaction:
    known = {"legal_entity": "NL01", **facts}
    reference = f"{process}:{key}:{sent}"
    message = Message(
        process, "webshop", key, "SHOP-1", reference, "NL01", "EUR", (), Decimal(1), facts=known
    )
    one = Transaction(reference, message, sent, sent + 0.5)
    if erp is not None:
        one.documents.append(
            Document(
                erp, 1, "N", KINDS[process], "CX-1", "SHOP-1", "NL01", "EUR", (), Decimal(1)
            )
        )  # fmt: skip
    return one


def across(*transactions: Transaction, at: tuple[float, ...] = (1050.0,)) -> int:
    ledger = Ledger({one.id: one for one in transactions}, [], {}, [])
    return hazards.followups_across_flip(ledger, Timeline(applied(*at)))


def test_a_follow_up_across_a_flip_has_an_order_the_new_rules_would_send_elsewhere() -> None:
    order = transaction(ORDER, 1010, "legacy")
    assert across(order, transaction(RETURN, 1060, "legacy")) == 1
    both = (transaction(CANCELLATION, 1060, "legacy"), transaction(RETURN, 1070, "legacy"))
    assert across(order, *both) == 2


@pytest.mark.parametrize(
    "follow_up",
    [
        transaction(RETURN, 1040, "legacy"),  # before the flip
        transaction(RETURN, 1051, "legacy"),  # while it was under way, nobody knows
        transaction(RETURN, 1060, None),  # not booked: nothing was survived
    ],
)
def test_no_follow_up_across_a_flip(follow_up: Transaction) -> None:
    assert across(transaction(ORDER, 1010, "legacy"), follow_up) == 0


def test_a_flip_that_does_not_concern_the_order_does_not_count() -> None:
    order = transaction(ORDER, 1010, "legacy", legal_entity="DE01")
    assert across(order, transaction(RETURN, 1060, "legacy")) == 0


def test_a_rollback_is_a_flip_to_cross() -> None:
    order = transaction(ORDER, 1060, "cloud")
    assert across(order, transaction(RETURN, 1070, "cloud"), at=(1050, 1080)) == 0
    assert across(order, transaction(RETURN, 1090, "cloud"), at=(1050, 1080)) == 1


def test_follow_ups_of_orders_nobody_knows_the_facts_of_do_not_count() -> None:
    assert across(transaction(RETURN, 1060, "legacy", key="order:webshop:OLD-L-00001")) == 0


def late(
    sent: float,
    day: str,
    erp: Erp | None = "legacy",
    store: str = "NL-001",
    days: tuple[Day, ...] = (),
) -> int:
    key = f"store-day:{store}:{day}"
    receipt = transaction(SALE, sent, erp, key, store=store, business_date=day)
    ledger = Ledger({receipt.id: receipt}, [], {}, [])
    return hazards.late_days_after_flip(ledger, Timeline(applied(1050.0)), RUN, days)


def test_a_late_receipt_after_the_flip_of_its_store() -> None:
    # The second of two business days is open from half of the run on, that is, from 1100.
    assert late(1150, "2026-11-20") == 1
    assert late(1150, "2026-11-17") == 1


def test_which_day_is_open_is_what_stores_say() -> None:
    days = (Day(at=1000, business_date="2026-11-20"), Day(at=1160, business_date="2026-11-21"))
    assert late(1150, "2026-11-20", days=days) == 0
    assert late(1170, "2026-11-20", days=days) == 1


@pytest.mark.parametrize(
    ("sent", "day", "erp", "store"),
    [
        (1150, "2026-11-21", "cloud", "NL-001"),  # the open day is not late
        (1060, "2026-11-20", "legacy", "NL-001"),  # nor is this one: its day is still open
        (1060, "2026-11-19", "legacy", "NL-001"),  # late, but the open day is in legacy, too
        (1150, "2026-11-20", "legacy", "NL-002"),  # a store that did not move
        (1150, "2026-11-20", None, "NL-001"),  # not booked: nothing was survived
        (1150, "2026-11-20", "cloud", "NL-001"),  # and this one is misrouted
    ],
)
def test_what_is_no_late_receipt_after_a_flip(
    sent: float, day: str, erp: Erp | None, store: str
) -> None:
    assert late(sent, day, erp, store) == 0


def test_without_a_run_or_rules_nothing_is_late() -> None:
    receipt = transaction(SALE, 1150, "legacy", store="NL-001", business_date="2026-11-20")
    ledger = Ledger({receipt.id: receipt}, [], {}, [])
    assert hazards.late_days_after_flip(ledger, Timeline(applied(1050.0)), None, ()) == 0
    assert hazards.late_days_after_flip(ledger, Timeline([]), RUN, ()) == 0


def test_flips_are_changes_that_returned() -> None:
    never = Apply(at_start=9, at_return=None, epoch=9, rules=(), kind="apply")
    assert hazards.flips(Events.of(applied(1050, 1080))) == 2
    assert hazards.flips(Events.of([*applied(1050, 1080), never])) == 2
    assert hazards.flips(Events.of(applied())) == 0


def test_counters_of_both_erps_add_up() -> None:
    counters: hazards.Counters = {"legacy": {"late_bookings": 2}, "cloud": {"throttled_429": 5}}
    assert hazards.counted(counters, "late_bookings") == 2
    assert hazards.counted(counters, "throttled_429") == 5
    assert hazards.counted({}, "throttled_429") == 0


def test_what_the_cloud_erp_did_is_told_from_the_other_and_from_what_came_after_traffic() -> None:
    counters: hazards.Counters = {
        "legacy": {"late_bookings": 2, "lost_replies_after_booking": 4, "throttled_429": 1},
        "cloud": {"outage_refusals": 9},
    }
    nothing = dict.fromkeys(CLOUD, 0)
    assert hazards.of_cloud(Events(), counters) == nothing | {"cloud_outage_refusals": 9}
    ends = Events.of(
        [
            TrafficEnd(at=9, erp="legacy", counters={"outage_refusals": 7}),
            TrafficEnd(at=9, erp="cloud", counters={"outage_refusals": 0, "late_bookings": 3}),
        ]
    )
    assert hazards.of_cloud(ends, counters) == nothing | {"cloud_late_bookings": 3}


def test_a_scheduled_flip_that_never_came_does_not_count() -> None:
    came, never = (
        Apply(at_start=9, at_return=at, epoch=1, rules=(), kind="apply", scheduled=True)
        for at in (10.0, None)
    )
    assert hazards.waves_scheduled(Events.of(applied(1050))) == 0
    assert hazards.waves_scheduled(Events.of([never])) == 0
    assert hazards.waves_scheduled(Events.of([came, never])) == 1


def test_what_came_in_disorder_is_counted_for_webhooks_and_receipts_apart() -> None:
    shop = Channel(name="shop", counters={"webhooks_disordered": 2})
    market = Channel(name="market", counters={"notifications_disordered": 1})
    stores = Channel(name="pos", counters={"disordered": 5})
    found = hazards.of_channels(Events.of([shop, market, stores]))
    assert (found["deliveries_disordered"], found["batches_disordered"]) == (3, 5)
    assert set(found) == set(CHANNELS) - {"numbers_lost"}, "which the stores' own books tell"
