"""A returns platform as a channel."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, SecretStr

from gateway.settings.addresses import ServerUrl
from gateway.settings.section import Section


class ReturnPollSettings(Section):
    """How the platform's returns are read for what no webhook brought."""

    api_key: SecretStr = Field(min_length=1, description="API key with the scope Returns")
    since: AwareDatetime = Field(
        description="returns last changed before are not asked for: other systems have them"
    )
    url: ServerUrl = Field(default="https://api.loopreturns.com", description="where its API is")
    poll_s: float = Field(default=300, ge=0.1, description="pause between two polls")
    overlap_s: float = Field(
        default=300, ge=0, description="how far a poll goes back behind the last one's end"
    )


class LoopSettings(Section):
    """A Loop account whose webhooks are taken at ``/v1/hooks/loop/CHANNEL``."""

    secrets: Annotated[
        tuple[Annotated[SecretStr, Field(min_length=1)], ...], Field(min_length=1, max_length=2)
    ] = Field(description="the secret of its webhooks; two during a rotation")
    legal_entity: str = Field(description="the entity that books its credits")
    order_channel: str = Field(description="the channel whose orders it takes back: the shop")
    goods_came: Literal["closed", "requested"] = Field(
        default="closed",
        description="when goods are received: once a return is closed, or only by requests to "
        "restock (topic Restock), if returns are closed while the goods are on their way",
    )
    poll: ReturnPollSettings | None = Field(
        default=None,
        description="reads the platform's returns now and then; without it, what no webhook brings "
        "is never known",
    )
