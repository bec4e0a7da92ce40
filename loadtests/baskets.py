"""Orders and their lines, instantiated from templates with seeded chance.

Everything adds up to the cent: a line's amount is quantity x unit price - discount, the total the
sum of the amounts plus shipping, taxes contained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from itertools import count
from random import Random
from typing import Any

from loadtests import messages, money
from loadtests.messages import Line, Message, Request
from loadtests.templates import Fixtures, OrderTemplates, People, Prices, Template

CURRENCY = "EUR"
#: Customers of one channel and legal entity: few enough that many order twice.
CUSTOMERS = 240

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class BasketLine:
    """A line with its money; ``discount`` and ``tax`` are for the whole line."""

    line: int
    sku: str
    quantity: int
    unit_price: Decimal
    discount: Decimal
    tax_percent: Decimal

    @property
    def amount(self) -> Decimal:
        """What the line costs after discount, tax included."""
        return self.quantity * self.unit_price - self.discount

    @property
    def tax(self) -> Decimal:
        """The tax that the amount contains."""
        return money.tax_within(self.amount, self.tax_percent)

    def as_json(self) -> dict[str, Any]:
        """The line as the channel API takes it."""
        return {
            "line": self.line,
            "sku": self.sku,
            "quantity": self.quantity,
            "unit_price": money.text(self.unit_price),
            "discount": money.text(self.discount),
            "tax": money.text(self.tax),
        }

    def as_line(self) -> Line:
        """The line as the books should show it."""
        return Line(self.line, self.sku, self.quantity, self.amount, self.tax)


def run_tag(seed: int) -> str:
    """Four characters that keep the references of runs with different seeds apart."""
    return sha256(f"run={seed}".encode()).hexdigest()[:4].upper()


def fill(template: Template, prices: Prices, country: str, chance: Random) -> list[BasketLine]:
    """Pick SKU, quantity and discount of every line of ``template``."""
    lines = []
    for number, line in enumerate(template.lines, start=1):
        sku = chance.choice(line.sku)
        quantity = chance.choice(line.quantity)
        unit_price = prices.items[sku].price
        discount = money.percent_of(quantity * unit_price, chance.choice(line.discount_percent))
        rate = prices.rate_of(sku, country)
        lines.append(BasketLine(number, sku, quantity, unit_price, discount, rate))
    return lines


class Baskets:
    """New orders of one channel, each with its own reference.

    ``key_percent`` of them carry an Idempotency-Key; the others rely on their ``order_ref``.
    """

    def __init__(
        self,
        fixtures: Fixtures,
        templates: OrderTemplates,
        tag: str,
        chance: Random,
        now: Now,
        key_percent: float,
    ) -> None:
        self._fixtures = fixtures
        self._templates = templates
        self._tag = tag
        self._chance = chance
        self._now = now
        self._key_percent = key_percent
        self._numbers = count(1)

    def order(self, request_id: str) -> Request:
        """The next order."""
        order_ref = f"{self._templates.prefix}-{self._tag}-{next(self._numbers):05}"
        entity = self._chance.choice(sorted(self._templates.entities))
        country = self._templates.entities[entity]
        template = self._chance.choice(self._templates.templates)
        lines = fill(template, self._fixtures.prices, country, self._chance)
        shipping = self._shipping(sum((line.amount for line in lines), Decimal(0)))
        customer, ship_to = self._customer(entity, country)
        message = self._message(order_ref, entity, lines, shipping, customer | {"country": country})
        body = {
            "order_ref": order_ref,
            "legal_entity": entity,
            "ordered_at": self._now().isoformat(timespec="seconds"),
            "currency": CURRENCY,
            "customer": customer,
            "ship_to": ship_to,
            "tax_included": True,
            "lines": [line.as_json() for line in lines],
            "shipping": self._shipping_json(shipping, country),
            "payment": self._chance.choice(self._templates.payments).model_dump(),
            "total": money.text(message.total or Decimal(0)),
        }
        return messages.write(message, request_id, "/v1/orders", body)

    def _message(
        self,
        order_ref: str,
        entity: str,
        lines: list[BasketLine],
        shipping: Decimal,
        who: dict[str, str],
    ) -> Message:
        channel = self._templates.channel
        keyed = self._chance.random() * 100 < self._key_percent
        return Message(
            process=messages.ORDER,
            channel=channel,
            object_key=messages.order_key(channel, order_ref),
            object_reference=order_ref,
            reference=order_ref,
            legal_entity=entity,
            currency=CURRENCY,
            lines=tuple(line.as_line() for line in lines),
            total=sum((line.amount for line in lines), shipping),
            shipping=shipping,
            tax=sum((line.tax for line in lines), self._shipping_tax(shipping, who["country"])),
            key=f"key-{order_ref}" if keyed else "",
            facts={
                "channel": channel,
                "legal_entity": entity,
                "country": who["country"],
                "customer_group": who["group"],
                "customer_ref": who["ref"],
                "order_ref": order_ref,
            },
        )

    def _shipping(self, goods: Decimal) -> Decimal:
        terms = self._templates.shipping
        return Decimal(0) if goods >= terms.free_from else terms.amount

    def _shipping_json(self, amount: Decimal, country: str) -> dict[str, str]:
        tax = self._shipping_tax(amount, country)
        return {"amount": money.text(amount), "tax": money.text(tax)}

    def _shipping_tax(self, amount: Decimal, country: str) -> Decimal:
        return money.tax_within(amount, self._fixtures.prices.tax_percent[country]["standard"])

    def _customer(self, entity: str, country: str) -> tuple[dict[str, str], dict[str, str]]:
        number = self._chance.randrange(CUSTOMERS)
        # Who a customer is must not depend on the order: the same reference, the same person.
        person = Random(f"{entity}:{number}")
        people: People = self._fixtures.people[country]
        name = f"{person.choice(people.first_names)} {person.choice(people.last_names)}"
        place = person.choice(people.places)
        ref = f"C-{entity}-{number:04}"
        customer = {
            "ref": ref,
            "name": name,
            "email": f"{ref.lower()}@example.com",
            "group": person.choice(self._templates.customer_groups),
        }
        ship_to = {
            "name": name,
            "street": f"{person.choice(people.streets)} {person.randrange(1, 200)}",
            "city": place.city,
            "postal_code": place.postal_code,
            "country": country,
        }
        return customer, ship_to
