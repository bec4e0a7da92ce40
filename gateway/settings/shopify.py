"""A Shopify shop as a channel."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, SecretStr

from gateway.canonical.base import CustomerReference
from gateway.settings.section import Section


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
