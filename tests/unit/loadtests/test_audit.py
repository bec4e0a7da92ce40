"""The audit is attacked: a good run passes, each doctored book fails with the right counter."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.audit import Claims, audit, verdict
from loadtests.books import Document
from loadtests.journal import MessageEntry
from loadtests.messages import CANCELLATION, ORDER, RETURN, SALE
from tests.unit.loadtests.doctoring import before_any_flip, failing, find, good_run
from tests.unit.loadtests.history import FLIPS, MOVED_STORES, History, make_history, tampered

CENT = Decimal("0.01")


@pytest.fixture
def history() -> History:
    return good_run()


def test_a_good_run_passes_with_every_hazard(history: History) -> None:
    report = audit(history.evidence())
    assert failing(report) == {}, [str(finding) for finding in report.findings]
    assert verdict(report, Claims()).reasons == ()
    assert report.accepted == report.booked_once > 200
    booked = report.booked_legacy + report.booked_cloud
    assert booked == report.accepted + report.unknown_booked == len(history.documents)
    assert min(report.booked_legacy, report.booked_cloud) > 20
    assert report.value_accepted == report.value_booked > 0
    assert report.value_accepted_by_currency == {"EUR": report.value_accepted}
    assert (report.flips, report.kills, report.killed_with_work_in_flight) == (3, 1, 1)
    assert (report.lost_replies_after_booking, report.late_bookings, report.erp_429) == (3, 3, 4)
    assert report.accept_p99_ms > report.accept_p50_ms > 2


@given(st.integers(0, 2**32))
@settings(max_examples=12)
def test_good_runs_of_any_seed_pass(seed: int) -> None:
    report = audit(make_history(seed, requests=150).evidence())
    assert failing(report) == {}, [str(finding) for finding in report.findings]


@given(st.integers(0, 2**32), st.integers(0, 10**6))
@settings(max_examples=12)
def test_no_document_can_be_removed_or_doubled_unseen(seed: int, choice: int) -> None:
    history = make_history(seed, requests=60)
    told = {entry.transaction_id for entry in history.journal.messages}
    documents = [one for one in history.documents if one.transaction_id in told]
    victim = documents[choice % len(documents)]
    history.documents.remove(victim)
    assert failing(audit(history.evidence())) == {"lost": 1}
    history.documents += [victim, tampered(victim, sequence=10**6)]
    assert failing(audit(history.evidence())) == {"duplicated": 1}


@given(st.integers(0, 2**32), st.integers(0, 10**6))
@settings(max_examples=12)
def test_no_document_can_move_to_the_other_erp_unseen(seed: int, choice: int) -> None:
    history = make_history(seed, requests=60)
    sure = [document for document in history.documents if route_is_sure(history, document)]
    victim = sure[choice % len(sure)]
    other = "cloud" if victim.erp == "legacy" else "legacy"
    history.replace(victim, tampered(victim, erp=other, sequence=10**6))
    found = failing(audit(history.evidence()))
    assert found in ({"wrong_owner": 1}, {"stale_route_after_apply": 1})


def route_is_sure(history: History, document: Document) -> bool:
    """Whether only one ERP is right: no flip was under way, and no answer of the object lost."""
    entries = history.journal.messages
    mine = [one for one in entries if one.transaction_id == document.transaction_id]
    if not mine:
        return False
    key = mine[0].message.object_key
    family = [one for one in entries if one.message.object_key == key]
    return all(
        one.answered is not None
        and not any(start <= one.answered and one.sent <= end for start, end in FLIPS)
        for one in family
    )


@pytest.mark.parametrize("erp", ["legacy", "cloud"])
def test_a_document_doubled(history: History, erp: str) -> None:
    _, document = find(history, lambda _, d: d.kind == "order")
    double = tampered(document, erp=erp, sequence=90_000, number="AGAIN")
    history.documents.append(double)
    report = audit(history.evidence())
    assert failing(report) == {"duplicated": 1}
    assert report.value_booked == report.value_accepted + document.total
    assert report.booked_once == report.accepted - 1
    (finding,) = report.findings
    assert finding.reference == document.object_reference
    assert "booked 2 times" in finding.what
    assert f"{erp} document AGAIN (sequence 90000)" in finding.where


def test_a_document_missing(history: History) -> None:
    entry, document = find(history, lambda e, _: e.message.process == RETURN)
    history.documents.remove(document)
    report = audit(history.evidence())
    assert failing(report) == {"lost": 1}
    assert str(report.findings[0]) == (
        f"{entry.message.reference}: return.credit accepted, but in no ERP's books "
        f"(transaction {entry.transaction_id})"
    )
    assert verdict(report, Claims()).exit_code == 1


def test_an_order_in_the_wrong_erp(history: History) -> None:
    _, document = find(history, lambda e, _: e.message.process == ORDER and before_any_flip(e))
    assert document.erp == "legacy"
    history.replace(document, tampered(document, erp="cloud", sequence=90_000))
    report = audit(history.evidence())
    assert failing(report) == {"wrong_owner": 1}
    assert "belongs to legacy, not to cloud" in report.findings[0].what


def test_a_follow_up_in_the_wrong_erp(history: History) -> None:
    for process in (CANCELLATION, RETURN):
        _, document = find(history, lambda e, _, p=process: e.message.process == p)  # type: ignore[misc]
        other = "cloud" if document.erp == "legacy" else "legacy"
        moved = tampered(document, erp=other, sequence=90_000)
        history.replace(document, moved)
        assert failing(audit(history.evidence())) == {"wrong_owner": 1}
        history.replace(moved, document)


@pytest.mark.parametrize(("prefix", "other"), [("OLD-L", "cloud"), ("OLD-C", "legacy")])
def test_a_follow_up_of_an_old_order_belongs_where_the_order_is(
    history: History, prefix: str, other: str
) -> None:
    _, document = find(history, lambda _, d: d.object_reference.startswith(prefix))
    history.replace(document, tampered(document, erp=other, sequence=90_000))
    assert failing(audit(history.evidence())) == {"wrong_owner": 1}


def test_a_late_receipt_in_the_erp_of_the_new_rules(history: History) -> None:
    def late(entry: MessageEntry, document: Document) -> bool:
        facts = entry.message.facts
        return (
            entry.message.process == SALE
            and facts["store"] in MOVED_STORES
            and facts["business_date"] < "2026-11-21"
            and entry.sent > FLIPS[1][1]
            and document.erp == "legacy"
        )

    _, document = find(history, late)
    history.replace(document, tampered(document, erp="cloud", sequence=90_000))
    assert failing(audit(history.evidence())) == {"wrong_owner": 1}


def test_a_stale_route_after_apply_and_its_follow_ups_count_once(history: History) -> None:
    def after_wave_2(entry: MessageEntry, _: Document) -> bool:
        facts = entry.message.facts
        return (
            entry.message.process == ORDER
            and facts["legal_entity"] == "NL01"
            and facts["channel"] == "marketplace"
            and FLIPS[1][1] < entry.sent
            and (entry.answered or 0) < FLIPS[2][0]
        )

    _, document = find(history, after_wave_2)
    assert document.erp == "cloud"
    whole = [one for one in history.documents if one.object_reference == document.object_reference]
    for one in whole:
        history.replace(one, tampered(one, erp="legacy", sequence=90_000 + one.sequence))
    assert failing(audit(history.evidence())) == {"stale_route_after_apply": 1}


def test_while_an_apply_runs_either_route_is_right(history: History) -> None:
    entry, document = find(
        history,
        lambda e, _: (
            e.message.process == ORDER
            and e.message.facts["legal_entity"] == "NL01"
            and e.message.facts["channel"] == "marketplace"
            and e.sent > FLIPS[1][1] + 20
            and (e.answered or 0) < FLIPS[2][0]
        ),
    )
    whole = [one for one in history.documents if one.object_reference == document.object_reference]
    for one in whole:
        history.replace(one, tampered(one, erp="legacy", sequence=90_000 + one.sequence))
    applies = history.events.applies
    assert failing(audit(history.evidence())) == {"stale_route_after_apply": 1}
    applies[2] = applies[2].model_copy(update={"at_return": entry.sent})
    assert failing(audit(history.evidence())) == {}


def test_two_documents_of_an_object_swapped(history: History) -> None:
    by_object: dict[str, list[tuple[MessageEntry, Document]]] = {}
    told = {one.transaction_id: one for one in reversed(history.journal.messages)}
    for document in sorted(history.documents, key=lambda one: one.sequence):
        entry = told.get(document.transaction_id)
        if entry is not None:
            by_object.setdefault(entry.message.object_key, []).append((entry, document))
    first, second = next(
        (one, two)
        for pairs in by_object.values()
        for (e1, one), (e2, two) in pairwise(pairs)
        if e1.answered is not None and e1.answered < e2.sent and one.erp == two.erp
    )
    history.replace(first, tampered(first, sequence=second.sequence))
    history.replace(second, tampered(second, sequence=first.sequence))
    report = audit(history.evidence())
    assert failing(report) == {"out_of_order": 1}
    assert "accepted after, but booked before" in report.findings[0].what


@pytest.mark.parametrize("kind", ["order", "return", "store_sale"])
def test_a_cent_off(history: History, kind: str) -> None:
    _, document = find(history, lambda _, d: d.kind == kind)
    first, *rest = document.lines
    line = replace(first, amount=first.amount + CENT)
    off = tampered(document, lines=(line, *rest), total=document.total + CENT)
    history.replace(document, off)
    report = audit(history.evidence())
    assert failing(report) == {"wrong_amount": 1}
    assert report.value_booked - report.value_accepted == CENT
    assert f"total is {off.total}, accepted was {document.total}" in report.findings[0].what
    assert f"line {line.line}: amount is {line.amount}" in report.findings[0].what


@pytest.mark.parametrize("kind", ["order", "return", "store_sale"])
def test_a_cent_of_tax_moved_to_another_line(history: History, kind: str) -> None:
    """Taxed, and booked with the same tax in all: only the lines say it."""
    _, document = find(history, lambda _, d: d.kind == kind and len(d.lines) > 1)
    assert all(line.tax is not None for line in document.lines)
    first, second, *rest = document.lines
    lines = (
        replace(first, tax=(first.tax or Decimal(0)) + CENT),
        replace(second, tax=(second.tax or Decimal(0)) - CENT),
    )
    history.replace(document, tampered(document, lines=(*lines, *rest)))
    report = audit(history.evidence())
    assert failing(report) == {"wrong_amount": 1}
    assert f"line {first.line}: tax is" in report.findings[0].what


@pytest.mark.parametrize("kind", ["order", "return", "store_sale"])
def test_a_cent_of_tax_off(history: History, kind: str) -> None:
    entry, document = find(history, lambda _, d: d.kind == kind)
    at = history.journal.messages.index(entry)
    taxed = replace(entry, message=replace(entry.message, tax=Decimal("4.34")))
    history.journal.messages[at] = taxed
    history.replace(document, tampered(document, tax=Decimal("4.34")))
    (told,) = (one for one in history.documents if one.number == document.number)
    assert failing(audit(history.evidence())) == {}
    history.replace(told, tampered(told, tax=Decimal("4.35")))
    report = audit(history.evidence())
    assert failing(report) == {"wrong_amount": 1}
    assert "tax is 4.35, accepted was 4.34" in report.findings[0].what


@pytest.mark.parametrize("kind", ["order", "return", "store_sale", "cancellation"])
def test_a_quantity_off(history: History, kind: str) -> None:
    _, document = find(history, lambda _, d: d.kind == kind and bool(d.lines))
    *rest, last = document.lines
    history.replace(
        document, tampered(document, lines=(*rest, replace(last, quantity=last.quantity + 1)))
    )
    report = audit(history.evidence())
    if "OLD-" in document.object_reference and kind == "cancellation":
        pytest.fail("an old order's lines are unknown: pick another")
    assert failing(report) == {"wrong_amount": 1}
    assert "quantity is" in report.findings[0].what


def test_a_line_lost_and_a_line_added(history: History) -> None:
    _, document = find(history, lambda _, d: d.kind == "order" and len(d.lines) > 1)
    first, *rest = document.lines
    history.replace(document, tampered(document, lines=(*rest, replace(first, line=99))))
    (finding,) = audit(history.evidence()).findings
    assert f"line {first.line} ({first.sku}) is missing" in finding.what
    assert f"line 99 ({first.sku}) was never accepted" in finding.what


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"currency": "SEK"}, "wrong_amount"),
        ({"shipping": Decimal("1.00")}, "wrong_amount"),
        ({"legal_entity": "FR01"}, "wrong_document"),
        ({"object_reference": "SHOP-OTHER"}, "wrong_document"),
        ({"kind": "return"}, "wrong_document"),
    ],
)
def test_another_document_than_was_accepted(
    history: History, change: dict[str, object], kind: str
) -> None:
    _, document = find(history, lambda _, d: d.kind == "order")
    history.replace(document, tampered(document, **change))
    assert failing(audit(history.evidence())) == {kind: 1}


def test_a_cancellation_that_came_too_late_takes_nothing_back(history: History) -> None:
    _, document = find(
        history, lambda e, d: e.message.process == CANCELLATION and d.outcome != "too_late"
        and bool(d.lines)
    )  # fmt: skip
    history.replace(document, tampered(document, outcome="too_late"))
    assert failing(audit(history.evidence())) == {"wrong_amount": 1}
    assert "too late" in audit(history.evidence()).findings[0].what


def test_an_unknown_document(history: History) -> None:
    _, document = find(history, lambda _, d: d.kind == "order")
    ghost = tampered(
        document,
        external_reference="CX-0a-ghost",
        object_reference="SHOP-GHOST",
        sequence=90_000,
    )
    history.documents.append(ghost)
    report = audit(history.evidence())
    assert failing(report) == {"booked_without_accept": 1}
    assert "which no channel was ever told of" in report.findings[0].what


def test_documents_of_others_are_none_of_our_business(history: History) -> None:
    _, document = find(history, lambda _, d: d.kind == "order")
    history.documents.append(tampered(document, external_reference="PO-4711", sequence=90_000))
    report = audit(history.evidence())
    assert failing(report) == {}
    assert report.foreign_documents == 1
