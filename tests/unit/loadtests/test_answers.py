"""What answers mean: final or not, how long to wait, what became of each message."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from loadtests.answers import Answer, Outcome, explain, must_repeat, outcomes, pause_s
from loadtests.messages import ORDER, SALE, Message, Request, read
from loadtests.scenario import Retry


def message(process: str, reference: str) -> Message:
    return Message(process, "webshop", "o", reference, reference, "NL01", "EUR", (), Decimal(1))


ORDER_REQUEST = Request(
    "r", ORDER, "webshop", "POST", "/v1/orders", "{}", messages=(message(ORDER, "SHOP-1"),)
)
BATCH = Request(
    "b", SALE, "pos", "POST", "/v1/store-sales", "{}",
    messages=tuple(message(SALE, f"NL-001/2026-11-21/1/{number}") for number in (7, 8, 7)),
)  # fmt: skip
READ = read("g", "catalog.price", "webshop", "/v1/prices/TEE-BLK-M")


def answer(status: int, body: object = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, b"" if body is None else json.dumps(body).encode())


@pytest.mark.parametrize("status", [0, 429, 500, 502, 503, 504])
def test_no_answer_and_not_now_are_repeated(status: int) -> None:
    for request in (ORDER_REQUEST, BATCH, READ):
        assert must_repeat(request, answer(status))
    assert [one.state for one in outcomes(BATCH, answer(status))] == ["unknown"] * 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_refusals_are_final(status: int) -> None:
    for request in (ORDER_REQUEST, BATCH, READ):
        assert not must_repeat(request, answer(status))
    assert [one.state for one in outcomes(BATCH, answer(status))] == ["rejected"] * 3


def test_accepted_and_replayed() -> None:
    body = {"transaction_id": "0a-1", "status": "accepted"}
    assert outcomes(ORDER_REQUEST, answer(202, body)) == (Outcome("accepted", "0a-1"),)
    replay = answer(202, body, idempotency_replayed="true")
    assert outcomes(ORDER_REQUEST, replay) == (Outcome("accepted", "0a-1", replayed=True),)
    assert not must_repeat(ORDER_REQUEST, replay)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"transaction_id": 5}'])
def test_an_acceptance_nobody_can_read_is_asked_for_again(body: bytes) -> None:
    unreadable = Answer(202, {}, body)
    assert must_repeat(ORDER_REQUEST, unreadable)
    (outcome,) = outcomes(ORDER_REQUEST, unreadable)
    assert outcome == Outcome("unknown", error="the answer names no transaction_id")
    assert not must_repeat(READ, Answer(200, {}, body))


def result(sequence: int, status: str, **more: Any) -> dict[str, Any]:
    identity = {"register": "1", "sequence": sequence, "business_date": "2026-11-21"}
    return {**identity, "status": status, **more}


def test_each_item_of_a_batch_has_its_own_outcome() -> None:
    body = {
        "results": [
            result(8, "rejected", problem={"status": 422, "detail": "another body"}),
            result(7, "accepted", transaction_id="0a-7"),
            result(7, "replayed", transaction_id="0a-7"),
        ]
    }
    assert outcomes(BATCH, answer(207, body)) == (
        Outcome("accepted", "0a-7"),
        Outcome("rejected", error="422 another body"),
        Outcome("accepted", "0a-7", replayed=True),
    )
    assert not must_repeat(BATCH, answer(207, body))


@pytest.mark.parametrize(
    "second",
    [
        [result(8, "rejected", problem={"status": 503, "title": "Busy"})],
        [],
        [result(8, "accepted")],
    ],
)
def test_a_batch_with_an_open_item_is_sent_again(second: list[dict[str, Any]]) -> None:
    known = [result(7, "accepted", transaction_id="0a-7")] * 2
    partial = answer(207, {"results": known + second})
    assert must_repeat(BATCH, partial)
    assert [one.state for one in outcomes(BATCH, partial)] == ["accepted", "unknown", "accepted"]


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ({"title": "Unprocessable", "status": 422}, "422 Unprocessable"),
        ({"title": "Bad", "detail": "total is 0.01 off"}, "422 total is 0.01 off"),
        (
            {"detail": "bad", "errors": [{"pointer": "/lines/0/quantity", "detail": "below 1"}]},
            "422 bad; /lines/0/quantity: below 1",
        ),
        ({"errors": "none"}, "422"),
    ],
)
def test_problems_in_one_line(problem: dict[str, Any], text: str) -> None:
    assert explain(answer(422, problem)) == text


def test_what_the_transport_said_and_what_went_well() -> None:
    assert explain(Answer(0, error="ConnectionRefusedError: 111")) == "ConnectionRefusedError: 111"
    assert explain(answer(202, {"detail": "fine"})) == ""


RETRY = Retry(pause_s=0.1, pause_s_max=2, retry_after_s_max=5)


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 0.1), (2, 0.2), (4, 0.8), (6, 2.0), (500, 2.0)]
)
def test_pauses_double_up_to_a_bound_with_jitter(attempt: int, longest: float, seed: int) -> None:
    chance = Random(seed)
    pauses = [pause_s(RETRY, answer(503), attempt, chance) for _ in range(200)]
    assert longest / 2 <= min(pauses) < 0.6 * longest
    assert 0.9 * longest < max(pauses) <= longest


@pytest.mark.parametrize(("retry_after", "seconds"), [("3", 3.0), ("0.5", 0.5), ("60", 5.0)])
def test_retry_after_is_honoured_up_to_a_bound(retry_after: str, seconds: float) -> None:
    assert pause_s(RETRY, answer(503, retry_after=retry_after), 1, Random(1)) == seconds


@pytest.mark.parametrize("retry_after", ["soon", "-1", "0", "Sat, 21 Nov 2026 10:00:00 GMT"])
def test_a_retry_after_that_says_nothing_leaves_the_usual_pause(retry_after: str) -> None:
    assert 0.05 <= pause_s(RETRY, answer(503, retry_after=retry_after), 1, Random(1)) <= 0.1
