"""Ownership and order of one object, case by case, with times written out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from loadtests.books import KINDS, Document, Erp
from loadtests.events import Apply
from loadtests.expect import Timeline
from loadtests.findings import Finding
from loadtests.journal import MessageEntry
from loadtests.ledger import Transaction
from loadtests.messages import CANCELLATION, ORDER, RETURN, SALE, Message
from loadtests.objects import check_object


def message(process: str = ORDER, reference: str = "SHOP-1", **facts: str) -> Message:
    return Message(
        process=process,
        channel="webshop",
        object_key="object",
        object_reference="SHOP-1",
        reference=reference,
        legal_entity="NL01",
        currency="EUR",
        lines=(),
        total=Decimal(1),
        facts={"channel": "webshop", "store": "NL-001", **facts},
    )


def booked(
    what: Message, sent: float, answered: float, erp: Erp | None, sequence: int = 1
) -> Transaction:
    transaction = Transaction(what.reference, what, sent, answered)
    if erp is not None:
        transaction.documents.append(
            Document(
                erp, sequence, f"N{sequence}", KINDS[what.process], f"CX-{what.reference}",
                what.object_reference, "NL01", "EUR", (), Decimal(1),
            )
        )  # fmt: skip
    return transaction


def apply(at_start: float, at_return: float | None, mode: str, epoch: int) -> Apply:
    rules: tuple[dict[str, Any], ...] = tuple(
        {"id": process, "process": process, "mode": mode} for process in (ORDER, SALE)
    )
    return Apply(at_start=at_start, at_return=at_return, epoch=epoch, rules=rules, kind="apply")


LEGACY_THEN_CLOUD = Timeline([apply(0, 0, "legacy", 0), apply(100, 110, "cloud", 1)])


def kinds(findings: list[Finding]) -> list[str]:
    return [finding.kind for finding in findings]


def check(
    *transactions: Transaction,
    timeline: Timeline = LEGACY_THEN_CLOUD,
    unanswered: list[MessageEntry] | None = None,
) -> list[str]:
    return kinds(check_object(transactions, unanswered or [], timeline))


def test_sent_after_the_apply_returned_the_new_route_is_the_only_one() -> None:
    assert check(booked(message(), 111, 112, "cloud")) == []
    assert check(booked(message(), 111, 112, "legacy")) == ["stale_route_after_apply"]


def test_answered_before_the_apply_began_the_old_route_is_the_only_one() -> None:
    assert check(booked(message(), 98, 99, "legacy")) == []
    assert check(booked(message(), 98, 99, "cloud")) == ["wrong_owner"]


def test_in_between_either_route_is_right() -> None:
    for sent, answered in ((98, 101), (101, 102), (109, 120), (90, 130)):
        assert check(booked(message(), sent, answered, "legacy")) == []
        assert check(booked(message(), sent, answered, "cloud")) == []


def test_an_apply_that_never_returned_leaves_both_open_until_the_next_did() -> None:
    timeline = Timeline(
        [apply(0, 0, "legacy", 0), apply(100, None, "cloud", 1), apply(200, 210, "cloud", 2)]
    )
    for erp in ("legacy", "cloud"):
        assert check(booked(message(), 150, 151, erp), timeline=timeline) == []
    stale = check(booked(message(), 211, 212, "legacy"), timeline=timeline)
    assert stale == ["stale_route_after_apply"]


def test_after_a_rollback_the_rolled_back_route_is_stale() -> None:
    timeline = Timeline(
        [apply(0, 0, "legacy", 0), apply(10, 11, "cloud", 1), apply(20, 21, "legacy", 2)]
    )
    assert check(booked(message(), 30, 31, "legacy"), timeline=timeline) == []
    stale = check(booked(message(), 30, 31, "cloud"), timeline=timeline)
    assert stale == ["stale_route_after_apply"]


def test_what_is_sent_before_the_first_event_is_sent_under_its_rules() -> None:
    timeline = Timeline([apply(50, 60, "legacy", 0), apply(100, 110, "cloud", 1)])
    assert check(booked(message(), 1, 2, "cloud"), timeline=timeline) == ["wrong_owner"]


def test_follow_ups_go_where_the_order_went_through_any_flip() -> None:
    order = booked(message(), 98, 99, "legacy")
    cancellation = booked(message(CANCELLATION, "X-1"), 150, 151, "legacy", 2)
    credit = booked(message(RETURN, "R-1"), 160, 161, "cloud", 3)
    assert check(order, cancellation) == []
    assert check(order, cancellation, credit) == ["wrong_owner"]


def test_with_either_route_open_the_order_itself_says_where_follow_ups_belong() -> None:
    order = booked(message(), 101, 102, "cloud")
    assert check(order, booked(message(RETURN, "R-1"), 150, 151, "cloud", 2)) == []
    split = check(order, booked(message(RETURN, "R-1"), 150, 151, "legacy", 2))
    assert split == ["wrong_owner"]


def test_follow_ups_of_a_misrouted_order_are_not_blamed_again() -> None:
    order = booked(message(), 150, 151, "legacy")
    credit = booked(message(RETURN, "R-1"), 160, 161, "legacy", 2)
    assert check(order, credit) == ["stale_route_after_apply"]


def sale(
    number: int, sent: float, answered: float, erp: Erp | None, sequence: int = 1
) -> Transaction:
    what = message(SALE, f"NL-001/2026-11-21/1/{number}", business_date="2026-11-21")
    return booked(what, sent, answered, erp, sequence)


def test_a_store_day_stays_where_its_first_receipt_went() -> None:
    first = sale(1, 98, 99, "legacy")
    assert check(first, sale(2, 150, 151, "legacy", 2)) == []
    assert check(first, sale(2, 150, 151, "cloud", 2)) == ["wrong_owner"]


def test_any_of_the_receipts_that_raced_may_have_been_the_first() -> None:
    racing = [sale(1, 98, 120, None), sale(2, 99, 121, "cloud", 2)]
    assert check(*racing, sale(3, 150, 151, "cloud", 3)) == []
    early = sale(1, 90, 98.5, "legacy")
    assert check(early, sale(2, 99, 121, "cloud", 2)) == ["wrong_owner"]


def test_an_unanswered_receipt_may_have_pinned_the_day() -> None:
    later = sale(2, 150, 151, "legacy", 2)
    assert check(later) == ["stale_route_after_apply"]
    lost = MessageEntry(
        message=sale(1, 99, 0, None).message, request="pos-1", intended=99, sent=99, answered=None,
        answered_wall=None, attempts=3, gateway="", status=0, state="unknown",
    )  # fmt: skip
    assert check(later, unanswered=[lost]) == []
    too_late = replace(lost, sent=160.0)
    assert check(later, unanswered=[too_late]) == ["stale_route_after_apply"]


def test_a_store_day_on_the_old_route_altogether() -> None:
    day = [sale(n, 150 + n, 150.5 + n, "legacy", n) for n in range(1, 4)]
    assert check(*day) == ["stale_route_after_apply"]


def test_what_was_held_goes_where_any_later_rules_send_it() -> None:
    held = [apply(0, 0, "legacy", 0), apply(10, 11, "hold", 1)]
    to_cloud = Timeline([*held, apply(20, 21, "cloud", 2)])
    assert check(booked(message(), 12, 13, "cloud"), timeline=to_cloud) == []
    assert check(booked(message(), 12, 13, "legacy"), timeline=to_cloud) == [
        "stale_route_after_apply"
    ]
    never = Timeline(held)
    assert check(booked(message(), 12, 13, None), timeline=never) == []
    assert check(booked(message(), 12, 13, "cloud"), timeline=never) == ["wrong_owner"]


def test_order_binds_only_what_was_answered_before_the_other_was_sent() -> None:
    one, two = sale(1, 1, 2, "legacy", 2), sale(2, 3, 4, "legacy", 1)
    assert check(one, two) == ["out_of_order"]
    overlapping = sale(2, 1.5, 4, "legacy", 1)
    assert check(one, overlapping) == []


def test_order_is_kept_within_an_erp_and_each_latecomer_counts() -> None:
    day = [
        sale(1, 1, 2, "legacy", 9),
        sale(2, 3, 4, "legacy", 5),
        sale(3, 5, 6, "legacy", 7),
        sale(4, 7, 8, "legacy", 10),
    ]
    assert check(*day) == ["out_of_order", "out_of_order"]
    assert check(day[0], booked(day[1].message, 3, 4, None), day[3]) == []
