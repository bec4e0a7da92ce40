"""A simulated marketplace on a free port, in a thread of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from simulators.amazon.options import MarketOptions
from simulators.amazon.site import amazon_market
from tests.unit.simulators.serving import HTTP, eventually, served

QUICK: dict[str, Any] = {
    "latency_ms_min": 0.0, "latency_ms_max": 0.0, "pending_s": 0.0, "ship_after_s": 3600.0,
    "search_lag_s": 0.0, "rate_scale": 100_000.0,
}  # fmt: skip


@dataclass
class RunningMarket:
    """A marketplace that serves, and what tests ask of it."""

    url: str
    options: MarketOptions

    def place(
        self, sku: str = "TEE-BLK-M", quantity: int = 2, *, paid: bool = True, **asked: object
    ) -> dict[str, Any]:
        """Let somebody order, and wait for the payment if it comes at once."""
        body = {"lines": {sku: quantity}, **asked}
        answer = HTTP.post(f"{self.url}/control/orders", json=body).raise_for_status()
        order: dict[str, Any] = answer.json()["orders"][0]
        if paid and not self.options.pending_s:
            eventually(
                lambda: any(it["order_id"] == order["id"] for it in self.books("authorised"))
            )
        return order

    def crowd(self, count: int) -> None:
        """Let many order."""
        HTTP.post(f"{self.url}/control/orders", json={"count": count}).raise_for_status()

    def act(self, order_id: str, what: str, **asked: object) -> None:
        """Let something happen to an order."""
        HTTP.post(f"{self.url}/control/orders/{order_id}/{what}", json=asked).raise_for_status()

    def settle(self) -> dict[str, str]:
        """End the settlement period."""
        made: dict[str, str] = HTTP.post(f"{self.url}/control/settlements").json()
        return made

    def set(self, **values: object) -> None:
        """Change settings."""
        HTTP.put(f"{self.url}/control/settings", json=values).raise_for_status()

    def fault(self, name: str, **asked: object) -> None:
        """Switch a fault on."""
        HTTP.put(f"{self.url}/control/faults/{name}", json=asked).raise_for_status()

    def heal(self) -> None:
        """Switch all faults off."""
        HTTP.delete(f"{self.url}/control/faults").raise_for_status()

    def books(self, kind: str = "") -> list[dict[str, Any]]:
        """Read the books."""
        entries = HTTP.get(f"{self.url}/control/books").raise_for_status().json()["documents"]
        return [it for it in entries if kind in ("", it["kind"])]

    def counters(self) -> dict[str, int]:
        """Read the counters."""
        found: dict[str, int] = HTTP.get(f"{self.url}/control/counters").json()
        return found


@contextmanager
def market(**options: Any) -> Iterator[RunningMarket]:
    """Run a marketplace for as long as the block lasts."""
    wanted = MarketOptions(**{**QUICK, **options})
    with served(lambda: amazon_market(wanted)) as url:
        yield RunningMarket(url, wanted)
