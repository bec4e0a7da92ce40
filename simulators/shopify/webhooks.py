"""Webhooks as the shop sends them: signed, retried eight times over four hours, never in order.

A delivery keeps its id, its event's id and its exact bytes through all attempts. After eight
failures in a row the subscription is gone, as published for those made through the Admin API.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import aiohttp

from simulators.channel import Channel
from simulators.faults import FaultKind
from simulators.shopify.options import ShopOptions
from simulators.shopify.orders import stamp

#: Pauses before the attempts after the first, in seconds; their sum is about four hours. That there
#: are eight attempts over four hours with growing pauses is published, how long each is, is not.
PAUSES_S = (10, 30, 120, 360, 1080, 3600, 9200)
CONNECT_S = 1.0
TOTAL_S = 5.0

KINDS: Mapping[str, FaultKind] = {
    "duplicate_webhook": FaultKind(200, (), "a delivery that was taken comes again delay_ms later"),
    "disordered_webhook": FaultKind(3000, (), "a delivery is held back for delay_ms"),
    "missing_webhook": FaultKind(0, (), "a delivery is never made"),
    "wrong_signature": FaultKind(0, (), "a delivery comes wrongly signed first, then rightly"),
    "clock_skew": FaultKind(600_000, (), "the trigger time in the header is delay_ms ahead"),
    "schema_surprise": FaultKind(
        0, ("unknown_field", "null", "new_enum"), "the body has what nobody announced"
    ),
}  # fmt: skip
COUNTERS = (
    "webhooks_triggered",  # deliveries due, whatever became of them
    "webhooks_delivered",  # answered with a 2xx
    "webhook_attempts",  # requests made
    "webhooks_given_up",  # not taken in eight attempts
    "webhooks_duplicated",  # sent again by the fault
    "webhooks_disordered",  # held back by the fault
    "webhooks_missing",  # dropped by the fault
    "webhooks_wrongly_signed",  # signed wrongly by the fault
    "webhooks_skewed",  # with a trigger time in the future
    "webhooks_surprising",  # with a body nobody announced
    "subscriptions_removed",  # lost after eight failures
    "webhooks_pending",  # now: still to be delivered
)


@dataclass(slots=True)
class Subscription:
    """Who wants to hear of a topic."""

    id: int
    topic: str
    address: str
    created_at: str
    fields: tuple[str, ...] = ()

    def as_json(self, version: str) -> dict[str, object]:
        """The resource of the Admin API."""
        return {
            "id": self.id,
            "address": self.address,
            "topic": self.topic,
            "created_at": self.created_at,
            "updated_at": self.created_at,
            "format": "json",
            "fields": list(self.fields),
            "metafield_namespaces": [],
            "private_metafield_namespaces": [],
            "api_version": version,
        }


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery: what is sent, the same in each attempt."""

    subscription: Subscription
    webhook_id: str
    event_id: str
    triggered_at: str
    body: bytes


