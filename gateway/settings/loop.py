"""A returns platform as a channel."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from gateway.settings.section import Section


class LoopSettings(Section):
    """A Loop account whose webhooks are taken at ``/v1/hooks/loop/CHANNEL``."""

    secrets: Annotated[
        tuple[Annotated[SecretStr, Field(min_length=1)], ...], Field(min_length=1, max_length=2)
    ] = Field(description="the secret of its webhooks; two during a rotation")
    legal_entity: str = Field(description="the entity that books its credits")
    order_channel: str = Field(description="the channel whose orders it takes back: the shop")
