"""Webhooks: who is told when a guardrail pauses a wave or a scheduled flip is suspended."""

from __future__ import annotations

from pydantic import Field, SecretStr

from gateway.settings.addresses import BaseUrl
from gateway.settings.section import Section


class WebhookSettings(Section):
    """Somebody who is told when a guardrail pauses a wave or a scheduled flip is suspended."""

    url: BaseUrl = Field(description="where to POST")
    secret: SecretStr = Field(
        min_length=16,
        description="signs each notice (Standard Webhooks, HMAC-SHA256); `whsec_` and base64, or "
        "any text",
    )
