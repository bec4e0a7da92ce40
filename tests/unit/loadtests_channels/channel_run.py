"""A made-up run of every simulated channel, with a flip in its middle: journal, events and books.

What became of it is asked of a gateway over HTTP, as in the demo; which ERP has to have what is
written out by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from loadtests.audit import Evidence, audit
from loadtests.books import KINDS, BookedLine, Document, Erp
from loadtests.channels.answers import Answers, Clocks
from loadtests.channels.port import Gateway, Sold
from loadtests.events import Apply, Events
from loadtests.findings import Report
from loadtests.journal import End, Journal, MessageEntry, Run
from loadtests.messages import (
    AUTHORISATION,
    CANCELLATION,
    GOODS,
    ORDER,
    RECEIPT,
    RETURN,
    SALE,
    Line,
    Message,
    order_key,
    store_day_key,
)
from tests.serving import Asked, served

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
CLOCKS = Clocks(AT + timedelta(seconds=100), 1100.0)
#: Sold and accepted, in s after AT: before the flip, under way during it, after it returned.
BEFORE, LATER, DURING, AFTER, LAST = (5, 6), (10, 12), (29, 33), (40, 41), (50, 52)
FLIP = (1030.0, 1032.0)
DEFAULTS = (
    {"id": "orders", "process": ORDER, "mode": "legacy"},
    {"id": "sales", "process": SALE, "mode": "legacy"},
)
WAVE = (
    *DEFAULTS,
    {"id": "web", "process": ORDER, "mode": "cloud",
     "when": {"channel": ["shop-nl", "shop-de", "amazon-de"]}},
    {"id": "store", "process": SALE, "mode": "cloud",
     "when": {"store": "NL-001", "business_date": {"from": "2026-11-21"}}},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happened:
    """A message, when it was sold and accepted, and which ERP has to have it."""

    message: Message
    when: tuple[int, int]
    erp: Erp

    @property
    def transaction_id(self) -> str:
        step = self.message.process if self.message.process in GOODS else ""
        return f"0a-{self.message.channel}-{step}{self.message.reference}"

    @property
    def sold(self) -> Sold:
        at, told = (AT + timedelta(seconds=one) for one in self.when)
        if self.message.process == SALE:  # a till is told
            return Sold(self.message, at, self.transaction_id, told)
        return Sold(self.message, at)

    @property
    def said(self) -> dict[str, str]:
        """What the gateway says of it."""
        return {
            "process": self.message.process,
            "reference": self.message.reference,
            "transaction_id": self.transaction_id,
            "accepted_at": (AT + timedelta(seconds=self.when[1])).isoformat(),
        }


def _order(channel: str, entity: str, ref: str) -> Message:
    lines = (
        Line(1, "TEE-BLK-M", 1, Decimal("19.95"), Decimal("3.46")),
        Line(2, "TEE-NVY-M", 1, Decimal("19.95"), Decimal("3.46")),
    )
    facts = {"channel": channel, "legal_entity": entity, "country": "NL", "customer_ref": ref,
             "order_ref": ref}  # fmt: skip
    return Message(
        ORDER, channel, order_key(channel, ref), ref, ref, entity, "EUR", lines,
        Decimal("44.85"), Decimal("4.95"), facts=facts, tax=Decimal("7.78"),
    )  # fmt: skip


def _follow_up(process: str, order: Message, reference: str, channel: str = "") -> Message:
    if process == RETURN:
        lines, total, tax = order.lines, Decimal("39.90"), Decimal("6.92")
    else:
        lines, total, tax = (Line(1, "TEE-BLK-M", 1, None),), None, None
    return Message(
        process, channel or order.channel, order.object_key, order.reference, reference,
        order.legal_entity, "EUR", lines, total, tax=tax,
        facts={"channel": channel or order.channel, "order_ref": order.reference},
    )  # fmt: skip


def _goods(order: Message, name: str) -> list[Message]:
    """A return's goods are expected, and come in two parts; the credit leaves them alone."""
    expected = replace(
        _follow_up(AUTHORISATION, order, name, "returns"), return_reference=name,
        lines=(Line(1, "TEE-BLK-M", 2, None),),
    )  # fmt: skip
    came = tuple(Line(1, "TEE-BLK-M", 1, None, disposition=it) for it in ("restock", "scrap"))
    received = replace(expected, process=RECEIPT, reference=f"{name}-1", lines=came)
    credit = _follow_up(RETURN, order, name, "returns")
    apart = tuple(replace(it, restock=False) for it in credit.lines)
    return [expected, received, replace(credit, lines=apart)]


def _receipt(day: str, number: int) -> Message:
    name = f"NL-001/{day}/1/{number}"
    facts = {"channel": "pos", "legal_entity": "NL01", "store": "NL-001", "business_date": day}
    lines = (
        Line(1, "TEE-BLK-M", 1, Decimal("24.95"), Decimal("4.33")),
        Line(2, "TEE-NVY-M", -1, Decimal("-5.00"), Decimal("-0.87")),
    )
    return Message(
        SALE, "pos", store_day_key("NL-001", day), name, name, "NL01", "EUR", lines,
        Decimal("19.95"), facts=facts, tax=Decimal("3.46"),
    )  # fmt: skip


