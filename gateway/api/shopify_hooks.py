"""Webhooks of Shopify; the answers are those of any webhook (``webhooks``)."""

from __future__ import annotations

from functools import partial
from typing import Final

from litestar import Controller, post
from litestar.types import ASGIApp

from gateway.api import webhooks
from gateway.api.answers import as_json
from gateway.api.auth import Channel
from gateway.api.calls import AnyRequest, facade_of
from gateway.api.checks import Checks
from gateway.api.headers import is_idempotency_key
from gateway.api.services import ShopifyTerms
from gateway.api.webhooks import Webhook
from gateway.channels.shopify import wire
from gateway.channels.shopify.draft import Terms
from gateway.channels.shopify.intake import Delivery, Shop
from gateway.channels.shopify.signature import is_signed
from gateway.channels.shopify.surprises import surprises_in
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
        terms = webhooks.terms_of(request)
        shop = terms.shopify if terms is not None else None
        takes = facade_of(request).services.shopify
        if shop is None or takes is None:
            name: str = request.path_params["channel"]
            raise NotFound(f"no shop is configured as channel '{name[:40]}'; check the address")
        came = await webhooks.arrived(request, shop.legal_entity)
        _authenticate(shop, came)
        delivery = _delivery(came)
        kind, found = surprises_in(delivery.topic, delivery.payload)
        came.drifted(kind, wire.text(delivery.payload, "id", 40), found)
        taken = await takes.take(shop_of(came.facade.checks, came.channel, shop), delivery)
        return as_json({"taken": [it._asdict() for it in taken]})


def _authenticate(shop: ShopifyTerms, came: Webhook) -> None:
    secrets = [it.get_secret_value() for it in shop.secrets]
    if not is_signed(came.body, came.header(SIGNATURE), secrets):
        raise Unauthenticated(
            "X-Shopify-Hmac-Sha256 does not sign this body; check the app's client secret"
        )
    sent = came.header(DOMAIN).decode("latin-1").strip().lower()
    if sent != shop.domain.lower():
        raise Unauthenticated(
            f"X-Shopify-Shop-Domain is {sent[:60]!r}, and this address is that of another shop"
        )


def _delivery(came: Webhook) -> Delivery:
    topic = came.header(TOPIC).decode("latin-1").strip().lower()
    if not topic:
        raise BadRequest("X-Shopify-Topic is missing; send it as Shopify does")
    sent = came.header(WEBHOOK_ID)
    webhook_id = sent.decode("ascii") if is_idempotency_key(sent) else ""
    return Delivery(topic, webhook_id, wire.read(came.body), came.body.decode("utf-8", "replace"))


def shop_of(checks: Checks, channel: Channel, shop: ShopifyTerms) -> Shop:
    """Return a shop as it is configured."""
    credits_goods = shop.goods_back == "credited"
    terms = Terms(shop.legal_entity, shop.country, shop.guest_customer, credits_goods)
    return Shop(channel.name, terms, shop.since, partial(checks.order, channel))
