"""Every option of the simulated tax engine, in one table."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.options import ServerOptions, option


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxOptions(ServerOptions):
    """What the tax engine takes besides."""

    account: str = option("1100012345", "account id, the user of Basic authentication")
    license_key: str = option("tax-gateway", "license key that goes with it; a made-up one")
    calls_per_min: int = option(
        6000, "calculations a minute; more are 429", low=1, high=1_000_000, live=True
    )
