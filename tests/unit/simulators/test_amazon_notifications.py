"""The Notifications API: who subscribes is told, with what the Python client offers for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sp_api.api import Notifications
from sp_api.base.exceptions import (
    SellingApiBadRequestException,
    SellingApiForbiddenException,
    SellingApiNotFoundException,
    SellingApiRequestThrottledException,
    SellingApiStateConflictException,
)

from simulators.amazon.subscriptions import QUEUE_ARN
from tests.unit.simulators.markets import RunningMarket, market
from tests.unit.simulators.sellers import client, close, forget_tokens, selling

ORDER_CHANGE = "ORDER_CHANGE"


@pytest.fixture
def there() -> Iterator[RunningMarket]:
    with market(subscribed=False) as running:
        yield running


@pytest.fixture
def calls(there: RunningMarket) -> Iterator[Any]:
    with selling(Notifications, there) as made:
        yield made


def queue(calls: Any) -> str:
    made = calls.create_destination(name="orders", arn=QUEUE_ARN).payload
    return str(made["destinationId"])


def test_nothing_is_told_before_it_is_subscribed_to_and_after(
    there: RunningMarket, calls: Any
) -> None:
    there.place(paid=False)
    assert there.counters()["notifications_unsubscribed"]
    with pytest.raises(SellingApiNotFoundException):
        calls.get_subscription(ORDER_CHANGE)
    to = queue(calls)
    made = calls.create_subscription(ORDER_CHANGE, destination_id=to).payload
    assert calls.get_subscription(ORDER_CHANGE).payload == made
    assert calls.get_subscription_by_id(ORDER_CHANGE, made["subscriptionId"]).payload == made
    assert made["destinationId"] == to
    before = there.counters()["in_queue"]
    there.place(paid=False)
    assert there.counters()["in_queue"] > before
    calls.delete_notification_subscription(ORDER_CHANGE, made["subscriptionId"])
    before = there.counters()["notifications_queued"]
    there.place(paid=False)
    assert there.counters()["notifications_queued"] == before


def test_a_filter_lets_through_only_the_changes_it_names(there: RunningMarket, calls: Any) -> None:
    directive = {
        "eventFilter": {
            "eventFilterType": "ORDER_CHANGE", "orderChangeTypes": ["BuyerRequestedChange"],
        }
    }  # fmt: skip
    made = calls.create_subscription(
        ORDER_CHANGE, destination_id=queue(calls), processingDirective=directive
    ).payload
    assert made["processingDirective"] == directive
    order = there.place()
    assert there.counters()["in_queue"] == 0
    there.act(order["id"], "request_cancel")
    assert there.counters()["in_queue"] == 1


def test_destinations_are_the_applications_and_each_resource_has_one(calls: Any) -> None:
    to = queue(calls)
    bus = calls.create_destination(
        name="bus", region="eu-west-1", account_id="111122223333"
    ).payload["destinationId"]
    found = {it["destinationId"]: it for it in calls.get_destinations().payload}
    assert found[to]["resource"] == {"sqs": {"arn": QUEUE_ARN}}
    assert found[bus]["resource"]["eventBridge"]["region"] == "eu-west-1"
    assert calls.get_destination(to).payload == found[to]
    with pytest.raises(SellingApiStateConflictException):
        queue(calls)
    calls.create_subscription(ORDER_CHANGE, destination_id=to)
    with pytest.raises(SellingApiStateConflictException):
        calls.delete_destination(to)
    calls.delete_destination(bus)
    with pytest.raises(SellingApiNotFoundException):
        calls.get_destination(bus)


def test_what_cannot_be_sent_is_refused(there: RunningMarket, calls: Any) -> None:
    with pytest.raises(SellingApiBadRequestException, match="no queue that Amazon may send to"):
        calls.create_destination(name="other", arn="arn:aws:sqs:eu-west-1:111122223333:other")
    bus = calls.create_destination(name="bus", region="eu-west-1", account_id="111122223333")
    with pytest.raises(SellingApiBadRequestException, match="queues only"):
        calls.create_subscription(ORDER_CHANGE, destination_id=bus.payload["destinationId"])
    there.set(rate_scale=100_000.0)
    to = queue(calls)
    for wrong in (
        {"destination_id": "nowhere"},
        {"destination_id": to, "payload_version": "9.9"},
        {"destination_id": to, "processingDirective": {"eventFilter": {
            "eventFilterType": "ORDER_CHANGE", "orderChangeTypes": ["Gossip"]}}},
    ):  # fmt: skip
        with pytest.raises(SellingApiBadRequestException):
            calls.create_subscription(ORDER_CHANGE, **wrong)
    calls.create_subscription(ORDER_CHANGE, destination_id=to)
    with pytest.raises(SellingApiStateConflictException):
        calls.create_subscription(ORDER_CHANGE, destination_id=to)


def test_a_sellers_token_opens_no_destination_and_the_rate_is_kept() -> None:
    with market(subscribed=True, rate_scale=1.0) as there:
        forget_tokens()
        calls = client(Notifications, there)
        there_already = calls.get_subscription(ORDER_CHANGE).payload
        assert calls.get_destination(there_already["destinationId"]).payload["resource"]
        with pytest.raises(SellingApiForbiddenException):
            calls._request("/notifications/v1/destinations", params={"method": "GET"})
        for _ in range(5):
            calls.get_destinations()
        with pytest.raises(SellingApiRequestThrottledException):
            calls.get_destinations()
        close(calls)
        forget_tokens()
