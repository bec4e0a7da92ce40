"""What happens to orders later: cancellations (whole or in part) and returns.

An order gets at most one cancellation and one return, of different lines, so that no ERP has a
business reason to refuse either. Follow-ups are made only for acknowledged orders.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from random import Random

from loadtests import messages, money
from loadtests.baskets import CURRENCY, Now
from loadtests.messages import Line, Message, Request

#: Orders kept for follow-ups, per channel. Beyond it chance decides which one is forgotten.
POOL_MAX = 5000

CANCEL_REASONS = ("customer", "payment", "address")
RETURN_REASONS = ("too small", "too large", "changed my mind", "faulty")


@dataclass(slots=True)
class OpenOrder:
    """An acknowledged order and what may still happen to it; ``left`` are its untouched lines."""

    message: Message
    left: list[Line] = field(default_factory=list)
    cancelled: bool = False
    returned: bool = False

    @classmethod
    def of(cls, message: Message) -> OpenOrder:
        """An order nothing has happened to yet."""
        return cls(message, list(message.lines))

    @property
    def spent(self) -> bool:
        """Whether no further follow-up is possible."""
        return not self.left or (self.cancelled and self.returned)


class OrderPool:
    """Acknowledged orders of one channel, waiting for follow-ups.

    An order is out of the pool while a follow-up of it is under way.
    """

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._orders: list[OpenOrder] = []

    def add(self, order: OpenOrder) -> None:
        """Put an order in, or back; spent ones are dropped."""
        if order.spent:
            return
        if len(self._orders) >= POOL_MAX:
            self._orders.pop(self._chance.randrange(len(self._orders)))
        self._orders.append(order)

    def to_cancel(self) -> OpenOrder | None:
        """Take an order that was not cancelled yet, a recent one by preference; None if none."""
        # Orders ship soon after booking: half of the customers change their mind at once.
        recent = self._chance.random() < 0.5
        places = [n for n, order in enumerate(self._orders) if not order.cancelled]
        return self._take(places[-8:] if recent else places)

    def to_return(self) -> OpenOrder | None:
        """Take an order nothing of which was returned yet; None if there is none."""
        places = [n for n, order in enumerate(self._orders) if not order.returned]
        return self._take(places)

    def _take(self, places: list[int]) -> OpenOrder | None:
        return self._orders.pop(self._chance.choice(places)) if places else None


@dataclass(frozen=True, slots=True)
class OldOrders:
    """Orders the ERPs held before the gateway came: ``OLD-L-00001`` …, ``OLD-C-00001`` ….

    ``count_each`` per ERP; both simulators seed them with one line each, web shop, NL01.
    """

    count_each: int
    channel: str = "webshop"
    legal_entity: str = "NL01"

    def references(self) -> Iterator[str]:
        """Every reference once, the two ERPs in turn."""
        for number in range(1, self.count_each + 1):
            yield f"OLD-L-{number:05}"
            yield f"OLD-C-{number:05}"


class FollowUps:
    """Cancellations and returns as one channel sends them, each with its own reference."""

    def __init__(self, channel: str, prefix: str, chance: Random, now: Now) -> None:
        self._channel = channel
        self._prefix = prefix
        self._chance = chance
        self._now = now
        self._numbers = count(1)

    def cancellation(self, order: OpenOrder, request_id: str) -> Request:
        """Cancel ``order``: all of it, or some pieces of some of its lines."""
        untouched = order.left == list(order.message.lines)
        whole = untouched and self._chance.random() < 0.5
        lines = () if whole else self._some(order.left)
        order.cancelled = True
        order.left = [] if whole else _without(order.left, lines)
        return self._cancellation(order.message, lines, request_id)

    def cancellation_of_old(self, order_ref: str, old: OldOrders, request_id: str) -> Request:
        """Cancel a seeded order altogether."""
        return self._cancellation(_stand_in(order_ref, old), (), request_id)

    def credit(self, order: OpenOrder, request_id: str) -> Request:
        """Return some pieces of some lines of ``order`` that were not cancelled."""
        lines = tuple(_refunded(line, order.message) for line in self._some(order.left))
        order.returned = True
        order.left = _without(order.left, lines)
        return self._return(order.message, lines, request_id)

    def credit_of_old(self, order_ref: str, old: OldOrders, line: Line, request_id: str) -> Request:
        """Return ``line`` of a seeded order."""
        return self._return(_stand_in(order_ref, old), (line,), request_id)

    def _some(self, left: list[Line]) -> tuple[Line, ...]:
        chosen = self._chance.sample(left, self._chance.randint(1, len(left)))
        return tuple(
            Line(line.line, line.sku, self._chance.randint(1, line.quantity), None)
            for line in sorted(chosen, key=lambda line: line.line)
        )

    def _next(self, letter: str) -> str:
        return f"{letter}-{self._prefix}-{next(self._numbers):05}"

    def _message(
        self, order: Message, process: str, lines: tuple[Line, ...], reference: str
    ) -> Message:
        amounts = [line.amount for line in lines if line.amount is not None]
        taxes = [line.tax for line in lines if line.tax is not None]
        return Message(
            process=process,
            channel=self._channel,
            object_key=order.object_key,
            object_reference=order.reference,
            reference=reference,
            legal_entity=order.legal_entity,
            currency=order.currency,
            lines=lines,
            total=sum(amounts, Decimal(0)) if process == messages.RETURN else None,
            tax=sum(taxes, Decimal(0)) if taxes else None,
            key=f"key-{reference}" if self._chance.random() < 0.5 else "",
            facts={"channel": order.channel, "legal_entity": order.legal_entity},
        )

    def _cancellation(self, order: Message, lines: tuple[Line, ...], request_id: str) -> Request:
        reference = self._next("X")
        message = self._message(order, messages.CANCELLATION, lines, reference)
        body: dict[str, object] = {
            "cancellation_ref": reference,
            "reason": self._chance.choice(CANCEL_REASONS),
        }
        if lines:
            body["lines"] = [{"line": line.line, "quantity": line.quantity} for line in lines]
        path = f"/v1/orders/{order.reference}/cancellations"
        return messages.write(message, request_id, path, body)

    def _return(self, order: Message, lines: tuple[Line, ...], request_id: str) -> Request:
        reference = self._next("R")
        message = self._message(order, messages.RETURN, lines, reference)
        body: dict[str, object] = {
            "return_ref": reference,
            "order_ref": order.reference,
            "legal_entity": order.legal_entity,
            "returned_at": self._now().isoformat(timespec="seconds"),
            "currency": order.currency,
            "reason": self._chance.choice(RETURN_REASONS),
            # Half of the callers leave the tax to be worked out.
            "lines": [_return_line(line, states_tax=reference[-1] in "13579") for line in lines],
            "total": money.text(message.total or Decimal(0)),
        }
        if order.channel != self._channel:
            body["order_channel"] = order.channel
        return messages.write(message, request_id, "/v1/returns", body)


def _return_line(line: Line, *, states_tax: bool) -> dict[str, object]:
    refund = money.text(line.amount or Decimal(0))
    tax = {"tax": money.text(line.tax)} if states_tax and line.tax is not None else {}
    return {"line": line.line, "sku": line.sku, "quantity": line.quantity, "refund": refund} | tax


def _refunded(part: Line, order: Message) -> Line:
    bought = next(line for line in order.lines if line.line == part.line)
    amount = bought.amount or Decimal(0)
    refund = money.share_of(amount, part.quantity, bought.quantity)
    tax = money.tax_of(refund, amount, bought.tax or Decimal(0))
    return Line(part.line, part.sku, part.quantity, refund, tax)


def _without(left: list[Line], lines: tuple[Line, ...]) -> list[Line]:
    touched = {line.line for line in lines}
    return [line for line in left if line.line not in touched]


def _stand_in(order_ref: str, old: OldOrders) -> Message:
    return Message(
        process=messages.ORDER,
        channel=old.channel,
        object_key=messages.order_key(old.channel, order_ref),
        object_reference=order_ref,
        reference=order_ref,
        legal_entity=old.legal_entity,
        currency=CURRENCY,
        lines=(),
        total=None,
    )
