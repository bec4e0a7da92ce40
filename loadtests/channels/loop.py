"""A returns platform: what buyers send back of a shop's orders comes by webhooks, or is polled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from loadtests.channels.port import Entry, Gateway, Sold
from loadtests.channels.shopify import Shop
from loadtests.channels.web import Web
from loadtests.goods import expected_lines, received_lines
from loadtests.messages import AUTHORISATION, RECEIPT, RETURN, Line, Message, order_key

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
#: What is subscribed: goods are received by requests to restock, or once a return is closed.
TOPICS = "return,restock,label"
_WHAT = {AUTHORISATION: "authorisation", RECEIPT: "receipt", RETURN: "return"}
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
            settings = {"hook": hook, "shop": at.others[self.shop.name], "topics": TOPICS}
            platform.call("PUT", "/control/settings", settings | {"returns_per_s": rate_per_s})

    def close(self, url: str) -> None:
        """Let no more buyers come; webhooks are whole again."""
        with Web(url) as platform:
            platform.call("PUT", "/control/settings", {"returns_per_s": 0})
            platform.call("DELETE", "/control/faults")

    def sold(self, books: Sequence[Entry]) -> list[Sold]:
        """Return all steps of each return: expected when it was asked for, received when closed.

        It is credited from when it was paid or closed, whichever was first. What was given up may
        never have been heard of.
        """
        found = []
        returns = {it["return_id"]: it for it in books if it["kind"] == "return"}
        for name, asked in returns.items():
            mine = [it for it in books if it.get("return_id") == name]
            answers = {(it["what"], it["reference"]): it for it in reversed(mine)
                       if it["kind"] == "answer"}  # fmt: skip
            for message, at in self._steps(name, asked, mine):
                answer = answers.get((_WHAT[message.process], message.reference))
                if answer is None or message.optional:  # which of two was taken its document says
                    found.append(Sold(message, at))
                    continue
                told = datetime.fromisoformat(answer["at"])
                found.append(Sold(message, at, answer["transaction_id"], told))
        return sorted(found, key=lambda it: it.at)

    def _steps(
        self, name: str, asked: Entry, mine: Sequence[Entry]
    ) -> Iterator[tuple[Message, datetime]]:
        first = {it["kind"]: it for it in reversed(mine)}
        gone = first.get("cancelled") or first.get("expired")
        expected = self._message(
            AUTHORISATION, name, asked, expected_lines(asked["rows"]),
            return_reference=name, optional=gone is not None,
        )  # fmt: skip
        yield expected, _at(asked)
        if gone is not None:
            withdrawn = replace(expected, reference=f"{name}-2", lines=(), withdrawn=True)
            yield withdrawn, _at(gone)
        if "closed" in first:
            for n, lines in enumerate(received_lines(first["closed"]["rows"]), 1):
                came = self._message(RECEIPT, f"{name}-{n}", asked, lines, return_reference=name)
                yield came, _at(first["closed"])
        if due := min((first[it] for it in ("payout", "closed") if it in first),
                      key=_at, default=None):  # fmt: skip
            lines = _lines(asked["rows"])
            total = sum((it.amount or Decimal(0) for it in lines), -Decimal(asked["fee"]))
            tax = sum((it.tax or Decimal(0) for it in lines), Decimal(0))
            yield self._message(RETURN, name, asked, lines, total=total, tax=tax), _at(due)

    def _message(
        self, process: str, reference: str, asked: Entry, lines: tuple[Line, ...],
        total: Decimal | None = None, **more: Any,
    ) -> Message:  # fmt: skip
        order_ref = str(asked["order_id"])
        return Message(
            process=process,
            channel=self.name,
            object_key=order_key(self.shop.name, order_ref),
            object_reference=order_ref,
            reference=reference,
            legal_entity=self.shop.legal_entity,
            currency="EUR",
            lines=lines,
            total=total,
            facts={"channel": self.name, "order_ref": order_ref},
            **more,
        )


def _at(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["at"])


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
        Line(int(line) % 100 + 1, skus[line], count, worth[line], taxes[line], restock=False)
        for line, count in pieces.items()
    )
