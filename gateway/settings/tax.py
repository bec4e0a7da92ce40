"""The tax engine."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from gateway.settings.addresses import BaseUrl
from gateway.settings.section import Section


class TaxSettings(Section):
    """A tax engine that speaks AvaTax, for channels whose `chain.tax` asks it."""

    url: BaseUrl = Field(description="where it is, such as https://rest.avatax.com")
    account: Annotated[str, Field(min_length=1)] = Field(description="account id")
    license_key: SecretStr = Field(min_length=1, description="license key that goes with it")
    request_s: float = Field(default=10, gt=0, le=120, description="deadline of one call")
