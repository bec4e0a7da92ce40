"""Every option of the simulated returns platform, in one table."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.options import ServerOptions, option


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOptions(ServerOptions):
    """What the platform takes besides."""

    secret: str = option("loop_gateway", "the webhook secret, which signs; a made-up one")
    api_key: str = option("loop_api_gateway", "key its API wants; a made-up one")
    calls_per_min: int = option(
        300, "calls of its API a minute; more are 429", low=1, high=1_000_000, live=True
    )
    hook: str = option("", "address that webhooks go to; empty sends none", live=True)
    topics: str = option(
        "return", "topics that are subscribed, of return, label, restock; by commas", live=True
    )
    shop: str = option("", "address of the simulated shop whose orders are taken back", live=True)
    shop_token: str = option("shpat_gateway", "token the shop's Admin API wants")
    pays: bool = option(
        default=True, why="pay buyers through the shop, which then tells of a refund too", live=True
    )
    returns_per_s: float = option(
        0.0, "returns that buyers ask for by themselves", high=1000, live=True
    )
    youngest_s: float = option(
        10.0, "an order is so old before somebody sends a piece back", high=86_400, live=True
    )
    followup_s: float = option(
        5.0, "longest time until the buyer is paid, and until it is closed", high=3600, live=True
    )
    attempts: int = option(
        8, "attempts of a delivery; how many there are in life is not published", low=1, high=100
    )
    retry_s: float = option(
        5.0, "pause before an attempt after the first", low=0.01, high=3600, live=True
    )
