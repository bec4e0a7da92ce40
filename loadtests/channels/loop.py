"""A returns platform: what buyers send back of a shop's orders comes by webhooks, or is polled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from loadtests.channels.port import Entry, Gateway, Sold
from loadtests.channels.shopify import Shop
from loadtests.channels.web import Web
from loadtests.messages import RETURN, Line, Message, order_key

#: Of all webhooks, what happens to some; returns they miss are found by the poll.
FAULTS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("missing_webhook", {"probability": 0.15}),
    ("duplicate_webhook", {"probability": 0.3}),
    ("disordered_webhook", {"probability": 0.2, "delay_ms": 1500}),
    ("wrong_signature", {"probability": 0.1}),
    ("empty_payload", {"probability": 0.1}),
    ("schema_surprise", {"probability": 0.1, "mode": "unknown_field"}),
)
#: A buyer is paid, and a return is closed, so long after what was before at the latest.
FOLLOW_UP_S = 4
RETRY_S, ATTEMPTS, POLL_S = 0.5, 100, 2


@dataclass(frozen=True, slots=True)
class Returns:
    """A simulated returns platform of one shop, which pays its buyers through that shop."""

    name: str
    shop: Shop

    @property
    def lingers_s(self) -> float:
        """A return that was asked for last is still to be paid and closed."""
        return 2.0 * FOLLOW_UP_S + 2

    @property
    def secret(self) -> str:
        """Signs the webhooks; a made-up one."""
        return f"loop_{self.name}"

    @property
    def api_key(self) -> str:
        """Opens the platform's API; a made-up one."""
        return f"loop_api_{self.name}"

    def command(self, seed: int) -> list[str]:
        """Return what simulates the platform."""
        options = {
            "port": 0, "seed": seed, "secret": self.secret, "api-key": self.api_key,
            "shop-token": self.shop.token,
            "followup-s": FOLLOW_UP_S, "retry-s": RETRY_S, "attempts": ATTEMPTS,
        }  # fmt: skip
        return ["simulators", "loop", *(f"--{name}={it}" for name, it in options.items())]

    def settings(self, url: str) -> Mapping[str, Any]:
        """Return the gateway's settings of the platform."""
        loop = {
            "poll": {
                "api_key": self.api_key,
                "since": "2020-01-01T00:00:00Z",
                "url": url,
                "poll_s": POLL_S,
            },
            "secrets": [self.secret],
            "legal_entity": self.shop.legal_entity,
            "order_channel": self.shop.name,
        }
        return {"scopes": ["read"], "loop": loop}

    def open(self, url: str, at: Gateway, rate_per_s: float) -> None:
        """Tell it where shop and gateway are, break some webhooks, and let buyers come."""
        with Web(url) as platform:
            for fault, more in FAULTS:
                platform.call("PUT", f"/control/faults/{fault}", more)
            hook = f"{at.url}/v1/hooks/loop/{self.name}"
            settings = {"hook": hook, "shop": at.others[self.shop.name]}
            platform.call("PUT", "/control/settings", settings | {"returns_per_s": rate_per_s})

    def close(self, url: str) -> None:
        """Let no more buyers come; webhooks are whole again."""
        with Web(url) as platform:
            platform.call("PUT", "/control/settings", {"returns_per_s": 0})
            platform.call("DELETE", "/control/faults")

    def sold(self, books: Sequence[Entry]) -> list[Sold]:
        """Return a credit for each return from when it was paid or closed, whichever was first."""
        asked = {it["return_id"]: it for it in books if it["kind"] == "return"}
        answers: dict[str, Entry] = {}
        due: dict[str, Entry] = {}
        for entry in books:
            if entry["kind"] == "answer":
                answers.setdefault(entry["return_id"], entry)
            elif entry["kind"] in ("payout", "closed"):
                due.setdefault(entry["return_id"], entry)
        return [self._credit(asked[name], entry, answers.get(name)) for name, entry in due.items()]

    def _credit(self, asked: Entry, due: Entry, answer: Entry | None) -> Sold:
        order_ref, at = str(asked["order_id"]), datetime.fromisoformat(due["at"])
        lines = _lines(asked["rows"])
        message = Message(
            process=RETURN,
            channel=self.name,
            object_key=order_key(self.shop.name, order_ref),
            object_reference=order_ref,
            reference=str(asked["return_id"]),
            legal_entity=self.shop.legal_entity,
            currency="EUR",
            lines=lines,
            total=sum((it.amount or Decimal(0) for it in lines), -Decimal(asked["fee"])),
            tax=sum((it.tax or Decimal(0) for it in lines), Decimal(0)),
            facts={"channel": self.name, "order_ref": order_ref},
        )
        if answer is None:
            return Sold(message, at)
        return Sold(message, at, answer["transaction_id"], datetime.fromisoformat(answer["at"]))


def _lines(rows: Sequence[Mapping[str, str]]) -> tuple[Line, ...]:
    """Pieces by line. The shop numbers an order's lines from 0 in the last digits of their ids."""
    pieces: Counter[str] = Counter()
    worth: dict[str, Decimal] = {}
    taxes: dict[str, Decimal] = {}
    skus: dict[str, str] = {}
    for row in rows:
        line = row["provider_line_item_id"]
        pieces[line] += 1
        worth[line] = worth.get(line, Decimal(0)) + Decimal(row["refund"])
        taxes[line] = taxes.get(line, Decimal(0)) + Decimal(row["tax"])
        skus[line] = row["sku"]
    return tuple(
        Line(int(line) % 100 + 1, skus[line], count, worth[line], taxes[line])
        for line, count in pieces.items()
    )
