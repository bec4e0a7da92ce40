"""Every option of the simulated shop, in one table."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.options import ServerOptions, option


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopOptions(ServerOptions):
    """What the shop takes besides. Limits default to the published ones of the standard plan."""

    shop: str = option("voorbeeld.myshopify.com", "domain the shop says it has")
    access_token: str = option("shpat_gateway", "token the Admin API wants; a made-up one")
    secret: str = option("shpss_gateway", "the app's client secret, which signs; a made-up one")
    old_secret: str = option(
        "",
        "the secret before a rotation; while given, half of the deliveries are signed with it",
    )
    currency: str = option("EUR", "what the shop books in")
    taxes_included: bool = option(
        True,  # noqa: FBT003 -- the default comes first in every row of the table
        "whether prices include tax; else it comes on top of them",
    )
    country: str = option("NL", "where the shop and its buyers are: NL or DE")
    presentment: str = option(
        "", "another currency a tenth of the buyers see and pay in, such as GBP; empty: none"
    )
    presentment_rate: float = option(
        0.85, "units of that currency for one of the shop's", low=0.0001, high=10_000
    )
    bucket: int = option(40, "REST requests that may come at once", low=1, high=10_000)
    leak_per_s: float = option(2.0, "REST requests forgotten per second", low=0.01, high=10_000)
    orders_per_s: float = option(
        0.0, "orders that buyers place by themselves", high=1000, live=True
    )
    followups: float = option(
        0.3, "share of those orders that are paid later, edited, cancelled or refunded",
        high=1, live=True,
    )  # fmt: skip
    refunds: bool = option(
        True,  # noqa: FBT003 -- the default comes first in every row of the table
        "whether the shop itself refunds what they send back; else a returns platform does",
        live=True,
    )
    followup_s: float = option(
        5.0, "longest time after the order such a thing happens", high=3600, live=True
    )
    retry_scale: float = option(
        1.0,
        "factor on the pauses between the 8 attempts of a delivery, four hours in all; smaller for "
        "a rehearsal",
        low=0.00001, high=1, live=True,
    )  # fmt: skip
