"""The two ERPs: where they are, what they allow, when their silence means something."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, model_validator

from gateway.settings.section import Section


class QuotaSettings(Section):
    """What an ERP allows.

    The defaults are Business Central's published limits per user: 6000 requests in a sliding
    5 minutes, 5 at once (operational limits, OData).
    """

    concurrent_max: int = Field(default=5, ge=1, description="calls at once")
    calls_max: int = Field(default=6000, ge=1, description="calls per window")
    window_s: float = Field(default=300, gt=0, description="length of the sliding window")


class ErpSettings(Section):
    """How to reach one ERP and when its silence means something."""

    url: str = Field(description="base URL")
    user: str = Field(default="", description="legacy: Basic auth user; cloud: OAuth2 client id")
    secret: SecretStr = Field(
        default=SecretStr(""), description="legacy: password; cloud: client secret"
    )
    tenant: str = Field(default="common", description="cloud: tenant of the token endpoint")
    sap_client: str = Field(default="100", description="legacy: SAP client")
    quota: QuotaSettings = QuotaSettings()
    scope: str = Field(
        default="https://api.businesscentral.dynamics.com/.default",
        description="cloud: scope of the token",
    )
    token_url: str = Field(default="", description="cloud: where tokens come from, if not from url")
    request_s: float | None = Field(
        default=None, gt=0, description="deadline of one call; default: the dialect's"
    )
    absent_final_s: float | None = Field(
        default=None,
        gt=0,
        description="how long after a send a look-up that finds nothing is final; "
        "default: what the dialect's documented limits add up to",
    )
    poll_s: float = Field(default=2, gt=0, description="legacy: pause between status polls")

    @model_validator(mode="after")
    def _absence_is_final_after_the_deadline(self) -> Self:
        if self.absent_final_s is not None and self.absent_final_s <= 2 * (self.request_s or 0):
            raise ValueError(
                f"absent_final_s {self.absent_final_s:g} is too short: a request may take "
                f"request_s {self.request_s or 0:g} to be sent and as long to be executed; a "
                "look-up that finds nothing any sooner could lead to a second booking"
            )
        return self


class ErpsSettings(Section):
    """The two ERPs."""

    legacy: ErpSettings = Field(description="the ERP being left")
    cloud: ErpSettings = Field(description="the ERP being moved to")
