"""When the demo ends with 1: whatever went wrong, and whatever of its story did not happen."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from loadtests.demo.verdict import judge
from loadtests.events import Kill, TrafficEnd
from loadtests.findings import CHANNELS, CLOUD, DEMO, FAILURES, Kind
from loadtests.gaps import Gaps
from loadtests.messages import FOLLOW_UPS, ORDER, SALE
from tests.unit.loadtests.doctoring import before_any_flip, find
from tests.unit.loadtests.history import TODAY, History
from tests.unit.loadtests_demo.demo_run import met_all

Take = Callable[[History], None]
HINT = "Nothing went wrong, but not every hazard was met"


@pytest.fixture
def history() -> History:
    return met_all()


def judged(history: History, report: Path | None = None) -> tuple[int, str]:
    console = Console(file=io.StringIO(), width=100)
    code = judge(history.evidence(), console, report)
    assert isinstance(console.file, io.StringIO)
    return code, console.file.getvalue()


def test_a_run_that_met_all_and_lost_nothing_ends_with_0(history: History, tmp_path: Path) -> None:
    code, said = judged(history, tmp_path / "report.json")
    assert code == 0, said
    assert "PASSED" in said
    assert "FAILED" not in said
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["passed"] is True
    assert report["reasons"] == []
    assert report["seed"] == 7


# ---------------------------------------------------------------- what must not happen


def lose(history: History) -> None:
    history.documents.remove(find(history, lambda e, _: e.message.process == ORDER)[1])


def double(history: History) -> None:
    _, document = find(history, lambda e, _: e.message.process == ORDER)
    history.documents.append(replace(document, sequence=90_000))


def misroute(history: History) -> None:
    _, document = find(history, lambda e, _: e.message.process == ORDER and before_any_flip(e))
    history.replace(document, replace(document, erp="cloud", sequence=90_000))


def disorder(history: History) -> None:
    """Swap two documents of one object, the later accepted after the earlier was answered."""
    booked = {it.transaction_id: it for it in history.documents}
    by_object: dict[str, list[tuple[float, float, str]]] = {}
    for it in history.journal.messages:
        if it.state == "accepted" and not it.replayed and it.answered is not None:
            mine = by_object.setdefault(it.message.object_key, [])
            mine.append((it.sent, it.answered, it.transaction_id))
    one, two = next(
        (booked[first[2]], booked[second[2]])
        for taken in by_object.values()
        for first, second in pairwise(sorted(taken))
        if first[1] < second[0]
    )
    history.replace(one, replace(one, sequence=two.sequence))
    history.replace(two, replace(two, sequence=one.sequence))


def miscount(history: History) -> None:
    _, document = find(history, lambda e, _: e.message.process == ORDER)
    history.replace(document, replace(document, total=document.total + Decimal("0.01")))


def stale(history: History) -> None:
    """Book an order of wave 2 as if its rules had never come."""
    entry, document = find(
        history,
        lambda e, d: (
            e.message.process == ORDER
            and e.message.channel == "marketplace"
            and d.erp == "cloud"
            and e.sent > 203.0
            and (e.answered or 999.0) < 300.0
        ),
    )
    key = entry.message.object_key
    family = {it.transaction_id for it in history.journal.messages if it.message.object_key == key}
    for number, it in enumerate([it for it in history.documents if it.transaction_id in family]):
        history.replace(it, replace(it, erp="legacy", sequence=90_000 + number))
    assert document.erp == "cloud"


def unaccepted(history: History) -> None:
    document = history.documents[0]
    history.documents.append(replace(document, external_reference="CX-nobody", sequence=90_000))


def mistake(history: History) -> None:
    _, document = find(history, lambda e, _: e.message.process == ORDER)
    history.replace(document, replace(document, legal_entity="FR01"))


def answer_anew(history: History) -> None:
    entry = next(it for it in history.journal.messages if it.replayed)
    place = history.journal.messages.index(entry)
    first = next(it for it in history.journal.messages if it.transaction_id == entry.transaction_id)
    sent = (first.answered or 0) + 1
    history.journal.messages[place] = replace(entry, replayed=False, sent=sent, answered=sent + 1)


def miss_nothing(history: History) -> None:
    """Leave a number that a register lost out of the report."""
    assert history.gaps is not None
    history.gaps = replace(history.gaps, reported=())


def stop_the_driver(history: History) -> None:
    history.journal.ended = None


WRONG: dict[Kind, Take] = {
    "lost": lose,
    "duplicated": double,
    "wrong_owner": misroute,
    "out_of_order": disorder,
    "wrong_amount": miscount,
    "stale_route_after_apply": stale,
    "booked_without_accept": unaccepted,
    "wrong_document": mistake,
    "answered_differently": answer_anew,
    "wrong_gap": miss_nothing,
    "driver_unfinished": stop_the_driver,
}


def test_every_kind_of_failure_is_tried() -> None:
    assert WRONG.keys() == FAILURES.keys()


@pytest.mark.parametrize("kind", WRONG)
def test_what_went_wrong_ends_a_demo_with_1(history: History, kind: Kind, tmp_path: Path) -> None:
    WRONG[kind](history)
    code, said = judged(history, tmp_path / "report.json")
    assert code == 1
    assert f"FAILED: 1 {FAILURES[kind]}" in said
    assert HINT not in said
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["passed"] is False
    assert report[kind] == 1


def test_what_is_held_ends_a_demo_with_1(history: History) -> None:
    _, document = find(history, lambda _, d: d.kind == "order")
    history.documents.remove(document)
    history.held.add(document.transaction_id)
    code, said = judged(history)
    assert code == 1
    assert "FAILED: 1 accepted, but still held (0 allowed)" in said
    assert HINT not in said


def test_an_order_refused_for_good_ends_a_demo_with_1(history: History) -> None:
    """All that is sent is right: a gateway that refuses some of it loses business."""
    messages = history.journal.messages
    entry, document = find(history, lambda e, _: e.message.process == SALE)
    mine = [it for it in messages if it.transaction_id == entry.transaction_id]
    for it in mine:
        messages.remove(it)
    messages.append(replace(entry, state="rejected", status=422, transaction_id="", replayed=False))
    history.documents.remove(document)
    code, said = judged(history)
    assert code == 1
    assert "FAILED: 1 refused for good (0 allowed)" in said
    assert HINT not in said


# ---------------------------------------------------------------- what must happen


def no_repeats(history: History) -> None:
    history.journal.messages = [it for it in history.journal.messages if not it.replayed]


def forget(history: History, gone: Callable[[str, str], bool]) -> None:
    """Take messages away, with what was booked of them."""
    ids = {
        it.transaction_id
        for it in history.journal.messages
        if gone(it.message.process, it.message.facts.get("business_date", ""))
    }
    messages = history.journal.messages
    history.journal.messages = [
        it
        for it in messages
        if not gone(it.message.process, it.message.facts.get("business_date", ""))
    ]
    history.documents = [it for it in history.documents if it.transaction_id not in ids]


def uncounted(name: str) -> Take:
    """No ERP counted it."""

    def take(history: History) -> None:
        history.counters = {erp: {**it, name: 0} for erp, it in history.counters.items()}

    return take


def of_applies(**changes: object) -> Take:
    """Flips were other ones."""

    def take(history: History) -> None:
        applies = history.events.applies
        history.events.applies = [
            applies[0],
            *(it.model_copy(update=changes) for it in applies[1:]),
        ]

    return take


def only_kills(left: Callable[[Kill], bool]) -> Take:
    """Fewer processes were killed."""

    def take(history: History) -> None:
        history.events.kills = [it for it in history.events.kills if left(it)]

    return take


def nothing_from(kind: str) -> Take:
    """Nobody wrote such events down."""
    return lambda history: setattr(history.events, kind, [])


def quiet_cloud(history: History) -> None:
    """What the legacy ERP counted, and the cloud ERP after traffic ended, is no witness."""
    history.events.traffic_ends = [TrafficEnd(at=390.0, erp="cloud", counters={})]


#: Takes the witness of a hazard away; others that hang on it may go with it.
MISSED: dict[str, Take] = {
    "duplicates_answered": no_repeats,
    "followups_across_flip": lambda it: forget(it, lambda process, _: process in FOLLOW_UPS),
    "late_days_after_flip": lambda it: forget(
        it, lambda process, day: process == SALE and day < TODAY.isoformat()
    ),
    "lost_replies_after_booking": uncounted("lost_replies_after_booking"),
    "late_bookings": uncounted("late_bookings"),
    "erp_429": uncounted("throttled_429"),
    "killed_with_work_in_flight": only_kills(lambda kill: kill.in_flight == 0),
    "workers_killed": only_kills(lambda kill: kill.what != "worker"),
    "gateways_killed": only_kills(lambda kill: kill.what != "gateway"),
    "kills": nothing_from("kills"),
    "flips": of_applies(at_return=None),  # begun, and never said to be in force
    "waves_scheduled": of_applies(scheduled=False),
    "rollbacks": of_applies(kind="apply"),
    "compared": nothing_from("comparisons"),
    "waves_paused": nothing_from("pauses"),
    **dict.fromkeys(CLOUD, quiet_cloud),
    **dict.fromkeys(CHANNELS, nothing_from("channels")),
    "numbers_lost": lambda it: setattr(it, "gaps", Gaps(frozenset(), ())),
}


def test_every_claimed_hazard_is_missed_once() -> None:
    assert MISSED.keys() == DEMO.keys()


@pytest.mark.parametrize("hazard", MISSED)
def test_a_claimed_hazard_that_did_not_occur_ends_a_demo_with_1(
    history: History, hazard: str
) -> None:
    MISSED[hazard](history)
    code, said = judged(history)
    assert code == 1
    assert f"FAILED: no {DEMO[hazard]}: the run claims to survive what did not occur" in said
    assert HINT in " ".join(said.split())
