"""The actors: follow-ups only of acknowledged orders, never twice, never more than was bought."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from loadtests.actors import World, build_actors
from loadtests.answers import Outcome
from loadtests.journal import State
from loadtests.messages import CANCELLATION, ORDER, RETURN, SALE, Request
from loadtests.scenario import Scenario
from loadtests.sender import Conclusion
from loadtests.templates import load_fixtures
from tests.unit.loadtests.history import SCENARIO

FIXTURES = load_fixtures()
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def world(seed: int, scenario: Scenario = SCENARIO) -> World:
    return World(scenario, FIXTURES, seed, date(2026, 11, 21), lambda: NOW)


def conclude(request: Request, state: State = "accepted") -> Conclusion:
    results = tuple(Outcome(state, "0a-1") for _ in request.messages)
    return Conclusion(request, state, results, 1.0, 1)


def play(
    seed: int,
    acts: int = 600,
    answer: Callable[[Request], Conclusion] = conclude,
    scenario: Scenario = SCENARIO,
) -> list[Request]:
    """Everything the actors of a scenario send, each as often as the others."""
    sent: list[Request] = []

    def send(request: Request) -> Conclusion:
        sent.append(request)
        return answer(request)

    actors = build_actors(world(seed, scenario))
    for number in range(acts):
        for actor in actors.values():
            actor.act(number / acts, send)
    return sent


def lines_of(request: Request) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = json.loads(request.body).get("lines", [])
    return lines


def test_the_mix_is_sent(seed: int) -> None:
    counts = Counter(request.process for request in play(seed))
    assert counts[ORDER] > 500
    assert counts[CANCELLATION] > 100
    assert counts[RETURN] > 200
    assert counts[SALE] == 600


def test_follow_ups_never_exceed_what_was_bought(seed: int) -> None:
    bought: dict[str, dict[int, int]] = {}
    spent: Counter[tuple[str, int]] = Counter()
    follow_ups: Counter[tuple[str, str]] = Counter()
    for request in play(seed):
        message = request.messages[0]
        if message.repeat or message.object_reference.startswith("OLD-"):
            continue
        if request.process == ORDER:
            bought[message.object_key] = {line.line: line.quantity for line in message.lines}
        elif request.process in (CANCELLATION, RETURN):
            follow_ups[message.object_key, request.process] += 1
            lines = {line["line"]: line["quantity"] for line in lines_of(request)}
            for line, quantity in (lines or bought[message.object_key]).items():
                spent[message.object_key, line] += quantity
                assert spent[message.object_key, line] <= bought[message.object_key][line]
    assert max(follow_ups.values()) == 1


def test_returns_refund_what_was_paid_and_add_up(seed: int) -> None:
    paid: dict[tuple[str, int], tuple[Decimal, int]] = {}
    checked = 0
    for request in play(seed):
        (message, *_) = request.messages
        for bought in message.lines if request.process == ORDER else ():
            paid[message.object_key, bought.line] = (bought.amount or Decimal(0), bought.quantity)
        if request.process != RETURN or message.object_reference.startswith("OLD-"):
            continue
        refunds = [Decimal(line["refund"]) for line in lines_of(request)]
        assert sum(refunds) == Decimal(json.loads(request.body)["total"]) == message.total
        for line, refund in zip(lines_of(request), refunds, strict=True):
            amount, quantity = paid[message.object_key, line["line"]]
            assert abs(refund - amount * line["quantity"] / quantity) <= Decimal("0.005")
            checked += 1
    assert checked > 100


def test_returns_give_back_their_share_of_the_tax_and_half_of_them_say_it(seed: int) -> None:
    taxes: dict[tuple[str, int], tuple[Decimal, Decimal]] = {}
    said: Counter[bool] = Counter()
    for request in play(seed):
        for message in request.messages:
            if message.process == ORDER:
                for it in message.lines:
                    assert it.amount is not None
                    assert it.tax is not None
                    taxes[message.reference, it.line] = it.amount, it.tax
        if request.process != RETURN or request.messages[0].object_reference.startswith("OLD-"):
            continue
        (message,) = request.messages
        for told, it in zip(lines_of(request), message.lines, strict=True):
            amount, tax = taxes[message.object_reference, it.line]
            assert it.tax is not None
            assert abs(it.tax - tax * (it.amount or 0) / amount) <= Decimal("0.005")
            assert told.get("tax", f"{it.tax:.2f}") == f"{it.tax:.2f}"
            said["tax" in told] += 1
        assert message.tax == sum(it.tax or Decimal(0) for it in message.lines)
    assert min(said[True], said[False]) > 50


def test_partial_and_whole_cancellations_occur(seed: int) -> None:
    whole = [not lines_of(one) for one in play(seed) if one.process == CANCELLATION]
    assert min(whole.count(True), whole.count(False)) > 20


def test_repeats_are_the_same_bytes_under_the_same_key(seed: int) -> None:
    first: dict[str, tuple[str, dict[str, str], str]] = {}
    repeats = 0
    for request in play(seed):
        if request.process == SALE:
            continue
        copy = (request.body, dict(request.headers), request.path)
        reference = f"{request.channel}:{request.messages[0].reference}"
        repeats += request.messages[0].repeat
        assert request.messages[0].repeat is (reference in first)
        assert first.setdefault(reference, copy) == copy
    assert repeats > 50


def test_request_ids_are_unique(seed: int) -> None:
    ids = [request.id for request in play(seed)]
    assert len(set(ids)) == len(ids)


def test_only_acknowledged_orders_are_followed_up(seed: int) -> None:
    refused: set[str] = set()

    def answer(request: Request) -> Conclusion:
        fresh = request.process == ORDER and not request.messages[0].repeat
        if fresh and int(request.id.split("-")[-1]) % 2:
            refused.add(request.messages[0].object_key)
            return conclude(request, "rejected" if len(refused) % 2 else "unknown")
        return conclude(request)

    follow_ups = [one for one in play(seed, answer=answer) if one.process != ORDER]
    assert len(refused) > 100
    assert not refused & {one.messages[0].object_key for one in follow_ups}


def test_an_unanswered_follow_up_leaves_its_order_alone(seed: int) -> None:
    def answer(request: Request) -> Conclusion:
        return conclude(request, "accepted" if request.process == ORDER else "unknown")

    follow_ups = [one for one in play(seed, answer=answer) if one.process in (CANCELLATION, RETURN)]
    keys = [one.messages[0].object_key for one in follow_ups]
    assert len(set(keys)) == len(keys) > 100


def test_old_orders_are_each_followed_up_once_by_whoever_comes_first(seed: int) -> None:
    old = [
        one
        for one in play(seed)
        if one.messages[0].object_reference.startswith("OLD-") and not one.messages[0].repeat
    ]
    references = [one.messages[0].object_reference for one in old]
    assert sorted(references) == sorted(
        f"OLD-{letter}-{number:05}" for letter in "LC" for number in (1, 2, 3)
    )
    for one in old:
        assert one.messages[0].object_key == f"order:webshop:{one.messages[0].object_reference}"
        assert one.messages[0].legal_entity == "NL01"


def test_the_returns_desk_names_the_channel_of_the_order(seed: int) -> None:
    desk = [one for one in play(seed) if one.channel == "returns-desk"]
    for request in desk:
        body = json.loads(request.body)
        assert (
            request.messages[0].object_key == f"order:{body['order_channel']}:{body['order_ref']}"
        )
    own = [one for one in play(seed) if one.process == RETURN and one.channel == "webshop"]
    assert own
    assert all("order_channel" not in json.loads(one.body) for one in own)


def test_shoppers_read_with_the_key_of_the_web_shop(seed: int) -> None:
    scenario = Scenario.model_validate(
        {
            "scenario": "reads",
            "shape": {"kind": "constant"},
            "users": {
                "shoppers": {"weight": 1, "mix": {"availability": 1, "price": 1, "product": 1}}
            },
        }
    )
    sent = play(seed, scenario=scenario)
    assert {one.channel for one in sent} == {"webshop"}
    starts = {
        "inventory.availability": "/v1/inventory/",
        "catalog.price": "/v1/prices/",
        "catalog.product": "/v1/products/",
    }
    assert {one.process for one in sent} == set(starts)
    for one in sent:
        assert one.path.startswith(starts[one.process])
        assert ("?legal_entity=" in one.path) is (one.process != "catalog.product")
        assert (one.method, one.body) == ("GET", "")


def test_a_desk_with_nothing_to_return_sends_nothing(seed: int) -> None:
    scenario = Scenario.model_validate(
        {
            "scenario": "desk",
            "shape": {"kind": "constant"},
            "users": {"returns-desk": {"weight": 1, "mix": {"return": 1, "repeat": 1}}},
        }
    )
    assert play(seed, acts=20, scenario=scenario) == []


@pytest.mark.parametrize("other", [1, 2])
def test_the_same_seed_sends_the_same(seed: int, other: int) -> None:
    assert play(seed, 80) == play(seed, 80)
    assert play(seed, 80) != play(seed + other, 80)
