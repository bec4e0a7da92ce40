"""Stores: registers ring, stores send in batches, some without a network for a spell.

The estate's books say what each number of a register was used for, and what the gateway answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from loadtests.channels.port import Entry, Gateway, Sold
from loadtests.channels.web import Web
from loadtests.messages import SALE, Line, Message, store_day_key

#: Of all batches, what happens to some.
FAULTS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("offline_store", {"probability": 0.03, "delay_ms": 4000}),
    ("duplicate_receipt", {"probability": 0.2}),
    ("disordered_batch", {"probability": 0.3}),
    ("lost_answer", {"probability": 0.05}),
    ("lost_receipt", {"count": 3}),
)


@dataclass(frozen=True, slots=True)
class Estate:
    """The simulated stores, all as one channel. ``first_day`` is the business day it opens on."""

    name: str
    stores: Mapping[str, str]
    first_day: str

    @property
    def lingers_s(self) -> float:
        """Nothing happens to a receipt after it was rung; what is unsent is asked for."""
        return 0.0

    def command(self, seed: int) -> list[str]:
        """Return what simulates the stores. Nothing is sent before it is opened."""
        options = {
            "port": 0, "seed": seed, "stores": ",".join(self.stores),
            "business-day": self.first_day, "retry-s": 0.5, "batch": 10,
        }  # fmt: skip
        return ["simulators", "pos", *(f"--{name}={it}" for name, it in options.items())]

    def settings(self, url: str) -> Mapping[str, Any]:
        """Return the gateway's settings of the stores' channel: they call it themselves."""
        del url
        return {"scopes": ["store-sales", "read"]}

    def open(self, url: str, at: Gateway, rate_per_s: float) -> None:
        """Give registers a gateway, break some of what they send, and let customers come."""
        with Web(url) as estate:
            for fault, more in FAULTS:
                estate.call("PUT", f"/control/faults/{fault}", more)
            settings = {"gateway": at.url, "api_key": at.key, "sales_per_s": rate_per_s}
            estate.call("PUT", "/control/settings", settings)

    def close(self, url: str) -> None:
        """Let no more customers come; every store has its network."""
        with Web(url) as estate:
            estate.call("PUT", "/control/settings", {"sales_per_s": 0})
            estate.call("DELETE", "/control/faults")
            estate.call("POST", "/control/online", {"online": True})

    def cut_off(self, url: str, stores: Sequence[str]) -> None:
        """Take the network of some stores away, until they are :meth:`back`."""
        with Web(url) as estate:
            for store in stores:
                estate.call("POST", "/control/online", {"store": store, "online": False})

    def end_day(self, url: str) -> None:
        """End the business day everywhere; the next one begins."""
        with Web(url) as estate:
            estate.call("POST", "/control/end_day", {})

    def back(self, url: str) -> None:
        """Give every store its network; what was rung meanwhile is sent now."""
        with Web(url) as estate:
            estate.call("POST", "/control/online", {"online": True})

    def sold(self, books: Sequence[Entry]) -> list[Sold]:
        """Return receipts. A number that was lost in its register is a gap, and no receipt."""
        answers = {it["name"]: it for it in books if it["kind"] == "answer"}
        return [
            self._receipt(it, answers.get(it["name"]))
            for it in books
            if it["kind"] == "sale" and not it["lost"]
        ]

    def _receipt(self, entry: Entry, answer: Entry | None) -> Sold:
        name, store, day = entry["name"], entry["store"], entry["business_date"]
        entity = self.stores[store]
        lines = tuple(
            Line(
                it["line"],
                it["sku"],
                int(it["quantity"]),
                Decimal(it["amount"]),
                Decimal(it["tax"]),
            )
            for it in entry["lines"]
        )
        message = Message(
            process=SALE,
            channel=self.name,
            object_key=store_day_key(store, day),
            object_reference=name,
            reference=name,
            legal_entity=entity,
            currency=entry["currency"],
            lines=lines,
            total=Decimal(entry["total"]),
            tax=sum((Decimal(it["tax"]) for it in entry["lines"]), Decimal(0)),
            facts={
                "channel": self.name,
                "legal_entity": entity,
                "store": store,
                "business_date": day,
            },
        )
        if answer is None:
            return Sold(message, datetime.fromisoformat(entry["at"]))
        first, told = (datetime.fromisoformat(answer[name]) for name in ("first_sent_at", "at"))
        return Sold(message, first, answer["transaction_id"], told)
