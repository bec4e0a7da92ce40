"""The POS estate: numbered receipts; duplicates, disorder and late days in the right measure."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from loadtests.messages import Message, Request
from loadtests.pos import OFFLINE_DAYS, BusinessDays, PosEstate
from loadtests.scenario import PosPlan
from loadtests.templates import load_fixtures

FIXTURES = load_fixtures()
TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


def estate(seed: int, days: int = 1, **plan: Any) -> PosEstate:
    calm = {"duplicate_percent": 0, "disorder_percent": 0, "late_percent": 0}
    pos_plan = PosPlan(weight=1, **{**calm, **plan})
    return PosEstate(
        FIXTURES, pos_plan, BusinessDays(TODAY, days), Random(seed), lambda: NOW, sequence_base=5000
    )


def batches(pos: PosEstate, count: int = 200, *, acknowledged: bool = True) -> list[Request]:
    made = []
    for number in range(count):
        request = pos.batch(f"b-{number}", number / count)
        accepted = {one.reference for one in request.messages} if acknowledged else set()
        pos.concluded(request.id, accepted)
        made.append(request)
    return made


def receipts(requests: list[Request]) -> list[Message]:
    return [message for request in requests for message in request.messages]


def test_a_calm_estate_numbers_its_receipts_without_a_gap(seed: int) -> None:
    last: dict[tuple[str, str], int] = {}
    for message in receipts(batches(estate(seed))):
        store, day, register, sequence = message.reference.split("/")
        assert day == TODAY.isoformat()
        assert int(sequence) == last.get((store, register), 5000) + 1
        last[store, register] = int(sequence)
        assert not message.repeat
    assert {store for store, _ in last} == set(FIXTURES.pos.stores)


def test_receipts_add_up_and_so_do_their_tenders(seed: int) -> None:
    methods = set()
    for request in batches(estate(seed)):
        body = json.loads(request.body)
        for sale, message in zip(body["transactions"], request.messages, strict=True):
            lines = sum(line.amount or 0 for line in message.lines)
            assert message.total == Decimal(sale["total"]) == lines
            assert sum(Decimal(tender["amount"]) for tender in sale["tenders"]) == lines
            methods |= {tender["type"] for tender in sale["tenders"]}
            assert all(Decimal(tender["amount"]) > 0 for tender in sale["tenders"])
    assert methods == {"cash", "card", "voucher"}


def test_body_and_message_say_the_same(seed: int) -> None:
    for request in batches(estate(seed, duplicate_percent=50, late_percent=50), 50):
        body = json.loads(request.body)
        for sale, message in zip(body["transactions"], request.messages, strict=True):
            identity = (
                f"{body['store']}/{sale['business_date']}/{sale['register']}/{sale['sequence']}"
            )
            assert message.reference == message.object_reference == identity
            assert message.object_key == f"store-day:{body['store']}:{sale['business_date']}"
            assert message.facts["store"] == body["store"]
            assert message.facts["business_date"] == sale["business_date"]
            assert message.legal_entity == {"N": "NL01", "D": "DE01"}[body["store"][0]]


def test_duplicates_are_exact_copies_of_acknowledged_receipts(seed: int) -> None:
    first: dict[str, Any] = {}
    repeats = 0
    for request in batches(estate(seed, duplicate_percent=60)):
        sales = json.loads(request.body)["transactions"]
        for sale, message in zip(sales, request.messages, strict=True):
            assert message.repeat is (message.reference in first)
            assert first.setdefault(message.reference, sale) == sale
            repeats += message.repeat
    assert 80 < repeats < 160


def test_what_was_not_acknowledged_is_repeated_only_within_its_batch(seed: int) -> None:
    for request in batches(estate(seed, duplicate_percent=100), acknowledged=False):
        fresh = {message.reference for message in request.messages if not message.repeat}
        assert {message.reference for message in request.messages if message.repeat} <= fresh


def test_disorder_delays_and_shuffles_but_loses_at_most_what_is_held_back(seed: int) -> None:
    calm, wild = estate(seed), estate(seed, disorder_percent=60)
    assert all(one < two for one, two in pairwise(_sequences(batches(calm), "NL-003")))
    sequences = _sequences(batches(wild), "NL-003")
    assert any(one > two for one, two in pairwise(sequences))
    assert len(set(sequences)) == len(sequences)
    missing = set(range(5001, max(sequences) + 1)) - set(sequences)
    assert len(missing) <= 1


def _sequences(requests: list[Request], store: str) -> list[int]:
    found = [m for m in receipts(requests) if m.facts["store"] == store]
    return [int(message.reference.split("/")[-1]) for message in found]


def test_late_days_are_closed_days(seed: int) -> None:
    made = batches(estate(seed, days=2, late_percent=40), 400)
    share = 0
    for number, request in enumerate(made):
        today = "2026-11-20" if number < 200 else "2026-11-21"
        days = {message.facts["business_date"] for message in request.messages}
        assert len(days) == 1
        (day,) = days
        assert day <= today
        assert day >= date(2026, 11, 20 - OFFLINE_DAYS).isoformat()
        share += day < today
    assert 100 < share < 220
    yesterday = [r for r in made[200:] if r.messages[0].facts["business_date"] == "2026-11-20"]
    assert len(yesterday) > 20  # the day that has just been closed is the usual one


def test_nothing_is_sold_in_the_future_or_on_another_day(seed: int) -> None:
    for request in batches(estate(seed, days=3, late_percent=30), 100):
        for sale in json.loads(request.body)["transactions"]:
            sold_at = datetime.fromisoformat(sale["sold_at"])
            assert sold_at <= NOW
            assert sold_at.date().isoformat() == sale["business_date"]


@pytest.mark.parametrize(
    ("number", "progress", "day"),
    [(1, 0.0, 21), (1, 1.0, 21), (2, 0.49, 20), (2, 0.5, 21), (3, 0.1, 19), (3, 0.99, 21)],
)
def test_business_days_cut_the_run_evenly(number: int, progress: float, day: int) -> None:
    days = BusinessDays(TODAY, number)
    assert days.at(progress) == date(2026, 11, day)
    assert days.first == date(2026, 11, 22 - number)


def test_the_same_seed_sends_the_same_batches(seed: int) -> None:
    wild = {"duplicate_percent": 30, "disorder_percent": 30, "late_percent": 30}
    assert batches(estate(seed, 2, **wild), 60) == batches(estate(seed, 2, **wild), 60)
