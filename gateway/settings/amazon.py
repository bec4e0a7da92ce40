"""A seller's account at Amazon as a channel."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field, SecretStr, model_validator

from gateway.canonical.base import CustomerReference
from gateway.settings.addresses import BaseUrl
from gateway.settings.section import Section


class QueueSettings(Section):
    """The queue that ORDER_CHANGE notifications are sent to."""

    url: BaseUrl = Field(description="the queue's URL, as Amazon SQS gives it")
    region: Annotated[str, Field(min_length=1)] = Field(description="the queue's AWS region")
    access_key: Annotated[str, Field(min_length=1)] = Field(
        description="access key of a user that may receive and delete the queue's messages"
    )
    secret_key: SecretStr = Field(min_length=1, description="secret that goes with it")
    wait_s: int = Field(default=2, ge=0, le=20, description="how long one call waits for a message")


class ReportSettings(Section):
    """How settlement reports are fetched."""

    poll_s: float = Field(
        default=3600,
        ge=0.1,
        description="pause between two looks for new reports; one in 45 s is sustained",
    )


class AmazonSettings(Section):
    """A seller's account whose orders are pulled."""

    endpoint: BaseUrl = Field(
        description="Selling Partner API, e.g. https://sellingpartnerapi-eu.amazon.com"
    )
    token_url: BaseUrl = Field(
        default="https://api.amazon.com/auth/o2/token", description="Login with Amazon"
    )
    client_id: Annotated[str, Field(min_length=1)] = Field(description="the application's client")
    client_secret: SecretStr = Field(min_length=1, description="secret that goes with it")
    refresh_token: SecretStr = Field(
        min_length=1, description="what the seller's authorization gave the application"
    )
    marketplaces: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)] = Field(
        description="ids of the marketplaces, e.g. A1805IZSGTT6HS for amazon.nl"
    )
    queue: QueueSettings | None = Field(
        default=None, description="the queue of notifications; without one, orders are searched for"
    )
    settlements: ReportSettings | None = Field(
        default=None,
        description="fetches settlement reports made from `since` on; without it, finance takes "
        "their files by hand",
    )
    legal_entity: str = Field(description="the entity that books the account's sales")
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = Field(
        description="ISO 3166-1 alpha-2 code for orders without an address"
    )
    since: AwareDatetime = Field(
        description="orders placed before are not taken: other systems have booked them"
    )
    customer: CustomerReference = Field(
        default="AMAZON", description="the collective customer its orders are booked on"
    )
    poll_s: float = Field(
        default=180, ge=0.1, description="pause between two searches; one in 179 s is sustained"
    )
    overlap_s: float = Field(
        default=300, ge=0, description="how far a search goes back behind the last one's end"
    )

    @model_validator(mode="after")
    def _no_slash(self) -> AmazonSettings:
        if self.endpoint.endswith("/"):
            raise ValueError("endpoint: leave out the slash at its end")
        return self
