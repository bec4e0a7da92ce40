"""Who takes part: legal entities, stores and channels."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from gateway.canonical.base import matching
from gateway.settings.amazon import AmazonSettings
from gateway.settings.chain import ChainSettings
from gateway.settings.loop import LoopSettings
from gateway.settings.section import Section
from gateway.settings.shopify import ShopifySettings

#: The cloud ERP keeps a channel as a dimension value: Code[20], in capitals.
ChannelName = Annotated[
    str,
    matching(
        r"^[A-Za-z0-9](?:[A-Za-z0-9._ -]{0,18}[A-Za-z0-9])?$",
        "1 to 20 letters, digits and . _ -, with blanks inside, as both ERPs' documents can carry",
    ),
]

SCOPES = ("orders", "returns", "store-sales", "read", "ops")


class EntitySettings(Section):
    """A legal entity: what it books in and where it is."""

    currencies: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="ISO 4217 codes it books in"
    )
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = Field(
        description="ISO 3166-1 alpha-2 code"
    )


class StoreSettings(Section):
    """A store: the legal entity that books its sales, and how its registers count."""

    legal_entity: str = Field(description="the entity that books this store's sales")
    retail_store_id: str = Field(
        default="", description="what POSLog files call it; empty is its code"
    )
    time_zone: str = Field(
        default="",
        description="IANA name, for times in files that have no offset, as Europe/Berlin",
    )
    numbers_last: int = Field(
        default=0,
        ge=0,
        le=999_999_999,
        description="the receipt number behind which a register goes on with 1; 0: there is none",
    )
    numbers_daily: bool = Field(
        default=False, description="registers begin each business day with number 1"
    )

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name or "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(
                f"{name!r} is no time zone; give an IANA name such as Europe/Berlin"
            ) from None
        return name


class ChannelSettings(Section):
    """A channel: who may call, and for what. Only hashes of keys are kept."""

    key_sha256: tuple[str, ...] = Field(
        default=(),
        description="SHA-256 (hex) of each valid API key; two during a rotation. Needed unless the "
        "channel only sends webhooks or is pulled",
    )
    scopes: tuple[Literal["orders", "returns", "store-sales", "read", "ops"], ...] = Field(
        description="what the channel may do"
    )
    legal_entities: tuple[str, ...] = Field(
        default=(), description="entities it may name; empty means all"
    )
    weight: float = Field(
        default=1,
        gt=0,
        le=1000,
        description="its share of deliveries beside other channels' work of the same class",
    )
    shopify: ShopifySettings | None = Field(
        default=None, description="the shop, if the channel is one of Shopify's"
    )
    loop: LoopSettings | None = Field(
        default=None, description="the returns platform, if the channel is one of Loop's"
    )
    amazon: AmazonSettings | None = Field(
        default=None, description="the seller's account, if the channel is one at Amazon"
    )

    chain: ChainSettings | None = Field(
        default=None, description="what its orders go through before an ERP sees them"
    )
    chain_by_entity: dict[str, ChainSettings] = Field(
        default_factory=dict, description="the same in single legal entities, in place of `chain`"
    )

    @property
    def books_in(self) -> tuple[str, ...]:
        """The entities its own format's orders are booked in."""
        formats = (self.shopify, self.loop, self.amazon)
        return tuple(it.legal_entity for it in formats if it is not None)

    @property
    def is_pulled(self) -> bool:
        """Whether gateways ask it by themselves for what it has."""
        polls = [it.poll for it in (self.shopify, self.loop) if it is not None]
        return self.amazon is not None or any(polls)

    @model_validator(mode="after")
    def _can_call(self) -> ChannelSettings:
        speaks = (self.shopify, self.loop, self.amazon)
        if not self.key_sha256 and not any(speaks):
            raise ValueError("key_sha256: give the hash of at least one API key")
        return self
