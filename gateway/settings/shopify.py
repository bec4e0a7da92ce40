"""A Shopify shop as a channel."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, SecretStr

from gateway.canonical.base import CustomerReference
from gateway.settings.addresses import OptionalServerUrl
from gateway.settings.section import Section


class PollSettings(Section):
    """How the shop's orders are read for what no webhook brought."""

    access_token: SecretStr = Field(
        min_length=1, description="Admin API access token with the scope read_orders"
    )
    url: OptionalServerUrl = Field(
        default="", description="where the Admin API is; empty is https:// and the shop's domain"
    )
    poll_s: float = Field(default=300, ge=0.1, description="pause between two polls")
    overlap_s: float = Field(
        default=60, ge=0, description="how far a poll goes back behind the last one's end"
    )


class ShopifySettings(Section):
    """A shop whose webhooks are taken at ``/v1/hooks/shopify/CHANNEL``."""

    domain: Annotated[str, Field(min_length=3)] = Field(
        description="the shop's myshopify.com domain, as its webhooks name it"
    )
    secrets: Annotated[
        tuple[Annotated[SecretStr, Field(min_length=1)], ...], Field(min_length=1, max_length=2)
    ] = Field(description="the app's client secret; two during a rotation")
    legal_entity: str = Field(description="the entity that books the shop's sales")
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = Field(
        description="ISO 3166-1 alpha-2 code for orders without an address"
    )
    since: AwareDatetime = Field(
        description="orders placed before are not taken: other systems have booked them"
    )
    goods_back: Literal["credited", "elsewhere"] = Field(
        default="credited",
        description="elsewhere: a returns platform says what came back, and a refund of pieces "
        "that were sent is not credited a second time from here",
    )
    guest_customer: CustomerReference = Field(
        default="GUEST", description="stands for a buyer the shop knows no customer of"
    )
    poll: PollSettings | None = Field(
        default=None,
        description="reads the shop's orders now and then; without it, what no webhook brings is "
        "never known",
    )
