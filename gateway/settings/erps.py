"""The two ERPs: where they are, what they allow, when their silence means something."""

from __future__ import annotations

from typing import Final, Self

from pydantic import Field, SecretStr, model_validator

from gateway.canonical.process import PROCESSES, Kind
from gateway.settings.addresses import BaseUrl, OptionalBaseUrl
from gateway.settings.quota import QuotaSettings
from gateway.settings.section import Section

_WRITES: Final = [name for name, it in PROCESSES.items() if it.kind is not Kind.READ]


class ErpSettings(Section):
    """How to reach one ERP and when its silence means something."""

    url: BaseUrl = Field(description="base URL")
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
    token_url: OptionalBaseUrl = Field(
        default="", description="cloud: where tokens come from, if not from url"
    )
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
    request_s_by_process: dict[str, float] = Field(
        default_factory=dict,
        description="deadline of calls for single processes, where it differs from request_s",
    )
    wait_first_s: float = Field(
        default=60,
        gt=0,
        description="what waits for missing master data, a closed period or a credit block is "
        "tried again after this long, then each time twice as late",
    )
    wait_max_s: float = Field(default=1800, gt=0, description="… up to this long")
    reposts: bool = Field(
        default=False,
        description="legacy: the ERP posts failed IDocs again by itself (RBDMANI2), so those that "
        "wait for a cause are looked at, never sent again",
    )

    @model_validator(mode="after")
    def _absence_is_final_after_the_deadline(self) -> Self:
        longest_s = max(self.request_s or 0, *self.request_s_by_process.values(), 0)
        if self.absent_final_s is not None and self.absent_final_s <= 2 * longest_s:
            raise ValueError(
                f"absent_final_s {self.absent_final_s:g} is too short: a request may take "
                f"request_s {longest_s:g} to be sent and as long to be executed; a "
                "look-up that finds nothing any sooner could lead to a second booking"
            )
        return self

    @model_validator(mode="after")
    def _names_processes(self) -> Self:
        for process, seconds in self.request_s_by_process.items():
            if process not in _WRITES:
                what = "only read, within seconds" if process in PROCESSES else "no process"
                raise ValueError(
                    f"request_s_by_process: {process!r} is {what}; there are {', '.join(_WRITES)}"
                )
            if seconds <= 0:
                raise ValueError(
                    f"request_s_by_process: {process} has {seconds:g}; give seconds above 0"
                )
        return self


class ErpsSettings(Section):
    """The two ERPs."""

    legacy: ErpSettings = Field(description="the ERP being left")
    cloud: ErpSettings = Field(description="the ERP being moved to")
