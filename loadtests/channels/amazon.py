"""A marketplace: the gateway pulls its orders, told of changes by notifications, some of them lost.

An order is known from the start and paid some time later; only then is it to be booked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from loadtests.channels.port import Entry, Gateway, Sold
from loadtests.channels.web import Web
from loadtests.messages import CANCELLATION, ORDER, Line, Message, order_key

#: Of all notifications, what happens to some; orders they miss are found by the search.
FAULTS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("missing_notification", {"probability": 0.15}),
    ("duplicate_notification", {"probability": 0.15, "delay_ms": 300}),
    ("disordered_notification", {"probability": 0.1, "delay_ms": 500}),
    ("throttle", {"probability": 0.02}),
    ("schema_surprise", {"probability": 0.1}),
)
#: The customer all orders of a marketplace are booked on, and the article gifts are wrapped in.
CUSTOMER, GIFT_WRAP = "AMAZON", "GIFT-WRAP"
#: Half an hour in life.
PENDING_S = 2


@dataclass(frozen=True, slots=True)
class Marketplace:
    """A simulated marketplace of one country, whose sales one legal entity books."""

    name: str
    country: str
    marketplace: str
    legal_entity: str

    @property
    def lingers_s(self) -> float:
        """Orders of the last minute are paid, and some cancelled, a little later."""
        return 2.0 * PENDING_S + 1

    def command(self, seed: int) -> list[str]:
        """Return what simulates the marketplace; its published rates are those of a rehearsal."""
        options = {
            "port": 0, "seed": seed, "country": self.country, "marketplace": self.marketplace,
            "marketplace-name": self.name, "rate-scale": 10_000, "search-lag-s": 0.5,
            "pending-s": PENDING_S, "ship-after-s": 10, "visibility-s": 2,
        }  # fmt: skip
        return ["simulators", "amazon", *(f"--{name}={it}" for name, it in options.items())]

    def settings(self, url: str) -> Mapping[str, Any]:
        """Return the gateway's settings of the seller's account."""
        queue = {
            "url": f"{url}/000000000000/order-changes", "region": "eu-west-1",
            "access_key": "AKIAGATEWAY", "secret_key": "gateway-queue", "wait_s": 0,
        }  # fmt: skip
        account = {
            "endpoint": url, "token_url": f"{url}/auth/o2/token",
            "client_id": "amzn1.application-oa2-client.gateway",
            "client_secret": "amzn1.oa2-cs.v1.gateway", "refresh_token": "Atzr|gateway",
            "marketplaces": [self.marketplace], "legal_entity": self.legal_entity,
            "country": self.country, "since": "2020-01-01T00:00:00Z", "customer": CUSTOMER,
            "poll_s": 2, "queue": queue,
        }  # fmt: skip
        return {"scopes": ["read"], "amazon": account}

    def open(self, url: str, at: Gateway, rate_per_s: float) -> None:
        """Break some notifications, and let buyers come; gateways pull by themselves."""
        del at
        with Web(url) as market:
            for fault, more in FAULTS:
                market.call("PUT", f"/control/faults/{fault}", more)
            market.call("PUT", "/control/settings", {"orders_per_s": rate_per_s})

    def close(self, url: str) -> None:
        """Let no more buyers come; notifications are whole again."""
        with Web(url) as market:
            market.call("PUT", "/control/settings", {"orders_per_s": 0})
            market.call("DELETE", "/control/faults")

    def sold(self, books: Sequence[Entry]) -> list[Sold]:
        """Return orders from when they were paid, and what was cancelled after that."""
        orders = {it["order_id"]: _Order(self, it) for it in books if it["kind"] == "order"}
        cancelled = [it for it in books if it["kind"] == "cancellation"]
        for entry in cancelled:
            orders[entry["order_id"]].cancel(entry["pieces"])
        found = []
        for entry in books:
            match entry["kind"]:
                case "authorised":
                    placed = orders[entry["order_id"]]
                    placed.paid = True
                    found.append((placed, placed.message(), entry))
                case "cancellation" if orders[entry["order_id"]].paid:
                    placed = orders[entry["order_id"]]
                    found.append((placed, placed.cancellation(entry["pieces"]), entry))
        return [
            Sold(message, datetime.fromisoformat(entry["at"]), undone=placed.undone)
            for placed, message, entry in found
        ]


class _Order:
    """What the books say of one order."""

    def __init__(self, market: Marketplace, entry: Entry) -> None:
        self._market = market
        self._entry = entry
        self._ref = str(entry["order_id"])
        self._lines: dict[str, Line] = {}
        self._wraps: list[Line] = []
        for it in entry["lines"]:
            number = 1 + len(self._lines) + len(self._wraps)
            amount = Decimal(it["amount"])
            self._lines[it["item_id"]] = Line(
                number, it["sku"], int(it["quantity"]), amount, Decimal(it["tax"])
            )
            if wrap := Decimal(it["gift_wrap"]):
                tax = Decimal(it["gift_wrap_tax"])
                self._wraps.append(Line(number + 1, GIFT_WRAP, 1, wrap, tax))
        self._left = {it["item_id"]: int(it["quantity"]) for it in entry["lines"]}
        self._reductions = 0
        self.paid = False

    @property
    def undone(self) -> bool:
        """Whether all of it was cancelled."""
        return not any(self._left.values())

    def cancel(self, pieces: Mapping[str, int]) -> None:
        """Take pieces off what is left."""
        for item_id, count in pieces.items():
            self._left[item_id] -= count

    def message(self) -> Message:
        """The order as it was sold."""
        entry, market = self._entry, self._market
        shipping = sum((Decimal(it["shipping"]) for it in entry["lines"]), Decimal(0))
        return Message(
            process=ORDER,
            channel=market.name,
            object_key=order_key(market.name, self._ref),
            object_reference=self._ref,
            reference=self._ref,
            legal_entity=market.legal_entity,
            currency=entry["currency"],
            lines=(*self._lines.values(), *self._wraps),
            total=Decimal(entry["total"]),
            shipping=shipping,
            tax=Decimal(entry["tax"]),
            facts={
                "channel": market.name,
                "legal_entity": market.legal_entity,
                "country": market.country,
                "customer_ref": CUSTOMER,
                "order_ref": self._ref,
            },
        )

    def cancellation(self, pieces: Mapping[str, int]) -> Message:
        """All of it was cancelled, or so many pieces by item."""
        lines: Iterable[Line] = ()
        name = "cancelled"
        if not self.undone:
            self._reductions += 1
            name = f"reduced-{self._reductions}"
            lines = (
                replace(self._lines[item_id], quantity=count, amount=None, tax=None)
                for item_id, count in pieces.items()
            )
        return Message(
            process=CANCELLATION,
            channel=self._market.name,
            object_key=order_key(self._market.name, self._ref),
            object_reference=self._ref,
            reference=f"{self._ref}/{name}",
            legal_entity=self._market.legal_entity,
            currency=self._entry["currency"],
            lines=tuple(lines),
            total=None,
            facts={"channel": self._market.name, "order_ref": self._ref},
        )
