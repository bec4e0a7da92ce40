"""Webhooks of channels that speak their own format.

A sender of webhooks is told one of three things: 2xx, it is taken or says nothing new; 401, it is
not who it says it is; 503, send it again. Nothing it could not act on is said: what cannot be
mapped is taken, and staff see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from litestar import Controller, post
from litestar.types import ASGIApp

from gateway.api import intake
from gateway.api.answers import as_json
from gateway.api.auth import Channel
from gateway.api.calls import AnyRequest, Call, facade_of
from gateway.api.checks import Checks
from gateway.api.headers import is_idempotency_key
from gateway.api.services import ShopifyTerms
from gateway.channels.shopify import wire
from gateway.channels.shopify.draft import Terms
from gateway.channels.shopify.intake import Delivery, Shop
from gateway.channels.shopify.signature import is_signed
from gateway.errors import BadRequest, NotFound, Unauthenticated

TOPIC: Final = b"x-shopify-topic"
SIGNATURE: Final = b"x-shopify-hmac-sha256"
DOMAIN: Final = b"x-shopify-shop-domain"
WEBHOOK_ID: Final = b"x-shopify-webhook-id"


class ShopifyHooks(Controller):
    """Shopify's webhooks, one address for all topics of a shop."""

    path = "/v1/hooks/shopify"
    # Shopify describes what it sends, and its signature is no API key.
    include_in_schema = False

    @post("/{channel:str}", status_code=200)
    async def take(self, request: AnyRequest) -> ASGIApp:
        """Take a delivery, whatever its topic."""
        facade = facade_of(request)
        name: str = request.path_params["channel"]
        settings = facade.services.settings.channels.get(name)
        shop = settings.shopify if settings is not None else None
        takes = facade.services.shopify
        if shop is None or takes is None:
            raise NotFound(f"no shop is configured as channel '{name[:40]}'; check the address")
        headers: dict[bytes, bytes] = dict(request.scope["headers"])
        channel = Channel(name, frozenset(), (shop.legal_entity,))
        body = await intake.body(Call(request, headers, channel, facade))
        _authenticate(shop, headers, body)
        delivery = _delivery(headers, body)
        if delivery.topic.startswith("orders/") and "line_items" in delivery.payload:
            for found in wire.drift(delivery.payload):
                facade.services.observer.drifted(name, found)
        taken = await takes.take(shop_of(facade.checks, channel, shop), delivery)
        return as_json({"taken": [it._asdict() for it in taken]})


def _authenticate(shop: ShopifyTerms, headers: Mapping[bytes, bytes], body: bytes) -> None:
    secrets = [it.get_secret_value() for it in shop.secrets]
    if not is_signed(body, headers.get(SIGNATURE, b""), secrets):
        raise Unauthenticated(
            "X-Shopify-Hmac-Sha256 does not sign this body; check the app's client secret"
        )
    sent = headers.get(DOMAIN, b"").decode("latin-1").strip().lower()
    if sent != shop.domain.lower():
        raise Unauthenticated(
            f"X-Shopify-Shop-Domain is {sent[:60]!r}, and this address is that of another shop"
        )


def _delivery(headers: Mapping[bytes, bytes], body: bytes) -> Delivery:
    topic = headers.get(TOPIC, b"").decode("latin-1").strip().lower()
    if not topic:
        raise BadRequest("X-Shopify-Topic is missing; send it as Shopify does")
    sent = headers.get(WEBHOOK_ID, b"")
    webhook_id = sent.decode("ascii") if is_idempotency_key(sent) else ""
    return Delivery(topic, webhook_id, wire.read(body), body.decode("utf-8", "replace"))


def shop_of(checks: Checks, channel: Channel, shop: ShopifyTerms) -> Shop:
    """Return a shop as it is configured."""
    credits_goods = shop.goods_back == "credited"
    terms = Terms(shop.legal_entity, shop.country, shop.guest_customer, credits_goods)
    return Shop(channel.name, terms, shop.since, partial(checks.order, channel))
