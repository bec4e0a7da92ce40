"""The POS estate: micro-batches of receipts, with what a real estate does to them.

Registers number their receipts. Connections drop, so batches hold receipts twice, in disorder, and
of business days long closed: a store that was offline sends yesterday's sales today.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from loadtests import messages, money
from loadtests.baskets import CURRENCY, Now, fill
from loadtests.messages import Line, Message, Request
from loadtests.scenario import PosPlan
from loadtests.templates import Fixtures, Store

#: Acknowledged receipts a store remembers, to send again by mistake.
REMEMBERED = 50
#: How many days before the first business day of the run an offline store may go back.
OFFLINE_DAYS = 3


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt: its JSON, and the message the books should show."""

    body: dict[str, Any]
    message: Message


@dataclass(slots=True)
class _Till:
    """What one store remembers between batches."""

    sequence: dict[str, int]
    held_back: list[Receipt] = field(default_factory=list)
    sent: deque[Receipt] = field(default_factory=lambda: deque(maxlen=REMEMBERED))


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """The run is cut into ``number`` equal business days, of which ``last`` is the last."""

    last: date
    number: int

    def at(self, progress: float) -> date:
        """The business day at ``progress`` (0 … 1) of the run."""
        index = min(int(progress * self.number), self.number - 1)
        return self.last - timedelta(days=self.number - 1 - max(index, 0))

    @property
    def first(self) -> date:
        """The business day the run begins on."""
        return self.at(0)


class PosEstate:
    """All stores; ``sequence_base`` keeps the receipt numbers of two runs apart."""

    def __init__(
        self,
        fixtures: Fixtures,
        plan: PosPlan,
        days: BusinessDays,
        chance: Random,
        now: Now,
        sequence_base: int = 0,
    ) -> None:
        self._fixtures = fixtures
        self._plan = plan
        self._days = days
        self._chance = chance
        self._now = now
        self._tills = {
            name: _Till(dict.fromkeys(store.registers, sequence_base))
            for name, store in fixtures.pos.stores.items()
        }
        self._under_way: dict[str, list[tuple[str, Receipt]]] = {}

    def batch(self, request_id: str, progress: float) -> Request:
        """The next batch, of a store by chance, at ``progress`` (0 … 1) of the run."""
        name = self._chance.choice(list(self._tills))
        till = self._tills[name]
        today = self._days.at(progress)
        late = self._happens(self._plan.late_percent)
        day = self._earlier(today) if late else today
        size = self._chance.randint(1, self._plan.batch_max)
        receipts = [self._receipt(name, till, day) for _ in range(size)]
        receipts += self._disordered(till, receipts)
        if self._happens(self._plan.duplicate_percent):
            receipts.append(self._duplicate(till, receipts))
        self._under_way[request_id] = [(name, receipt) for receipt in receipts]
        return self._request(request_id, name, receipts)

    def concluded(self, request_id: str, accepted: set[str]) -> None:
        """A batch was answered: its ``accepted`` references may be sent again by mistake."""
        for name, receipt in self._under_way.pop(request_id):
            if receipt.message.reference in accepted and not receipt.message.repeat:
                self._tills[name].sent.append(receipt)

    def _happens(self, percent: float) -> bool:
        return self._chance.random() * 100 < percent

    def _earlier(self, today: date) -> date:
        first = self._days.first
        if today > first and self._chance.random() < 0.7:
            return today - timedelta(days=self._chance.randint(1, (today - first).days))
        return first - timedelta(days=self._chance.randint(1, OFFLINE_DAYS))

    def _disordered(self, till: _Till, receipts: list[Receipt]) -> list[Receipt]:
        """Release what was held back, hold back one of the new ones or shuffle them, by chance."""
        released, till.held_back = till.held_back, []
        if self._happens(self._plan.disorder_percent):
            if len(receipts) > 1:
                till.held_back = [receipts.pop(0)]
            self._chance.shuffle(receipts)
        return released

    def _duplicate(self, till: _Till, receipts: list[Receipt]) -> Receipt:
        """A receipt acknowledged before, or else one that is in the same batch."""
        original = self._chance.choice(list(till.sent) or receipts)
        return Receipt(original.body, replace(original.message, repeat=True))

    def _request(self, request_id: str, store: str, receipts: list[Receipt]) -> Request:
        body = {"store": store, "transactions": [receipt.body for receipt in receipts]}
        return Request(
            id=request_id,
            process=messages.SALE,
            channel=self._fixtures.pos.channel,
            method="POST",
            path="/v1/store-sales",
            body=messages.encode(body),
            messages=tuple(receipt.message for receipt in receipts),
        )

    def _receipt(self, name: str, till: _Till, day: date) -> Receipt:
        store = self._fixtures.pos.stores[name]
        register = self._chance.choice(store.registers)
        till.sequence[register] += 1
        template = self._chance.choice(self._fixtures.pos.templates)
        lines = fill(template, self._fixtures.prices, store.country, self._chance)
        total = sum((line.amount for line in lines), Decimal(0))
        body = {
            "register": register,
            "sequence": till.sequence[register],
            "business_date": day.isoformat(),
            "sold_at": self._sold_at(day).isoformat(timespec="seconds"),
            "currency": CURRENCY,
            "lines": [line.as_json() for line in lines],
            "tenders": self._tenders(total),
            "total": money.text(total),
        }
        booked = tuple(line.as_line() for line in lines)
        return Receipt(body, self._message(name, store, body, booked))

    def _message(
        self, name: str, store: Store, body: dict[str, Any], lines: tuple[Line, ...]
    ) -> Message:
        day = body["business_date"]
        reference = f"{name}/{day}/{body['register']}/{body['sequence']}"
        return Message(
            process=messages.SALE,
            channel=self._fixtures.pos.channel,
            object_key=messages.store_day_key(name, day),
            object_reference=reference,
            reference=reference,
            legal_entity=store.legal_entity,
            currency=CURRENCY,
            lines=lines,
            total=Decimal(body["total"]),
            tax=sum((line.tax or Decimal(0) for line in lines), Decimal(0)),
            facts={
                "channel": self._fixtures.pos.channel,
                "legal_entity": store.legal_entity,
                "country": store.country,
                "store": name,
                "business_date": day,
            },
        )

    def _sold_at(self, day: date) -> datetime:
        now = self._now()
        if day >= now.date():
            return now
        minutes = self._chance.randrange(9 * 60, 18 * 60)
        return datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=UTC)

    def _tenders(self, total: Decimal) -> list[dict[str, str]]:
        kind = self._chance.choice(self._fixtures.pos.tenders)
        if kind != "voucher" or total <= 10:
            return [{"type": "cash" if kind == "voucher" else kind, "amount": money.text(total)}]
        rest = money.text(total - 10)
        return [{"type": "voucher", "amount": "10.00"}, {"type": "card", "amount": rest}]
