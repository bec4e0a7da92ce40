"""A shop's webhook against an order of the generic route, each until it is durably taken.

The same gateway takes both, in turns: `orders/create` of five lines with the fields and twins a
shop sends (some 6 kB), signed; and the order of five lines of the accept benchmark (1 kB). First
each is asked for all it can do, then both are offered half of what webhooks did.
"""

from __future__ import annotations

import copy
import itertools
import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from hmac import digest

from tests.bench.accept import CONNECTIONS, Side, percentile_ms, side
from tests.bench.client import post
from tests.bench.figure import Figure
from tests.bench.installation import gateways
from tests.bench.servers import Server

SECRET = "shpss_bench"
DOMAIN = "bench.myshopify.com"
SHOP = {
    "scopes": [],
    "shopify": {
        "domain": DOMAIN, "secrets": [SECRET], "legal_entity": "NL01", "country": "NL",
        "since": "2020-01-01T00:00:00Z",
    },
}  # fmt: skip

#: Offered in the open loop, of what webhooks did in the closed one.
OFFERED = 0.5

_FIRST = 6_100_000_000_000


def run(quick: bool) -> list[Figure]:
    """Measure both in turns."""
    rounds, seconds = (2, 2.0) if quick else (5, 4.0)
    with gateways(COEXIST_CHANNELS__SHOP=json.dumps(SHOP)) as (servers, keys, _):
        return measured(servers[0], keys["webshop"], rounds, seconds)


def measured(server: Server, key: str, rounds: int, seconds: float) -> list[Figure]:
    """Return the figures of ``rounds`` of each."""
    hooks, orders = Side(server, _hooks(server), status=200), side(server, key)
    for it in (hooks, orders):
        it.run(min(1.0, seconds))
        it.loads.clear()
        it.cpu_s = it.valkey_cpu_s = 0.0
    for _ in range(rounds):
        for it in (hooks, orders):
            it.run(seconds)
    for _ in range(rounds):
        for it in (hooks, orders):
            it.offer(seconds, hooks.rate * OFFERED)
    return _figures(hooks, orders)


def _figures(hooks: Side, orders: Side) -> list[Figure]:
    found = []
    for name, it in (("webhook", hooks), ("order", orders)):
        found += [
            Figure(f"{name}: taken", it.rate, "/s", f"{CONNECTIONS} connections"),
            Figure(f"{name}: CPU of the gateway", it.cpu_s / it.orders * 1e6, "µs"),
            Figure(f"{name}: p99 at the same rate", percentile_ms(it.offered, 99), "ms"),
        ]
    cpu = (hooks.cpu_s / hooks.orders) / (orders.cpu_s / orders.orders)
    p99 = percentile_ms(hooks.offered, 99) / percentile_ms(orders.offered, 99)
    return [
        *found,
        Figure("webhook: CPU", cpu, "x", "an order of the generic route"),
        Figure("webhook: p99 at the same rate", p99, "x", "an order of the generic route"),
    ]


def _hooks(server: Server) -> Callable[[], bytes]:
    """Return a function that makes the next webhook, signed."""
    numbers = itertools.count(_FIRST)
    url = f"{server.url}/v1/hooks/shopify/shop"
    head, tail = json.dumps(payload(_FIRST)).split(str(_FIRST), 1)

    def make() -> bytes:
        number = next(numbers)
        body = f"{head}{number}{tail}".encode()
        headers = {
            "X-Shopify-Topic": "orders/create",
            "X-Shopify-Shop-Domain": DOMAIN,
            "X-Shopify-Webhook-Id": f"hook-{number}",
            "X-Shopify-Hmac-Sha256": b64encode(digest(SECRET.encode(), body, sha256)).decode(),
        }
        return post(url, body, headers)

    return make


def payload(number: int) -> dict[str, object]:
    """An order of five lines as a shop sends it."""
    placed = datetime.now(UTC) - timedelta(seconds=2)
    line: dict[str, object] = {
        "sku": "BENCH-SKU", "quantity": 2, "current_quantity": 2, "fulfillable_quantity": 2,
        "fulfillment_status": None, "gift_card": False, "grams": 200, "name": "Shirt - Black / M",
        "product_exists": True, "product_id": 5_100_000_000_001, "requires_shipping": True,
        "taxable": True, "title": "Shirt", "variant_id": 5_200_000_000_001, "vendor": "Bench",
        "variant_title": "Black / M", "properties": [], "duties": [], "discount_allocations": [],
        **_twice("price", "19.95"), **_twice("total_discount", "0.00"),
        "tax_lines": [{"title": "VAT", "rate": 0.21, "channel_liable": False,
                       **_twice("price", "6.92")}],
    }  # fmt: skip
    lines = [copy.deepcopy(line) | {"id": 7_100_000_000_000 + n} for n in range(5)]
    total = 5 * 2 * Decimal("19.95") + Decimal("4.95")
    address = {
        "first_name": "Pat", "last_name": "Sample", "name": "Pat Sample",
        "address1": "Example Street 1", "address2": None, "city": "Utrecht", "zip": "3500 AA",
        "province": None, "province_code": None, "country": "Netherlands", "country_code": "NL",
        "phone": None, "company": None, "latitude": None, "longitude": None,
    }  # fmt: skip
    return {
        "id": number,
        "name": "#1001", "order_number": 1001, "confirmation_number": "ABC123", "test": False,
        "created_at": placed.isoformat(timespec="seconds"),
        "processed_at": placed.isoformat(timespec="seconds"),
        "updated_at": placed.isoformat(timespec="seconds"),
        "cancelled_at": None, "cancel_reason": None, "closed_at": None,
        "currency": "EUR", "presentment_currency": "EUR", "taxes_included": True,
        "financial_status": "paid", "fulfillment_status": None, "source_name": "web",
        "payment_gateway_names": ["shopify_payments"], "email": "pat@example.com",
        "line_items": lines, "refunds": [], "discount_applications": [], "note_attributes": [],
        "shipping_lines": [{"id": 1, "title": "Standard", "code": "STD", "is_removed": False,
                            **_twice("price", "4.95"), **_twice("discounted_price", "4.95"),
                            "tax_lines": [], "discount_allocations": []}],
        **_twice("total_price", f"{total:.2f}"), **_twice("subtotal_price", f"{total:.2f}"),
        **_twice("total_tax", "34.60"), **_twice("total_discounts", "0.00"),
        "total_tip_received": "0.00",
        "customer": {"id": 6_900_000_000_007, "first_name": "Pat", "last_name": "Sample"},
        "shipping_address": address, "billing_address": address,
    }  # fmt: skip


def _twice(name: str, amount: str) -> dict[str, object]:
    """Return an amount and its twin in both currencies."""
    money = {"amount": amount, "currency_code": "EUR"}
    return {name: amount, f"{name}_set": {"shop_money": money, "presentment_money": money}}
