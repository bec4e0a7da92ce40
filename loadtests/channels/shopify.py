"""A web shop: its orders reach the gateway by webhooks, and by the poll for those that get lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from loadtests.channels.port import Entry, Gateway, Sold
from loadtests.channels.web import Web
from loadtests.messages import CANCELLATION, ORDER, RETURN, Line, Message, order_key

TOPICS = ("orders/create", "orders/updated", "orders/edited", "orders/paid", "orders/cancelled",
          "refunds/create")  # fmt: skip
API = "/admin/api/2026-07"
#: What the simulated shop calls a buyer: a shop's customer id.
FIRST_CUSTOMER = 6_900_000_000_000
#: Of all webhooks, what happens to some; those that never come are found by the poll.
FAULTS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("missing_webhook", {"probability": 0.08}),
    ("duplicate_webhook", {"probability": 0.15}),
    ("disordered_webhook", {"probability": 0.1, "delay_ms": 1500}),
    ("wrong_signature", {"probability": 0.05}),
    ("schema_surprise", {"probability": 0.1, "mode": "unknown_field"}),
)
#: Four hours of retries in so many minutes.
RETRY_SCALE = 0.02
POLL_S = 2
#: A buyer changes their mind so long after the order at the latest.
FOLLOW_UP_S = 8


@dataclass(frozen=True, slots=True)
class Shop:
    """A simulated shop of one country, whose sales one legal entity books.

    Prices include tax or, ``net``, leave it out. ``returned_elsewhere``: a returns platform takes
    goods back; what the shop refunds then is that platform's to say.
    """

    name: str
    country: str
    legal_entity: str
    returned_elsewhere: bool = False
    net: bool = False

    @property
    def domain(self) -> str:
        """What the shop says it is."""
        return f"{self.name}.myshopify.com"

    @property
    def token(self) -> str:
        """Opens the shop's Admin API; a made-up one."""
        return f"shpat_{self.name}"

    @property
    def secret(self) -> str:
        """Signs the shop's webhooks; a made-up one."""
        return f"shpss_{self.name}"

    @property
    def lingers_s(self) -> float:
        """Buyers of the last minute change their minds, too."""
        return FOLLOW_UP_S + 1

    def command(self, seed: int) -> list[str]:
        """Return what simulates the shop."""
        options = {
            "port": 0, "seed": seed, "shop": self.domain, "access-token": self.token,
            "secret": self.secret, "country": self.country, "retry-scale": RETRY_SCALE,
            "followup-s": FOLLOW_UP_S, "refunds": str(not self.returned_elsewhere).lower(),
            "taxes-included": str(not self.net).lower(),
        }  # fmt: skip
        return ["simulators", "shopify", *(f"--{name}={it}" for name, it in options.items())]

    def settings(self, url: str) -> Mapping[str, Any]:
        """Return the gateway's settings of the shop."""
        shop = {
            "domain": self.domain, "secrets": [self.secret], "legal_entity": self.legal_entity,
            "country": self.country, "since": "2020-01-01T00:00:00Z",
            "goods_back": "elsewhere" if self.returned_elsewhere else "credited",
            "poll": {"access_token": self.token, "url": url, "poll_s": POLL_S},
        }  # fmt: skip
        return {"scopes": ["read"], "shopify": shop}

    def open(self, url: str, at: Gateway, rate_per_s: float) -> None:
        """Subscribe the gateway, break some webhooks, and let buyers come."""
        with Web(url, {"X-Shopify-Access-Token": self.token}) as shop:
            address = f"{at.url}/v1/hooks/shopify/{self.name}"
            for topic in TOPICS:
                hook = {"webhook": {"topic": topic, "address": address, "format": "json"}}
                shop.call("POST", f"{API}/webhooks.json", hook)
            for fault, more in FAULTS:
                shop.call("PUT", f"/control/faults/{fault}", more)
            shop.call("PUT", "/control/settings", {"orders_per_s": rate_per_s})

    def close(self, url: str) -> None:
        """Let no more buyers come; webhooks are whole again."""
        with Web(url) as shop:
            shop.call("PUT", "/control/settings", {"orders_per_s": 0})
            shop.call("DELETE", "/control/faults")

    def sold(self, books: Sequence[Entry]) -> list[Sold]:
        """Return orders, pieces taken off, cancellations and refunds. A payment books nothing."""
        orders: dict[int, _Order] = {}
        found = []
        for entry in books:
            if entry["kind"] == "order":
                orders[entry["order_id"]] = _Order(self, entry)
            message = orders[entry["order_id"]].message(entry)
            if message is not None:
                found.append(Sold(message, datetime.fromisoformat(entry["at"])))
        return found


