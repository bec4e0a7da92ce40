"""An order as the Admin API shows it: the whole resource, from a basket.

Amounts hold as published: subtotal = line items - discounts; with taxes included, total = subtotal
+ shipping, else the tax as well. Every amount has its ``*_set`` twin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from simulators.people import Person
from simulators.shopify.basket import Basket, BasketLine
from simulators.shopify.money import ZERO, Currencies, text

LOCATION_ID = 70_000_000_001
FIRST_ORDER_NUMBER = 1001

Order = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ids:
    """Where an order's numbers begin; all are made from the order's place in the shop."""

    order: int
    number: int

    @classmethod
    def of(cls, place: int) -> Ids:
        """The ids of the order that is the ``place``-th (from 0) of its shop."""
        return cls(5_000_000_000_001 + place, FIRST_ORDER_NUMBER + place)

    def line(self, index: int) -> int:
        """The id of a line."""
        return self.order * 100 + index


def compose(ids: Ids, basket: Basket, currencies: Currencies, shop: str, now: datetime) -> Order:
    """Write the resource of a new order."""
    at = stamp(now)
    lines = [
        _line_item(ids.line(index), line, currencies) for index, line in enumerate(basket.lines)
    ]
    return {
        "id": ids.order,
        "admin_graphql_api_id": f"gid://shopify/Order/{ids.order}",
        "app_id": 580111,
        "browser_ip": "192.0.2.44",
        "buyer_accepts_marketing": False,
        "cancel_reason": None,
        "cancelled_at": None,
        "cart_token": f"cart-{ids.order}",
        "checkout_id": ids.order + 24_000_000_000_000,
        "checkout_token": f"checkout-{ids.order}",
        "client_details": {"accept_language": "nl", "browser_ip": "192.0.2.44"},
        "closed_at": None,
        "company": None,
        "confirmation_number": f"V{ids.order % 10**9:09d}",
        "confirmed": True,
        "contact_email": basket.buyer.email,
        "created_at": at,
        "currency": currencies.shop,
        "customer_locale": "nl-NL" if basket.buyer.country == "NL" else "de-DE",
        "device_id": None,
        "duties_included": False,
        "email": basket.buyer.email,
        "estimated_taxes": False,
        "financial_status": "paid" if basket.paid else "pending",
        "fulfillment_status": None,
        "location_id": None,
        "merchant_of_record_app_id": None,
        "name": f"#{ids.number}",
        "note": None,
        "note_attributes": [],
        "number": ids.number - FIRST_ORDER_NUMBER + 1,
        "order_number": ids.number,
        "order_status_url": f"https://{shop}/orders/{ids.order}",
        "payment_gateway_names": ["shopify_payments" if basket.paid else "bank_deposit"],
        "phone": None,
        "po_number": None,
        "presentment_currency": currencies.presentment,
        "processed_at": at,
        "reference": None,
        "source_identifier": None,
        "source_name": "web",
        "tags": "",
        "tax_exempt": False,
        "taxes_included": basket.taxes_included,
        "test": False,
        "token": f"token-{ids.order}",
        "total_tip_received": "0.00",
        "total_weight": 0,
        "updated_at": at,
        "user_id": None,
        **_discounts(basket),
        **_totals(basket, currencies),
        "billing_address": _address(basket.buyer),
        "customer": _customer(basket.buyer, currencies.shop, at),
        "fulfillments": [],
        "line_items": lines,
        "payment_terms": None,
        "refunds": [],
        "returns": [],
        "shipping_address": _address(basket.buyer),
        "shipping_lines": _shipping(ids, basket, currencies),
    }


def stamp(now: datetime) -> str:
    """An instant as Shopify writes it: whole seconds with an offset."""
    return now.replace(microsecond=0).isoformat()


def money_of(order: Mapping[str, Any]) -> Currencies:
    """The currencies an order was placed in; its rate follows from its total."""
    twin = order["total_price_set"]
    shop, seen = (Decimal(twin[side]["amount"]) for side in ("shop_money", "presentment_money"))
    rate = seen / shop if shop else Decimal(1)
    return Currencies(order["currency"], order["presentment_currency"], rate)


def amount(order: Order, name: str, value: Decimal, currencies: Currencies) -> None:
    """Set an amount and its twin."""
    order[name] = text(value)
    order[f"{name}_set"] = currencies.both(value)


def _totals(basket: Basket, money: Currencies) -> Order:
    subtotal = basket.line_total - basket.discount
    totals: Order = {}
    for name, value in (
        ("subtotal_price", subtotal),
        ("total_line_items_price", basket.line_total),
        ("total_discounts", basket.discount),
        ("total_tax", basket.tax),
        ("total_price", basket.total),
    ):
        amount(totals, name, value, money)
        if name != "total_line_items_price":
            amount(totals, f"current_{name}", value, money)
    totals["total_outstanding"] = text(ZERO if basket.paid else basket.total)
    totals["total_shipping_price_set"] = money.both(basket.shipping)
    totals["current_shipping_price_set"] = money.both(basket.shipping)
    for name in ("payment", "refund"):
        totals[f"total_cash_rounding_{name}_adjustment_set"] = money.both(ZERO)
    totals["tax_lines"] = _tax_lines(basket, money)
    return totals


def _tax_lines(basket: Basket, money: Currencies) -> list[Order]:
    by_rate: dict[Decimal, Decimal] = {}
    for line in basket.lines:
        by_rate[line.rate] = by_rate.get(line.rate, ZERO) + line.tax
    if basket.shipping:
        known = by_rate.get(basket.shipping_rate, ZERO)
        by_rate[basket.shipping_rate] = known + basket.shipping_tax
    return [_tax_line(fraction, tax, basket.buyer, money) for fraction, tax in by_rate.items()]


def _tax_line(fraction: Decimal, tax: Decimal, buyer: Person, money: Currencies) -> Order:
    return {
        "price": text(tax),
        "rate": float(fraction),
        "title": "BTW" if buyer.country == "NL" else "MwSt",
        "price_set": money.both(tax),
        "channel_liable": False,
    }


def _line_item(line_id: int, line: BasketLine, money: Currencies) -> Order:
    allocations = []
    if line.discount:
        allocations = [
            {
                "amount": text(line.discount),
                "amount_set": money.both(line.discount),
                "discount_application_index": 0,
            }
        ]
    title = "BTW" if money.shop == "EUR" else "VAT"
    return {
        "id": line_id,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{line_id}",
        "attributed_staffs": [],
        "current_quantity": line.quantity,
        "fulfillable_quantity": line.quantity,
        "fulfillment_service": "manual",
        "fulfillment_status": None,
        "gift_card": False,
        "grams": 0,
        "name": line.item.name,
        "price": text(line.price),
        "price_set": money.both(line.price),
        "product_exists": True,
        "product_id": int(line.item.ean),
        "properties": [],
        "quantity": line.quantity,
        "requires_shipping": True,
        "sku": line.item.sku,
        "taxable": True,
        "title": line.item.name,
        "total_discount": "0.00",
        "total_discount_set": money.both(ZERO),
        "variant_id": int(line.item.ean) * 10,
        "variant_inventory_management": "shopify",
        "variant_title": None,
        "vendor": "Voorbeeld",
        "tax_lines": [
            {
                "channel_liable": False,
                "price": text(line.tax),
                "price_set": money.both(line.tax),
                "rate": float(line.rate),
                "title": title,
            }
        ],
        "duties": [],
        "discount_allocations": allocations,
    }


def _discounts(basket: Basket) -> Order:
    if not basket.code:
        return {"discount_codes": [], "discount_applications": []}
    value = text(basket.discount)
    return {
        "discount_codes": [{"code": basket.code, "amount": value, "type": "percentage"}],
        "discount_applications": [
            {
                "target_type": "line_item",
                "type": "discount_code",
                "value": basket.code[-2:] + ".0",
                "value_type": "percentage",
                "allocation_method": "across",
                "target_selection": "all",
                "code": basket.code,
            }
        ],
    }


def _shipping(ids: Ids, basket: Basket, money: Currencies) -> list[Order]:
    return [
        {
            "id": ids.order + 40_000_000_000_000,
            "carrier_identifier": None,
            "code": "Standard",
            "discounted_price": text(basket.shipping),
            "discounted_price_set": money.both(basket.shipping),
            "is_removed": False,
            "phone": None,
            "price": text(basket.shipping),
            "price_set": money.both(basket.shipping),
            "source": "shopify",
            "title": "Standard",
            "tax_lines": [
                _tax_line(basket.shipping_rate, basket.shipping_tax, basket.buyer, money)
            ],
            "discount_allocations": [],
        }
    ]


def _address(buyer: Person) -> Order:
    return {
        "first_name": buyer.given,
        "last_name": buyer.family,
        "name": buyer.name,
        "company": None,
        "address1": buyer.street,
        "address2": None,
        "zip": buyer.postal_code,
        "city": buyer.city,
        "province": None,
        "province_code": None,
        "country": {"NL": "Netherlands", "DE": "Germany"}[buyer.country],
        "country_code": buyer.country,
        "phone": None,
        "latitude": None,
        "longitude": None,
    }


def _customer(buyer: Person, currency: str, at: str) -> Order:
    customer_id = 6_900_000_000_000 + buyer.number
    return {
        "id": customer_id,
        "admin_graphql_api_id": f"gid://shopify/Customer/{customer_id}",
        "created_at": at,
        "updated_at": at,
        "first_name": buyer.given,
        "last_name": buyer.family,
        "email": buyer.email,
        "phone": None,
        "state": "disabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "tax_exemptions": [],
        "tags": "",
        "currency": currency,
        "default_address": {**_address(buyer), "id": customer_id + 1, "default": True},
    }
