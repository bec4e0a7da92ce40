"""Gaps of registers: what a store lost is reported, and nothing else; doctored books fail."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from gateway.canonical.exchange.stores import NumberUsed, StoreNumbers
from gateway.commands.stores import _day_json
from gateway.policy.registers import report
from loadtests.audit import audit
from loadtests.errors import BadFile
from loadtests.gaps import Gap, Gaps, lost_in, reported_in, wrong_gaps
from tests.unit.loadtests.doctoring import failing, good_run

AT = datetime(2026, 11, 25, 8, tzinfo=UTC)
DAY = date(2026, 11, 25)


def rung(number: int, *, lost: bool = False, kind: str = "sale", **more: Any) -> dict[str, Any]:
    """An entry of a store's books."""
    entry = {"kind": kind, "store": "NL-001", "register": "1", "number": number, "lost": lost}
    return entry | {"business_date": DAY.isoformat()} | more


def a_day() -> list[dict[str, Any]]:
    """Numbers 1 to 20, of which 4, 5 and 9 were lost; other entries have no number."""
    kinds = {1: "control", 7: "void", 20: "control"}
    day = [rung(n, lost=n in {4, 5, 9}, kind=kinds.get(n, "sale")) for n in range(1, 21)]
    return [*day, {"kind": "shift", "store": "NL-001"}, {"kind": "answer", "name": "x"}]


def reported(books: list[dict[str, Any]]) -> tuple[Gap, ...]:
    """What the gateway reports of what came, by its own report as its command prints it."""
    used = [
        NumberUsed(
            it["store"], date.fromisoformat(it["business_date"]), it["register"], it["number"],
            "pos", str(it["number"]), it["kind"], "", AT, AT,
        )
        for it in books
        if "number" in it and not it["lost"]
    ]  # fmt: skip
    days = report(StoreNumbers(tuple(used), ()), DAY - timedelta(days=7), {})
    return reported_in([_day_json(it) for it in days])


def test_what_was_lost_is_what_the_gateway_misses() -> None:
    books = a_day()
    gaps = Gaps(lost_in(books), reported(books))
    assert {number for _, _, number in gaps.lost} == {4, 5, 9}
    assert gaps.reported == (Gap("NL-001", "1", 4, 5), Gap("NL-001", "1", 9, 9))
    assert list(wrong_gaps(gaps)) == []


def test_over_stores_registers_and_days_by_chance(seed: int) -> None:
    chance = Random(seed)
    books = []
    for till in range(12):
        number = chance.randint(1, 500)
        for day in range(3):
            for _ in range(chance.randint(0, 30)):
                books.append(rung(
                    number, lost=chance.random() < 0.3, store=f"NL-{till % 4:03}",
                    register=str(till), business_date=str(DAY - timedelta(days=2 - day)),
                ))  # fmt: skip
                number += 1
    chance.shuffle(books)
    gaps = Gaps(lost_in(books), reported(books))
    assert gaps.lost
    assert list(wrong_gaps(gaps)) == []


def test_nobody_can_miss_what_was_lost_first_last_or_alone() -> None:
    books = [rung(n, lost=n in {1, 2, 6}) for n in range(1, 7)]
    books.append(rung(1, lost=True, register="2"))
    assert lost_in(books) == frozenset()


@pytest.mark.parametrize(
    ("at", "doctored", "said"),
    [
        (3, rung(4, lost=False), "4 to 5 are reported as missing, 1 of 2 are"),
        (9, rung(10, lost=True), "number 10 was lost, and is not reported as missing"),
        (8, rung(9, lost=True, register="2"), "9 to 9 are reported as missing, 0 of 1 are"),
    ],
)
def test_a_doctored_book_fails_the_audit(at: int, doctored: dict[str, Any], said: str) -> None:
    books, history = a_day(), good_run()
    told = reported(books)
    history.gaps = Gaps(lost_in(books), told)
    assert failing(audit(history.evidence())) == {}
    books[at] = doctored
    history.gaps = Gaps(lost_in(books), told)
    found = audit(history.evidence())
    assert failing(found) == {"wrong_gap": 1}
    assert said in found.findings[-1].what


def test_a_report_without_a_gap_or_with_one_too_many_fails_the_audit() -> None:
    lost, history = lost_in(a_day()), good_run()
    for told, count in (
        ((Gap("NL-001", "1", 4, 5),), 1),
        ((), 3),
        ((*reported(a_day()), Gap("DE-001", "1", 1, 10**9)), 1),
    ):
        history.gaps = Gaps(lost, told)
        assert failing(audit(history.evidence())) == {"wrong_gap": count}


def test_what_cannot_be_read_is_said() -> None:
    with pytest.raises(BadFile, match="books of the stores"):
        lost_in([{"kind": "sale", "lost": True}])
    with pytest.raises(BadFile, match="report of the stores"):
        reported_in([{"store": "NL-001"}])