class _Order:
    """What the books say of one order so far."""

    def __init__(self, shop: Shop, entry: Entry) -> None:
        self._shop = shop
        self._entry = entry
        self._ref = str(entry["order_id"])
        #: Line number, SKU and pieces by the shop's id of the line.
        self._lines = {
            it["line_id"]: (number, str(it["sku"])) for number, it in enumerate(entry["lines"], 1)
        }
        self._left = {it["line_id"]: int(it["quantity"]) for it in entry["lines"]}
        self._reductions = 0

    def message(self, entry: Entry) -> Message | None:
        """Return what an ERP has to book of an entry, None for nothing."""
        match entry["kind"]:
            case "order":
                return self._placed()
            case "edit":
                return self._reduced(entry)
            case "cancellation":
                return self._follow_up(CANCELLATION, f"{self._ref}/cancelled", ())
            case "refund" if entry["restock"] != "cancel" and not self._shop.returned_elsewhere:
                return self._refunded(entry)
        return None

    def _placed(self) -> Message:
        entry, shop = self._entry, self._shop
        lines = tuple(
            Line(
                *self._lines[it["line_id"]],
                int(it["quantity"]),
                Decimal(it["unit_price"]) * it["quantity"] - Decimal(it["discount"]),
                Decimal(it["tax"]),
            )
            for it in entry["lines"]
        )
        return Message(
            process=ORDER,
            channel=shop.name,
            object_key=order_key(shop.name, self._ref),
            object_reference=self._ref,
            reference=self._ref,
            legal_entity=shop.legal_entity,
            currency=entry["currency"],
            lines=lines,
            total=Decimal(entry["total"]),
            shipping=Decimal(entry["shipping"]),
            tax=Decimal(entry["tax"]),
            facts={
                "channel": shop.name,
                "legal_entity": shop.legal_entity,
                "country": entry["country"],
                "customer_ref": str(FIRST_CUSTOMER + entry["customer"]),
                "order_ref": self._ref,
            },
        )

    def _reduced(self, entry: Entry) -> Message:
        line_id, left = entry["line_id"], int(entry["quantity"])
        gone, self._left[line_id] = self._left[line_id] - left, left
        self._reductions += 1
        line = Line(*self._lines[line_id], gone, None)
        return self._follow_up(CANCELLATION, f"{self._ref}/reduced-{self._reductions}", [line])

    def _refunded(self, entry: Entry) -> Message:
        """An ERP's credit includes tax, whether or not the shop's prices do."""
        beside = not entry["taxes_included"]
        lines = []
        for it in entry["lines"]:
            tax = Decimal(it["tax"])
            amount = Decimal(it["amount"]) + (tax if beside else 0)
            lines.append(Line(*self._lines[it["line_id"]], int(it["quantity"]), amount, tax))
        shipping, tax = Decimal(entry["shipping"]), Decimal(entry["shipping_tax"])
        message = self._follow_up(
            RETURN, str(entry["refund_id"]), lines,
            Decimal(entry["total"]), shipping + (tax if beside else 0),
        )  # fmt: skip
        return replace(message, tax=sum((line.tax or Decimal(0) for line in lines), tax))

    def _follow_up(
        self, process: str, reference: str, lines: Iterable[Line],
        total: Decimal | None = None, shipping: Decimal = Decimal(0),
    ) -> Message:  # fmt: skip
        return Message(
            process=process,
            channel=self._shop.name,
            object_key=order_key(self._shop.name, self._ref),
            object_reference=self._ref,
            reference=reference,
            legal_entity=self._shop.legal_entity,
            currency=self._entry["currency"],
            lines=tuple(lines),
            total=total,
            shipping=shipping,
            facts={"channel": self._shop.name, "order_ref": self._ref},
        )
