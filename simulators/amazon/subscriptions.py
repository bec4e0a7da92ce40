"""The Notifications API v1: destinations, and what is sent to which of them.

Source: the model notifications.json of amzn/selling-partner-api-models. Operations on destinations
are grantless: their token is of the application, with the scope of notifications, not of a seller.
Those on a subscription by its id are published as grantless too; clients send a seller's token
there, so both are taken.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from aiohttp import web

from simulators.amazon.errors import Refused
from simulators.amazon.options import MarketOptions
from simulators.amazon.pages import InvalidInput
from simulators.channel import Channel

Handler = Callable[[web.Request], Awaitable[web.Response]]
Json = dict[str, Any]

ORDER_CHANGE = "ORDER_CHANGE"
#: The queue that is there; its policy lets Amazon send.
QUEUE_ARN = "arn:aws:sqs:eu-west-1:000000000000:order-changes"
CHANGE_TYPES = ("OrderStatusChange", "BuyerRequestedChange", "DeliveryTipChange")
#: Operations whose token is the application's.
GRANTLESS = frozenset(
    {"createDestination", "getDestinations", "getDestination", "deleteDestination"}
)
#: Operations that take either token.
EITHER = frozenset({"getSubscriptionById", "deleteSubscriptionById"})


@dataclass(frozen=True, slots=True)
class Destination:
    """Where notifications go: an SQS queue, or an event bus of a partner."""

    id: str
    name: str
    resource: Json

    def as_json(self) -> Json:
        """The resource as published."""
        return {"destinationId": self.id, "name": self.name, "resource": self.resource}


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is sent where; ``change_types`` are those the filter lets through, all if empty."""

    id: str
    kind: str
    destination_id: str
    payload_version: str
    change_types: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """The resource as published."""
        found: Json = {
            "subscriptionId": self.id,
            "payloadVersion": self.payload_version,
            "destinationId": self.destination_id,
        }
        if self.change_types:
            found["processingDirective"] = {
                "eventFilter": {
                    "eventFilterType": self.kind,
                    "orderChangeTypes": list(self.change_types),
                }
            }
        return found