class Sender:
    """Sends what happened to whoever subscribed."""

    def __init__(self, channel: Channel[ShopOptions], version: str) -> None:
        self.subscriptions: dict[int, Subscription] = {}
        self._channel = channel
        self._version = version
        self._ids: Random = channel.chance("webhook-ids")
        self._signing = channel.chance("webhook-signing")
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()

    def subscribe(self, topic: str, address: str, fields: tuple[str, ...] = ()) -> Subscription:
        """Add a subscription."""
        now = stamp(self._channel.clock.now())
        number = (
            1_000_000_000_001
            + len(self.subscriptions)
            + self._channel.counters["subscriptions_removed"]
        )
        while number in self.subscriptions:
            number += 1
        made = Subscription(number, topic, address, now, fields)
        self.subscriptions[number] = made
        return made

    def tell(self, topic: str, resource: Mapping[str, Any]) -> None:
        """Something happened: start a delivery to each subscription of the topic."""
        event_id = self._uuid()
        for subscription in list(self.subscriptions.values()):
            if subscription.topic == topic:
                self._start(subscription, event_id, resource)

    def _start(
        self, subscription: Subscription, event_id: str, resource: Mapping[str, Any]
    ) -> None:
        channel = self._channel
        channel.counters.add("webhooks_triggered")
        if channel.faults.fires("missing_webhook"):
            channel.counters.add("webhooks_missing")
            return
        shown = dict(resource)
        if subscription.fields:
            shown = {name: shown[name] for name in subscription.fields if name in shown}
        triggered = channel.clock.now()
        skew = channel.faults.fires("clock_skew")
        if skew:
            channel.counters.add("webhooks_skewed")
            triggered += timedelta(seconds=skew.delay_s)
        body = json.dumps(self._surprising(shown), ensure_ascii=False).encode()
        delivery = Delivery(subscription, self._uuid(), event_id, stamp(triggered), body)
        channel.counters.add("webhooks_pending")
        channel.background(self._deliver(delivery))

    def _surprising(self, resource: dict[str, Any]) -> dict[str, Any]:
        surprise = self._channel.faults.fires("schema_surprise")
        if surprise is None:
            return resource
        self._channel.counters.add("webhooks_surprising")
        if surprise.mode == "unknown_field":
            return resource | {"loyalty_tier_v2": {"tier": "gold"}}
        if surprise.mode == "null":
            return resource | {"customer": None, "source_name": None}
        return resource | {"financial_status": "settled_elsewhere"}

    async def _deliver(self, delivery: Delivery) -> None:
        channel = self._channel
        try:
            disorder = channel.faults.fires("disordered_webhook")
            if disorder:
                channel.counters.add("webhooks_disordered")
                await asyncio.sleep(disorder.delay_s)
            if channel.faults.fires("wrong_signature"):
                channel.counters.add("webhooks_wrongly_signed")
                await self._attempt(delivery, "not-the-secret")
            if await self._attempts(delivery):
                duplicate = channel.faults.fires("duplicate_webhook")
                if duplicate:
                    channel.counters.add("webhooks_duplicated")
                    await asyncio.sleep(duplicate.delay_s)
                    await self._attempt(delivery, self._secret())
            else:
                channel.counters.add("webhooks_given_up")
                if self.subscriptions.pop(delivery.subscription.id, None) is not None:
                    channel.counters.add("subscriptions_removed")
        finally:
            channel.counters.add("webhooks_pending", -1)

    async def _attempts(self, delivery: Delivery) -> bool:
        for pause_s in (0, *PAUSES_S):
            await asyncio.sleep(pause_s * self._channel.options.retry_scale)
            if await self._attempt(delivery, self._secret()):
                self._channel.counters.add("webhooks_delivered")
                return True
        return False

    async def _attempt(self, delivery: Delivery, secret: str) -> bool:
        """Send once; whether a 2xx came in time."""
        self._channel.counters.add("webhook_attempts")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TOTAL_S, connect=CONNECT_S)
            )
        try:
            async with self._session.post(
                delivery.subscription.address,
                data=delivery.body,
                headers=self._headers(delivery, secret),
                allow_redirects=False,
            ) as answer:
                await answer.read()
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    def _headers(self, delivery: Delivery, secret: str) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": delivery.subscription.topic,
            "X-Shopify-Hmac-Sha256": signature(delivery.body, secret),
            "X-Shopify-Shop-Domain": self._channel.options.shop,
            "X-Shopify-API-Version": self._version,
            "X-Shopify-Webhook-Id": delivery.webhook_id,
            "X-Shopify-Event-Id": delivery.event_id,
            "X-Shopify-Triggered-At": delivery.triggered_at,
        }

    def _secret(self) -> str:
        options = self._channel.options
        if options.old_secret and self._signing.random() < 0.5:
            return options.old_secret
        return options.secret

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._ids.getrandbits(128), version=4))


def signature(body: bytes, secret: str) -> str:
    """Base64 of the HMAC-SHA256 over the raw bytes, as in ``X-Shopify-Hmac-Sha256``."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
