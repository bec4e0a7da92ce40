"""Settlement reports: balanced, a part of each held back and released by the next.

GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2, with the 23 published columns and promotion-id. Every
component of every item is a row; they add up to the deposit. Like the real one it cannot be asked
for: the marketplace makes it when a period ends, and it is found with getReports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from simulators.amazon.market import Market
from simulators.amazon.options import MarketOptions
from simulators.amazon.orders import PROMOTION, ZERO, Item, Order
from simulators.amazon.stamps import stamp, text
from simulators.channel import Channel
from simulators.taxes import CENT

REPORT_TYPE = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
COLUMNS = (
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date",
    "total-amount", "currency", "transaction-type", "order-id", "merchant-order-id",
    "adjustment-id", "shipment-id", "marketplace-name", "amount-type", "amount-description",
    "amount", "fulfillment-id", "posted-date", "posted-date-time", "order-item-code",
    "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased",
    "promotion-id",
)  # fmt: skip
COMMISSION = Decimal("0.15")
FBA_FEE = Decimal("3.22")
_DEPOSIT_AFTER = timedelta(days=2)

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """A report that is done."""

    id: str
    document_id: str
    made: datetime
    begins: datetime
    text: str


class Settlements:
    """Ends periods, and keeps their reports."""

    def __init__(self, channel: Channel[MarketOptions], market: Market) -> None:
        self.reports: list[Report] = []
        self._channel = channel
        self._market = market
        self._reserve = ZERO
        self._began = market.now()
        self._refunds = 0

    def settle(self) -> Report:
        """End the period: everything shipped and refunded since is settled now."""
        options, now = self._channel.options, self._market.now()
        rows = [*self._orders(now), *self._refunded(now)]
        if self._reserve:
            rows.append(_other("Previous Reserve Amount Balance", self._reserve, now))
        proceeds = sum((Decimal(it["amount"]) for it in rows), ZERO)
        held = max(ZERO, proceeds * Decimal(str(options.reserve_share))).quantize(CENT)
        if held:
            rows.append(_other("Current Reserve Amount", -held, now))
        number = len(self.reports) + 1
        settlement_id = f"{20_000_000_000 + options.seed % 1_000_000 * 1000 + number}"
        report = Report(
            id=f"{50_000_000_000 + number}",
            document_id=f"amzn1.spdoc.1.4.eu.{settlement_id}",
            made=now,
            begins=self._began,
            text=_written(settlement_id, self._began, now, proceeds - held, options, rows),
        )
        self._channel.books.enter(
            "settlement", settlement_id=settlement_id, total=str(proceeds - held),
            reserve=str(held), previous_reserve=str(self._reserve), rows=len(rows),
        )  # fmt: skip
        self._channel.counters.add("settlements")
        self._reserve, self._began = held, now
        self.reports.append(report)
        return report

    def _orders(self, now: datetime) -> Iterator[Row]:
        for order in self._market.orders.values():
            for item in order.items:
                if item.shipped and item.id not in order.settled:
                    order.settled.add(item.id)
                    yield from _sold(order, item, now, self._channel.options)

    def _refunded(self, now: datetime) -> Iterator[Row]:
        refunds = [it for it in self._channel.books.since(0) if it.kind == "refund"]
        for refund in refunds[self._refunds :]:
            order = self._market.order(str(refund.values["order_id"]))
            item = order.item(str(refund.values["item_id"]))
            yield from _given_back(order, item, refund.values, now, self._channel.options)
        self._refunds = len(refunds)


def _sold(order: Order, item: Item, now: datetime, options: MarketOptions) -> Iterator[Row]:
    """What an item brings: price and taxes, less promotion, fees, and tax that is withheld."""

    def row(kind: str, what: str, amount: Decimal, **more: str) -> Row:
        return _row("Order", order, item, kind, what, amount, now, options) | more

    fee = (item.price - item.discount) * COMMISSION
    parts = [
        ("ItemPrice", "Principal", item.price - item.tax),
        ("ItemPrice", "Tax", item.tax),
        ("ItemPrice", "Shipping", item.shipping - item.shipping_tax),
        ("ItemPrice", "ShippingTax", item.shipping_tax),
        ("ItemPrice", "GiftWrap", item.gift_wrap - item.gift_wrap_tax),
        ("ItemPrice", "GiftWrapTax", item.gift_wrap_tax),
        ("ItemFees", "Commission", -fee.quantize(CENT, ROUND_HALF_UP)),
    ]
    if order.by_amazon:
        parts.append(("ItemFees", "FBAPerUnitFulfillmentFee", -FBA_FEE * item.quantity))
    if order.liable:
        parts += [
            ("ItemWithheldTax", "MarketplaceFacilitatorVAT-Principal", -item.tax),
            ("ItemWithheldTax", "MarketplaceFacilitatorVAT-Shipping", -item.shipping_tax),
            ("ItemWithheldTax", "MarketplaceFacilitatorVAT-Giftwrap", -item.gift_wrap_tax),
        ]
    yield from (row(kind, what, amount) for kind, what, amount in parts if amount)
    if item.discount:
        yield row("Promotion", "Principal", -item.discount, **{"promotion-id": PROMOTION})


def _given_back(
    order: Order, item: Item, refund: Mapping[str, object], now: datetime, options: MarketOptions
) -> Iterator[Row]:
    amount = Decimal(str(refund["amount"]))
    paid = item.price - item.discount
    tax = (item.tax * amount / paid).quantize(CENT, ROUND_HALF_UP)
    fee = (amount * COMMISSION).quantize(CENT, ROUND_HALF_UP)
    parts = [
        ("ItemPrice", "Principal", -(amount - tax)),
        ("ItemPrice", "Tax", -tax),
        ("ItemFees", "Commission", fee),
        ("ItemFees", "RefundCommission", -min(Decimal("5.00"), fee / 5).quantize(CENT)),
    ]
    if order.liable:
        parts.append(("ItemWithheldTax", "MarketplaceFacilitatorVAT-Principal", tax))
    for kind, what, value in parts:
        if value:
            yield _row("Refund", order, item, kind, what, value, now, options)


def _row(
    transaction: str, order: Order, item: Item, kind: str, what: str, amount: Decimal,
    now: datetime, options: MarketOptions,
) -> Row:  # fmt: skip
    return {
        "transaction-type": transaction,
        "order-id": order.id,
        "shipment-id": f"S{order.id[-7:]}" if transaction == "Order" else "",
        "marketplace-name": options.marketplace_name,
        "amount-type": kind,
        "amount-description": what,
        "amount": text(amount),
        "fulfillment-id": "AFN" if order.by_amazon else "MFN",
        "order-item-code": item.id,
        "sku": item.article.sku,
        "quantity-purchased": str(item.quantity) if what == "Principal" else "",
        **_posted(now),
    }


def _other(what: str, amount: Decimal, now: datetime) -> Row:
    return {
        "transaction-type": "other-transaction",
        "amount-type": "other-transaction",
        "amount-description": what,
        "amount": text(amount),
        **_posted(now),
    }


def _posted(now: datetime) -> Row:
    at = stamp(now)
    return {"posted-date": at[:10], "posted-date-time": f"{at[:10]} {at[11:19]} UTC"}


def _written(
    settlement_id: str, began: datetime, now: datetime, total: Decimal, options: MarketOptions,
    rows: Iterable[Row],
) -> str:  # fmt: skip
    def when(at: datetime) -> str:
        return f"{stamp(at)[:10]} {stamp(at)[11:19]} UTC"

    head = {
        "settlement-id": settlement_id,
        "settlement-start-date": when(began),
        "settlement-end-date": when(now),
        "deposit-date": when(now + _DEPOSIT_AFTER),
        "total-amount": text(total),
        "currency": options.currency,
    }
    lines = ["\t".join(COLUMNS)]
    lines += [
        "\t".join(row.get(name, "") for name in COLUMNS)
        for row in (head, *({**row, "settlement-id": settlement_id} for row in rows))
    ]
    return "\n".join(lines) + "\n"
