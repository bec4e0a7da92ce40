"""Every option of the simulated marketplace, in one table."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.options import ServerOptions, option


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketOptions(ServerOptions):
    """What the marketplace takes besides. Rates and lags default to the published ones."""

    client_id: str = option("amzn1.application-oa2-client.gateway", "client of Login with Amazon")
    client_secret: str = option(
        "amzn1.oa2-cs.v1.gateway", "secret that goes with it; a made-up one"
    )
    refresh_token: str = option("Atzr|gateway", "token the seller gave the client; a made-up one")
    token_lifetime_s: float = option(
        3600.0, "how long an access token is good for; published: an hour",
        low=0.05, high=86_400, live=True,
    )  # fmt: skip
    seller: str = option("A3VOORBEELD1XZ", "the seller's id; a made-up one")
    marketplace: str = option("A1805IZSGTT6HS", "id of the marketplace: amazon.nl")
    marketplace_name: str = option("Amazon.nl", "name of the marketplace")
    currency: str = option("EUR", "what buyers pay in")
    country: str = option("NL", "where the buyers are: NL or DE")
    prices_include_tax: bool = option(
        True,  # noqa: FBT003 -- the default comes first in every row of the table
        "whether the parts of an amount contain the tax, as in Europe, or it is added to them",
    )
    rate_scale: float = option(
        1.0,
        "factor on the published rates of every operation, bursts stay; larger for a rehearsal",
        low=0.01, high=1_000_000, live=True,
    )  # fmt: skip
    search_lag_s: float = option(
        120.0, "searches do not see what changed since then; published: two minutes",
        high=3600, live=True,
    )  # fmt: skip
    pending_s: float = option(
        2.0, "how long an order is pending before its payment is authorised; half an hour in life",
        high=86_400, live=True,
    )  # fmt: skip
    fba_share: float = option(0.5, "share of orders that Amazon fulfils", high=1, live=True)
    liable_share: float = option(
        0.2, "share of orders whose tax the marketplace collects and remits", high=1, live=True
    )
    ship_after_s: float = option(
        30.0, "Amazon ships what it fulfils so long after the payment", high=86_400, live=True
    )
    orders_per_s: float = option(
        0.0, "orders that buyers place by themselves", high=1000, live=True
    )
    cancels: float = option(
        0.1, "share of those orders that are cancelled before they ship", high=1, live=True
    )
    subscribed: bool = option(
        True,  # noqa: FBT003 -- the default comes first in every row of the table
        "whether ORDER_CHANGE is subscribed to the queue from the start, or the Notifications API "
        "has to be asked",
    )
    queue_key: str = option("AKIAGATEWAY", "access key the queue wants; a made-up one")
    queue_secret: str = option("gateway-queue", "secret that signs requests to it; a made-up one")
    visibility_s: float = option(
        30.0, "a message received and not deleted comes again after so long",
        low=0.05, high=43_200, live=True,
    )  # fmt: skip
    reserve_share: float = option(
        0.1, "share of a settlement's proceeds that is held back until the next", high=1, live=True
    )