class Subscriptions:
    """Destinations of the application, and subscriptions of the seller."""

    def __init__(self, channel: Channel[MarketOptions]) -> None:
        self._chance: Random = channel.chance("subscriptions")
        self._destinations: dict[str, Destination] = {}
        self._subscriptions: dict[str, Subscription] = {}
        if channel.options.subscribed:
            there = self._add("order changes", {"sqs": {"arn": QUEUE_ARN}})
            made = Subscription(self._id(), ORDER_CHANGE, there.id, "1.0")
            self._subscriptions[made.id] = made

    def of_order_change(self, change_type: str) -> list[Subscription]:
        """Whom a change of an order is told."""
        return [
            it
            for it in self._subscriptions.values()
            if it.kind == ORDER_CHANGE and (not it.change_types or change_type in it.change_types)
        ]

    def table(self) -> tuple[tuple[str, str, str, Handler], ...]:
        """Operation, method, path and handler of each call."""
        destinations = "/notifications/v1/destinations"
        of_kind = "/notifications/v1/subscriptions/{kind}"
        return (
            ("createDestination", "POST", destinations, self.create_destination),
            ("getDestinations", "GET", destinations, self.destinations),
            ("getDestination", "GET", destinations + "/{id}", self.destination),
            ("deleteDestination", "DELETE", destinations + "/{id}", self.delete_destination),
            ("createSubscription", "POST", of_kind, self.subscribe),
            ("getSubscription", "GET", of_kind, self.subscription),
            ("getSubscriptionById", "GET", of_kind + "/{id}", self.subscription_by_id),
            ("deleteSubscriptionById", "DELETE", of_kind + "/{id}", self.unsubscribe),
        )

    # ------------------------------------------------------------------ destinations

    async def create_destination(self, request: web.Request) -> web.Response:
        """A queue or event bus is made known, if Amazon may send there."""
        asked = await _body(request)
        wanted = asked.get("resourceSpecification")
        name = asked.get("name")
        if not isinstance(name, str) or not name:
            raise InvalidInput("name is missing")
        if not isinstance(wanted, dict) or len(wanted.keys() & {"sqs", "eventBridge"}) != 1:
            raise InvalidInput("resourceSpecification must have sqs or eventBridge")
        resource = _queue(wanted) if "sqs" in wanted else _bus(wanted, name)
        if any(it.resource == resource for it in self._destinations.values()):
            raise Refused(409, "Conflict", "A destination with this resource exists already.")
        return _payload(self._add(name, resource).as_json())

    async def destinations(self, _: web.Request) -> web.Response:
        """All destinations."""
        return _payload([it.as_json() for it in self._destinations.values()])

    async def destination(self, request: web.Request) -> web.Response:
        """One destination."""
        return _payload(self._destinations[request.match_info["id"]].as_json())

    async def delete_destination(self, request: web.Request) -> web.Response:
        """A destination goes; not while something is sent there."""
        found = self._destinations[request.match_info["id"]]
        if any(it.destination_id == found.id for it in self._subscriptions.values()):
            raise Refused(409, "Conflict", "The destination has subscriptions; delete them first.")
        del self._destinations[found.id]
        return web.json_response({})

    # ------------------------------------------------------------------ subscriptions

    async def subscribe(self, request: web.Request) -> web.Response:
        """Notifications of a kind are sent to a destination from now on."""
        kind, asked = request.match_info["kind"], await _body(request)
        if kind != ORDER_CHANGE:
            raise InvalidInput(f"{kind} is not sent here")
        to = self._destinations.get(str(asked.get("destinationId")))
        if to is None:
            raise InvalidInput(f"no destination {asked.get('destinationId')}")
        if "sqs" not in to.resource:
            raise InvalidInput(f"{kind} is sent to queues only")
        version = asked.get("payloadVersion")
        if version != "1.0":
            raise InvalidInput(f"payloadVersion {version} of {kind} does not exist")
        if any(self._of(kind, version)):
            raise Refused(409, "Conflict", f"There is a subscription to {kind} {version} already.")
        made = Subscription(self._id(), kind, to.id, version, _change_types(asked, kind))
        self._subscriptions[made.id] = made
        return _payload(made.as_json())

    async def subscription(self, request: web.Request) -> web.Response:
        """The subscription to a kind, of the newest version if none is named."""
        kind = request.match_info["kind"]
        for it in self._of(kind, request.query.get("payloadVersion", "")):
            return _payload(it.as_json())
        raise Refused(404, "NotFound", f"There is no subscription to {kind}.")

    async def subscription_by_id(self, request: web.Request) -> web.Response:
        """One subscription."""
        return _payload(self._one(request).as_json())

    async def unsubscribe(self, request: web.Request) -> web.Response:
        """Nothing is sent any more."""
        del self._subscriptions[self._one(request).id]
        return web.json_response({})

    def _one(self, request: web.Request) -> Subscription:
        """Raises `KeyError`."""
        found = self._subscriptions[request.match_info["id"]]
        if found.kind != request.match_info["kind"]:
            raise KeyError(found.id)
        return found

    def _of(self, kind: str, version: str) -> Iterator[Subscription]:
        for it in self._subscriptions.values():
            if it.kind == kind and version in ("", it.payload_version):
                yield it

    def _add(self, name: str, resource: Json) -> Destination:
        made = Destination(self._id(), name, resource)
        self._destinations[made.id] = made
        return made

    def _id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _queue(wanted: Json) -> Json:
    arn = wanted["sqs"].get("arn") if isinstance(wanted["sqs"], dict) else None
    if arn != QUEUE_ARN:
        raise InvalidInput(f"{arn} is no queue that Amazon may send to; check its policy")
    return {"sqs": {"arn": arn}}


def _bus(wanted: Json, name: str) -> Json:
    bus = wanted["eventBridge"] if isinstance(wanted["eventBridge"], dict) else {}
    if not bus.get("region") or not bus.get("accountId"):
        raise InvalidInput("eventBridge needs region and accountId")
    return {
        "eventBridge": {
            "name": f"aws.partner/sellingpartnerapi.amazon.com/{bus['accountId']}/{name}",
            "region": bus["region"],
            "accountId": bus["accountId"],
        }
    }


def _change_types(asked: Json, kind: str) -> tuple[str, ...]:
    directive = asked.get("processingDirective") or {}
    wanted = directive.get("eventFilter") or {}
    if not wanted:
        return ()
    if wanted.get("eventFilterType") != kind:
        raise InvalidInput(f"eventFilterType must be {kind}")
    types = tuple(wanted.get("orderChangeTypes") or ())
    unknown = [it for it in types if it not in CHANGE_TYPES]
    if unknown:
        raise InvalidInput(f"orderChangeTypes has {', '.join(map(str, unknown))}")
    return types


async def _body(request: web.Request) -> Json:
    try:
        found = json.loads(await request.text())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidInput("the body is no JSON object")
    return found


def _payload(found: Json | list[Json]) -> web.Response:
    return web.json_response({"payload": found})
