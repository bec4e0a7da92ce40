"""The trading rules both simulated ERPs share: may this document be booked, and what then.

Neither ERP is idempotent: the same reference sent twice is booked twice, as in life. That a
gateway avoids it is what audits of the books look for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random

from simulators.books import ZERO, Books, Document, Draft, Kind, Line, cents
from simulators.catalogue import COMPANIES, Item
from simulators.clock import Clock
from simulators.customers import Customers
from simulators.options import Options
from simulators.refusals import Refusal, Why
from simulators.returning import GOODS, Returned, goes_to_stock

SHIPPING_SPREAD = 0.2
"""An order ships between 0.8 and 1.2 times `ship_after_s` after it was booked."""
QUANTITY_MAX = Decimal(1_000_000)
AMOUNT_MAX = Decimal(1_000_000_000)
_OLD_ORDERS_BEGIN = datetime.fromisoformat("2026-01-05T09:00:00+00:00")


@dataclass(slots=True)
class Order:
    """The state of a booked order. `booked_s` is monotonic time, minus infinity for old ones."""

    document: Document
    booked_s: float
    ship_factor: float
    open: dict[int, Decimal] = field(default_factory=dict)
    cancelled: Decimal = ZERO
    returned: Returned = field(default_factory=Returned)

    def shipped(self, now_s: float, ship_after_s: float) -> bool:
        """Whether the goods have left; what the channel sends never leaves from here."""
        if self.document.by_channel:
            return False
        return now_s >= self.booked_s + ship_after_s * self.ship_factor


class Trade:
    """Stock, orders and books of one simulated ERP."""

    def __init__(
        self,
        *,
        items: dict[str, Item],
        clock: Clock,
        options: Callable[[], Options],
        number: Callable[[Kind], str],
        chance: Random,
        customers: Customers,
    ) -> None:
        self.items = items
        self.customers = customers
        self.books = Books()
        self._clock = clock
        self._options = options
        self._number = number
        self._chance = chance
        self._orders: dict[str, list[Order]] = {}
        self._stock = {
            (company, sku): item.stock for company in COMPANIES for sku, item in items.items()
        }

    # ------------------------------------------------------------------ enquiries

    def stock(self, company: str, sku: str) -> Decimal:
        """What is left, in the item's unit; below zero once more was sold than was there."""
        if company not in COMPANIES:
            raise Refusal(Why.UNKNOWN_COMPANY, company=company)
        return self._stock[company, self.item(sku).sku]

    def item(self, sku: str, line: int = 0) -> Item:
        """The article. Raises `Refusal` for an unknown SKU."""
        try:
            return self.items[sku]
        except KeyError:
            raise Refusal(Why.UNKNOWN_ITEM, sku=sku, line=line) from None

    def create_item(self, sku: str, like: str) -> Item:
        """Maintain an article that is in all but its number like another one.

        Raises `Refusal` for an unknown model. One that is there already stays as it is.
        """
        item = self.items.setdefault(sku, replace(self.item(like), sku=sku))
        for company in COMPANIES:
            self._stock.setdefault((company, sku), item.stock)
        return item

    # ------------------------------------------------------------------ booking

    def check(self, draft: Draft) -> None:
        """Raise `Refusal` if the document may not be booked now; change nothing."""
        order = self._order_of(draft)
        company = COMPANIES.get(
            draft.legal_entity or (order.document.legal_entity if order else "")
        )
        if company is None:
            raise Refusal(Why.UNKNOWN_COMPANY, company=draft.legal_entity)
        if draft.currency and draft.currency != company.currency:
            raise Refusal(Why.UNKNOWN_CURRENCY, currency=draft.currency, company=company.code)
        self._check_customer(draft)
        self._check_period(draft)
        self._check_lines(draft, order)
        if order is not None and draft.kind in GOODS:
            order.returned.check(draft, order.open)
        for what, stated, computed in draft.stated:
            if stated != computed:
                raise Refusal(Why.CONTROL_TOTAL, what=what, stated=stated, computed=computed)

    def book(self, draft: Draft) -> Document:
        """Check, then book: stock moves, the books grow. Raises `Refusal`, changing nothing."""
        self.check(draft)
        order = self._order_of(draft)
        outcome = None
        if order is not None:
            draft = replace(
                draft,
                legal_entity=draft.legal_entity or order.document.legal_entity,
                currency=draft.currency or order.document.currency,
            )
            if draft.kind is Kind.CANCELLATION:
                draft, outcome = self._cancelled(order, draft)
            elif draft.kind in (*GOODS, Kind.RETURN):
                order.returned.book(draft)
        draft = replace(draft, currency=draft.currency or COMPANIES[draft.legal_entity].currency)
        document = self._document(draft, self.books.last_sequence + 1, self._clock.now(), outcome)
        self.books.add(document)
        self._move_stock(document)
        if document.kind is Kind.ORDER:
            self._remember(document, self._clock.monotonic_s())
        return document

    def seed_old_orders(self, how_many: int, letter: str, chance: Random) -> list[Document]:
        """Add orders that were there before: OLD-L-00001 and so on, one line each, long shipped.

        They have sequences up to 0, no external reference, and do not touch the stock.
        """
        skus = list(self.items)
        for place in range(1, how_many + 1):
            item = self.items[chance.choice(skus)]
            quantity = Decimal(chance.randint(1, 3))
            draft = Draft(
                kind=Kind.ORDER,
                external_reference="",
                object_reference=f"OLD-{letter}-{place:05d}",
                legal_entity="NL01",
                currency="EUR",
                lines=(Line(1, item.sku, quantity, item.price, cents(quantity * item.price)),),
            )
            booked_at = _OLD_ORDERS_BEGIN + timedelta(minutes=chance.randint(0, 200_000))
            document = self._document(draft, place - how_many, booked_at, None)
            self.books.seeded.append(document)
            self._remember(document, float("-inf"))
        return self.books.seeded

    # ------------------------------------------------------------------ inside

    def _document(
        self, draft: Draft, sequence: int, booked_at: datetime, outcome: str | None
    ) -> Document:
        return Document(
            sequence=sequence,
            number=self._number(draft.kind),
            kind=draft.kind,
            external_reference=draft.external_reference,
            object_reference=draft.object_reference,
            channel=draft.channel,
            legal_entity=draft.legal_entity,
            currency=draft.currency,
            lines=draft.lines,
            shipping=draft.shipping,
            tax=draft.tax,
            total=draft.total,
            booked_at=booked_at,
            outcome=outcome,
            by_channel=draft.by_channel,
            told_tax=draft.told_tax,
            return_reference=draft.return_reference,
            withdrawn=draft.withdrawn,
            location=draft.location,
        )

    def _remember(self, document: Document, booked_s: float) -> None:
        factor = 1 + SHIPPING_SPREAD * self._chance.uniform(-1, 1)
        order = Order(document, booked_s, factor)
        order.open = {line.line: line.quantity for line in document.lines}
        self._orders.setdefault(document.object_reference, []).append(order)

    def _order_of(self, draft: Draft) -> Order | None:
        """The first order booked under the reference a follow-up names, None if it is none.

        A follow-up that names its company finds only that company's orders, and one that names its
        channel only that channel's, or such as were entered without.
        """
        if draft.kind not in (Kind.CANCELLATION, Kind.RETURN, *GOODS):
            return None
        found = [
            order
            for order in self._orders.get(draft.object_reference, ())
            if draft.legal_entity in ("", order.document.legal_entity)
        ]
        for wanted in (draft.channel, ""):
            for order in found:
                if not draft.channel or order.document.channel == wanted:
                    return order
        raise Refusal(Why.UNKNOWN_ORDER, reference=draft.object_reference)

    def _check_customer(self, draft: Draft) -> None:
        missing = draft.customer in self._options().missing_customers or (
            self._options().known_customers_only and not self.customers.has(draft.customer)
        )
        if draft.kind is Kind.ORDER and missing:
            raise Refusal(Why.UNKNOWN_CUSTOMER, customer=draft.customer)
        if draft.kind is Kind.ORDER and draft.customer in self._options().blocked_customers:
            raise Refusal(Why.CREDIT_BLOCK, customer=draft.customer)

    def _check_period(self, draft: Draft) -> None:
        if draft.dated is not None:
            period = draft.dated.isoformat()[:7]
            if period in self._options().closed_periods:
                raise Refusal(Why.CLOSED_PERIOD, period=period, date=draft.dated.isoformat())

    def _check_lines(self, draft: Draft, order: Order | None) -> None:
        only_money = draft.kind is Kind.RETURN and draft.shipping > 0
        empty = draft.kind is Kind.CANCELLATION or only_money or draft.withdrawn
        if not draft.lines and not empty:
            raise Refusal(Why.NO_LINES)
        seen: set[int] = set()
        for line in draft.lines:
            if line.line in seen and draft.kind is not Kind.RETURN_RECEIPT:
                raise Refusal(Why.DOUBLE_LINE, line=line.line)
            seen.add(line.line)
            # Over a store's counter goods go both ways: what comes back counts below zero.
            sign = -1 if draft.kind is Kind.STORE_SALE and line.quantity < 0 else 1
            if not 0 < sign * line.quantity <= QUANTITY_MAX:
                raise Refusal(Why.BAD_QUANTITY, line=line.line, quantity=line.quantity)
            if draft.kind is not Kind.CANCELLATION:
                self.item(line.sku, line.line)
                if not 0 <= sign * line.amount <= AMOUNT_MAX or line.unit_price < 0:
                    raise Refusal(Why.BAD_AMOUNT, line=line.line, amount=line.amount)
            elif order is not None and line.line not in order.open:
                raise Refusal(Why.UNKNOWN_LINE, reference=draft.object_reference, line=line.line)

    def _cancelled(self, order: Order, draft: Draft) -> tuple[Draft, str]:
        """Take back what can be taken back of the order; the lines taken and the outcome.

        The amounts of all cancellations of an order that ends up empty add up to its total: the
        last one takes shipping, tax and what rounding left.
        """
        if order.shipped(self._clock.monotonic_s(), self._options().ship_after_s):
            return replace(draft, lines=()), "too_late"
        asked = {line.line: line.quantity for line in draft.lines} or dict(order.open)
        taken = []
        for line in order.document.lines:
            quantity = min(asked.get(line.line, ZERO), order.open[line.line])
            if quantity > 0:
                order.open[line.line] -= quantity
                amount = cents(line.amount * quantity / line.quantity)
                taken.append(Line(line.line, line.sku, quantity, line.unit_price, amount))
        draft = replace(draft, lines=tuple(taken))
        if any(order.open.values()):
            order.cancelled += draft.total
            return draft, "partly"
        rest = order.document.total - order.cancelled - draft.total
        order.cancelled = order.document.total
        return replace(draft, shipping=rest), "cancelled"

    def _move_stock(self, document: Document) -> None:
        sign = -1 if document.kind in (Kind.ORDER, Kind.STORE_SALE) else 1
        for line in document.lines:
            if sign < 0 or goes_to_stock(document.kind, line):
                self._stock[document.legal_entity, line.sku] += sign * line.quantity


class Series:
    """Number series, one per kind of document: prefix, first number, digits."""

    def __init__(self, series: dict[Kind, tuple[str, int, int]]) -> None:
        self._shape = {kind: (prefix, digits) for kind, (prefix, _, digits) in series.items()}
        self._next = {kind: count(first) for kind, (_, first, _) in series.items()}

    def __call__(self, kind: Kind) -> str:
        """The next number of the kind."""
        prefix, digits = self._shape[kind]
        return f"{prefix}{next(self._next[kind]):0{digits}d}"
