"""What was never answered, repeated or held; and what a run that claims too much is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.audit import Claims, audit, verdict
from loadtests.books import Document
from loadtests.findings import DEMO, FAILURES, HAZARDS
from loadtests.journal import MessageEntry
from loadtests.messages import CANCELLATION, ORDER
from tests.unit.loadtests.doctoring import before_any_flip, failing, find, good_run
from tests.unit.loadtests.history import History, make_history, tampered


@pytest.fixture
def history() -> History:
    return good_run()


def unanswered(history: History) -> tuple[MessageEntry, Document]:
    """Make one booked order's request one that never got an answer; its follow-ups go."""
    entry, document = find(history, lambda e, _: e.message.process == ORDER)
    key = entry.message.object_key
    gone = [one for one in history.journal.messages if one.message.object_key == key]
    ids = {one.transaction_id for one in gone} - {entry.transaction_id}
    for one in gone:
        history.journal.messages.remove(one)
    history.documents = [one for one in history.documents if one.transaction_id not in ids]
    history.journal.messages.append(
        replace(entry, answered=None, state="unknown", status=0, transaction_id="")
    )
    return entry, document


def test_what_was_never_answered_may_be_booked_once_or_not_at_all(history: History) -> None:
    before = audit(history.evidence())
    _, document = unanswered(history)
    report = audit(history.evidence())
    assert failing(report) == {}
    assert report.unknown == before.unknown + 1
    assert report.unknown_booked == before.unknown_booked + 1
    history.documents.remove(document)
    report = audit(history.evidence())
    assert failing(report) == {}
    assert report.unknown_booked == before.unknown_booked


@pytest.mark.parametrize("same_reference", [True, False])
def test_what_was_never_answered_may_not_be_booked_twice(
    history: History, *, same_reference: bool
) -> None:
    _, document = unanswered(history)
    reference = document.external_reference if same_reference else "CX-0a-second"
    history.documents.append(tampered(document, external_reference=reference, sequence=90_000))
    kind = "duplicated" if same_reference else "booked_without_accept"
    assert failing(audit(history.evidence())) == {kind: 1}


def test_a_repeat_without_answer_is_no_licence_to_book_again(history: History) -> None:
    entry, document = find(history, lambda e, _: e.message.process == ORDER)
    repeat = replace(entry.message, repeat=True)
    history.journal.messages.append(
        replace(entry, message=repeat, answered=None, state="unknown", transaction_id="")
    )
    again = tampered(document, external_reference="CX-0a-second", sequence=90_000)
    history.documents.append(again)
    assert failing(audit(history.evidence())) == {"booked_without_accept": 1}


def test_one_order_under_two_transactions(history: History) -> None:
    entry, document = find(history, lambda e, _: e.message.process == ORDER and before_any_flip(e))
    second = replace(entry, transaction_id="0a-second", sent=399.0, answered=399.5)
    history.journal.messages.append(second)
    history.documents.append(tampered(document, external_reference="CX-0a-second", sequence=90_000))
    report = audit(history.evidence())
    assert failing(report) == {"duplicated": 1}
    assert "accepted a second time, as transaction 0a-second" in report.findings[0].what


def test_a_repeat_answered_as_if_it_were_new(history: History) -> None:
    entry = next(one for one in history.journal.messages if one.replayed)
    place = history.journal.messages.index(entry)
    first = next(
        one for one in history.journal.messages if one.transaction_id == entry.transaction_id
    )
    late = replace(entry, replayed=False, sent=(first.answered or 0) + 1)
    history.journal.messages[place] = replace(late, answered=late.sent + 1)
    assert failing(audit(history.evidence())) == {"answered_differently": 1}


def test_held_is_not_lost_but_fails_unless_it_is_allowed(history: History) -> None:
    _, document = find(history, lambda _, d: d.kind == "order")
    history.documents.remove(document)
    history.held.add(document.transaction_id)
    report = audit(history.evidence())
    assert failing(report) == {}
    assert report.held == 1
    assert verdict(report, Claims()).reasons == ("1 accepted, but still held (0 allowed)",)
    assert verdict(report, Claims(held_allowed=1)).exit_code == 0


@pytest.mark.parametrize("hazard", sorted(DEMO))
def test_a_hazard_that_did_not_occur_fails_the_claim(history: History, hazard: str) -> None:
    report = audit(history.evidence())
    for one in DEMO:
        setattr(report, one, 1)
    setattr(report, hazard, 0)
    demo = Claims.parse("demo")
    judged = verdict(report, demo)
    assert judged.exit_code == 1
    assert judged.reasons == (f"no {DEMO[hazard]}: the run claims to survive what did not occur",)
    assert verdict(report, Claims(demo.hazards - {hazard})).exit_code == 0
    assert verdict(report, Claims()).exit_code == (hazard in HAZARDS)


@pytest.mark.parametrize("kind", sorted(FAILURES))
def test_every_kind_of_finding_fails_whatever_is_claimed(history: History, kind: str) -> None:
    report = audit(history.evidence())
    setattr(report, kind, 2)
    reasons = verdict(report, Claims(frozenset())).reasons
    assert reasons == (f"2 {FAILURES[kind]}",)  # type: ignore[index]


def test_hazards_count_what_happened_and_nothing_else(history: History) -> None:
    report = audit(history.evidence())
    assert report.followups_across_flip > 0
    assert report.late_days_after_flip > 0
    calm = audit(make_history(7, flips=False).evidence())
    assert failing(calm) == {}
    assert calm.booked_cloud < 10  # only what follows old orders
    names = sorted(set(HAZARDS) - {"duplicates_answered"})
    assert [getattr(calm, name) for name in names] == [0] * len(names)


def test_a_gateway_killed_is_not_a_worker_killed_with_sends_under_way(history: History) -> None:
    kill = history.events.kills[0]
    history.events.kills = [
        kill.model_copy(update={"what": "gateway"}),
        kill.model_copy(update={"in_flight": 0}),
    ]
    report = audit(history.evidence())
    assert (report.kills, report.killed_with_work_in_flight) == (2, 0)


def test_a_driver_that_did_not_finish(history: History) -> None:
    history.journal.ended = None
    assert failing(audit(history.evidence())) == {"driver_unfinished": 1}


def test_without_events_only_the_objects_bind(history: History) -> None:
    history.events.applies.clear()
    assert failing(audit(history.evidence())) == {}
    _, document = find(history, lambda e, _: e.message.process == CANCELLATION)
    other = "cloud" if document.erp == "legacy" else "legacy"
    history.replace(document, tampered(document, erp=other, sequence=90_000))
    assert failing(audit(history.evidence())) == {"wrong_owner": 1}