def _of_shop(channel: str, entity: str, process: str) -> list[Happened]:
    """An order before the flip with what follows it after it, and an order after the flip."""
    first, second, third = (_order(channel, entity, f"{channel}-{n}") for n in (1, 2, 3))
    return [
        Happened(first, BEFORE, "legacy"),
        Happened(_follow_up(process, first, f"{first.reference}/1"), LAST, "legacy"),
        Happened(second, AFTER, "cloud"),
        Happened(_follow_up(process, second, f"{second.reference}/1"), LAST, "cloud"),
        Happened(third, DURING, "cloud"),
    ]


def _happened() -> list[Happened]:
    shop = _of_shop("shop-nl", "NL01", CANCELLATION)
    old, new = shop[0].message, shop[2].message
    return [
        *shop,
        *_of_shop("shop-de", "DE01", RETURN),
        *_of_shop("amazon-de", "DE01", CANCELLATION),
        *(Happened(it, AFTER, "legacy") for it in _goods(old, "ret-1")),
        *(Happened(it, LAST, "cloud") for it in _goods(new, "ret-2")),
        Happened(_receipt("2026-11-20", 1), BEFORE, "legacy"),
        Happened(_receipt("2026-11-20", 2), LATER, "legacy"),
        Happened(_receipt("2026-11-20", 3), AFTER, "legacy"),
        Happened(_receipt("2026-11-21", 1), AFTER, "cloud"),
        Happened(_receipt("2026-11-21", 2), LAST, "cloud"),
    ]


HAPPENED = _happened()
CHANNELS = tuple(dict.fromkeys(it.message.channel for it in HAPPENED))


def booked(happened: Happened, sequence: int, **changes: Any) -> Document:
    """The document an ERP has to have of it, or another one."""
    message = happened.message
    lines = tuple(
        BookedLine(
            it.line,
            it.sku,
            Decimal(it.quantity),
            it.amount or Decimal(0),
            it.tax,
            it.disposition,
            it.restock is not False,
        )
        for it in message.lines
    )
    values: dict[str, Any] = {
        "erp": happened.erp, "sequence": sequence, "number": f"D{sequence:04}",
        "kind": KINDS[message.process], "external_reference": f"CX-{happened.transaction_id}",
        "object_reference": message.object_reference, "legal_entity": message.legal_entity,
        "currency": message.currency, "lines": lines, "total": message.total or Decimal(0),
        "shipping": message.shipping, "tax": message.tax,
        "return_reference": message.return_reference, "withdrawn": message.withdrawn,
        "outcome": "cancelled" if message.process == CANCELLATION else None,
    }  # fmt: skip
    return Document(**(values | changes))


@contextmanager
def _gateway(known: list[Happened]) -> Iterator[str]:
    """Says of each order, to each channel, what it has taken; of others, that it knows none."""

    def answer(asked: Asked) -> tuple[int, object]:
        channel = asked.headers["authorization"].removeprefix("Bearer ")
        order = asked.path.removeprefix("/v1/orders/")
        said = [
            it.said
            for it in known
            if it.message.object_reference == order and it.message.channel == channel
        ]
        return 200 if said else 404, {"transactions": said}

    with served(answer) as url:
        yield url


def entries() -> list[MessageEntry]:
    """What every channel sold, with what the gateway says became of it."""
    found = []
    with _gateway(HAPPENED) as url:
        for channel in CHANNELS:
            answers = Answers(Gateway(url, channel))
            sold = [it.sold for it in HAPPENED if it.message.channel == channel]
            assert answers.missing(sold) == []
            found += answers.entries(sold, CLOCKS)
    return found


@dataclass
class Books:
    """What both ERPs have; to be doctored."""

    entries: list[MessageEntry]
    documents: dict[str, Document] = field(
        default_factory=lambda: {
            it.transaction_id: booked(it, number)
            for number, it in enumerate(sorted(HAPPENED, key=lambda it: it.when), 1)
        }
    )

    def audited(self) -> Report:
        """What the audit finds."""
        run = Run(1, 1, 1, "", [], "2026-11-21", 1000.0, "", 1)
        applies = [
            Apply(at_start=0.0, at_return=0.0, epoch=0, rules=DEFAULTS, kind="initial"),
            Apply(at_start=FLIP[0], at_return=FLIP[1], epoch=1, rules=WAVE, kind="apply"),
        ]
        journal = Journal(run, [], self.entries, [], End(1100.0, ""))
        documents = tuple(self.documents.values())
        return audit(Evidence(journal, Events(applies), documents))

    def failing(self) -> dict[str, int]:
        """The counters that are not 0."""
        return {kind: n for kind, n in self.audited().failures().items() if n}
