"""Shopify's webhooks at the API: who may, what becomes of each, and nothing twice or lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import AsyncTestClient
from pydantic import SecretStr

from gateway.api.edge import Gateway
from gateway.canonical.envelope import Envelope
from gateway.canonical.process import Target
from gateway.canonical.unmapped import why_unmapped
from gateway.channels.shopify.signature import signature
from gateway.errors import LedgerUnavailable, OwnerUndecidable, StoreUnavailable
from gateway.settings.shopify import ShopifySettings
from tests.unit.api.world import Plan, Sender, World, client_of
from tests.unit.channels.shopify_payloads import ORDER_ID, item, less, order, refund, row

pytestmark = pytest.mark.anyio

DOMAIN, SECRET = "voorbeeld.myshopify.com", "shpss_new"
PATH = "/v1/hooks/shopify/shop"
SETTINGS = ShopifySettings(
    domain=DOMAIN,
    secrets=(SecretStr(SECRET), SecretStr("shpss_old")),
    legal_entity="NL01",
    country="NL",
    since=datetime(2026, 11, 1, tzinfo=UTC),
)
Client = AsyncTestClient[Gateway]


def a_world() -> World:
    channels = dict(Plan().channels) | {"shop": Sender((), (), ("NL01",), SETTINGS)}
    return World(plan=Plan(channels=channels, body_bytes_max=60_000))


@pytest.fixture
def world() -> World:
    return a_world()


@pytest.fixture
async def client(world: World, anyio_backend: str) -> AsyncIterator[Client]:
    async with client_of(world) as client:
        yield client


async def deliver(
    client: Client, topic: str, payload: object, *, secret: str = SECRET, domain: str = DOMAIN,
    number: str = "w-1", path: str = PATH, status: int = 200,
) -> list[str]:  # fmt: skip
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    answer = await client.post(
        path,
        content=body,
        headers={
            "content-type": "application/json",
            "x-shopify-topic": topic,
            "x-shopify-hmac-sha256": signature(body, secret).decode(),
            "x-shopify-shop-domain": domain,
            "x-shopify-webhook-id": number,
        },
    )
    assert answer.status_code == status, answer.text
    return [it["what"] for it in answer.json().get("taken", [])]


def sent(world: World) -> list[tuple[str, str]]:
    """What was taken, in order."""
    found = [Envelope.model_validate_json(it.payload) for it in world.buffer.entries.values()]
    return [(it.process, it.reference) for it in found]


def body_of(world: World, reference: str) -> dict[str, Any]:
    for it in world.buffer.entries.values():
        envelope = Envelope.model_validate_json(it.payload)
        if envelope.reference == reference:
            return envelope.body
    raise AssertionError(reference)


TAKEN = ("order.intake", str(ORDER_ID))


async def test_both_secrets_of_a_rotation_sign_and_no_other(world: World, client: Client) -> None:
    await deliver(client, "orders/create", order(), secret="wrong", status=401)
    await deliver(client, "orders/create", order(), domain="other.myshopify.com", status=401)
    await deliver(client, "orders/create", order(), path="/v1/hooks/shopify/webshop", status=404)
    await deliver(client, "orders/create", b" " * 60_001, status=413)
    assert (await client.post(PATH, content=b"{}")).status_code == 401
    assert sent(world) == []
    assert await deliver(client, "orders/create", order(), secret="shpss_old") == ["order"]
    assert sent(world) == [TAKEN]


async def test_repeats_and_overtaken_snapshots_say_nothing_new(
    world: World, client: Client
) -> None:
    newer = order(updated_at="2026-11-21T11:00:00+01:00", financial_status="pending")
    assert await deliver(client, "orders/updated", newer, number="w-2") == ["order"]
    for topic, payload in (
        ("orders/create", order()),
        ("orders/updated", newer),
        ("orders/paid", order()),
        ("orders/edited", {"order_edit": {}}),
        ("orders/create", order(test=True)),
        ("carts/update", {}),
    ):
        assert await deliver(client, topic, payload, number="w-9") == []
    assert sent(world) == [TAKEN]


async def test_two_first_snapshots_at_once_are_one_order(world: World, client: Client) -> None:
    newer = order(updated_at="2026-11-21T11:00:00+01:00", financial_status="pending")
    await asyncio.gather(
        *(deliver(client, "orders/create", order(), number=f"c-{n}") for n in range(3)),
        *(deliver(client, "orders/updated", newer, number=f"u-{n}") for n in range(3)),
    )
    assert sent(world) == [TAKEN]


async def test_pieces_are_cancelled_once_in_whatever_order_it_is_told(client: Client) -> None:
    del client
    one = less(order(), 0, 1, "2026-11-21T11:00:00+01:00")
    none = less(order(), 0, 0, "2026-11-21T12:00:00+01:00")
    for told in permutations(
        [
            ("orders/create", order()),
            ("orders/updated", one),
            ("orders/updated", none),
            ("orders/updated", none),
        ]
    ):
        world = a_world()
        async with client_of(world) as other:
            for n, (topic, payload) in enumerate(told):
                await deliver(other, topic, payload, number=f"w-{n}")
        gone = [
            it["quantity"]
            for process, reference in sent(world)
            if process == "order.cancellation"
            for it in body_of(world, reference)["cancellation"]["lines"]
        ]
        assert (sum(gone), sent(world)[0]) == (2, TAKEN)


async def test_a_cancelled_order_is_cancelled_once_and_its_refund_is_no_return(
    world: World, client: Client
) -> None:
    back = refund(row(0, 2, "36.90", "cancel"), row(1, 1, "25.00", "cancel"), paid="66.85")
    gone = order(
        cancelled_at="2026-11-21T12:00:00+01:00", cancel_reason="customer", refunds=[back],
        updated_at="2026-11-21T12:00:00+01:00",
    )  # fmt: skip
    await deliver(client, "orders/create", order())
    assert await deliver(client, "refunds/create", back, number="w-2") == []
    assert await deliver(client, "orders/cancelled", gone, number="w-3") == ["cancellation"]
    assert await deliver(client, "orders/updated", gone, number="w-4") == []
    assert sent(world)[1:] == [("order.cancellation", f"{ORDER_ID}/cancelled")]
    assert "lines" not in body_of(world, f"{ORDER_ID}/cancelled")["cancellation"]


async def test_a_missed_order_is_taken_and_cancelled(world: World, client: Client) -> None:
    gone = order(cancelled_at="2026-11-21T12:00:00+01:00", cancel_reason="fraud")
    assert await deliver(client, "orders/cancelled", gone) == ["order", "cancellation"]
    assert len(sent(world)) == 2


async def test_what_staff_must_follow_up_is_an_exception_once(world: World, client: Client) -> None:
    await deliver(client, "orders/create", order())
    lines = [*order()["line_items"], item(2, "CAP-NVY-ONE", 1, "12.00")]
    more = order(line_items=lines, updated_at="2026-11-21T12:00:00+01:00")
    for n in range(3):
        assert await deliver(client, "orders/updated", more, number=f"u-{n}") == ["exception"]
    ((_, reference),) = sent(world)[1:]
    body = body_of(world, reference)
    assert "1 of CAP-NVY-ONE at 12.00 was added" in why_unmapped(body)
    assert "cancellation" not in body


async def test_what_cannot_be_mapped_is_taken_with_what_is_wrong(
    world: World, client: Client
) -> None:
    odd = order(line_items=[item(0, "TEE BLACK", 1, "61.90")], note="\u0000")
    assert await deliver(client, "orders/create", odd) == ["exception"]
    body = body_of(world, str(ORDER_ID))
    assert why_unmapped(body).startswith("/lines/0/sku: ")
    assert json.loads(body["unmapped"]["received"]) == odd
    assert world.buffer.facts(next(iter(world.buffer.entries)))["country"] == "NL"
    assert await deliver(client, "orders/updated", odd, number="w-2") == []


async def test_orders_of_before_are_not_taken_but_their_cancellation_is(
    world: World, client: Client
) -> None:
    before = order(created_at="2026-10-01T10:00:00Z")
    gone = before | {"cancelled_at": "2026-11-21T12:00:00+01:00"}
    assert await deliver(client, "orders/create", before) == []
    assert await deliver(client, "orders/updated", before) == []
    await deliver(client, "orders/cancelled", gone, status=503)
    world.cloud.orders.add(str(ORDER_ID))
    assert await deliver(client, "orders/cancelled", gone) == ["cancellation"]
    assert world.buffer.owners[f"order:shop:{ORDER_ID}"] is not Target.HOLD


async def test_an_outage_asks_for_the_delivery_again_and_a_new_order_needs_no_ledger(
    world: World, client: Client
) -> None:
    world.ledger.failure = LedgerUnavailable("no")
    assert await deliver(client, "orders/create", order()) == ["order"]
    await deliver(client, "orders/paid", order(), number="w-2", status=503)
    world.buffer.failure = StoreUnavailable("no")
    await deliver(client, "orders/create", order(id=ORDER_ID + 1), number="w-3", status=503)


async def test_a_shop_whose_orders_wait_says_that_one_is_paid(world: World, client: Client) -> None:
    world.payments.shops = {"shop"}
    pending, later = order(financial_status="pending"), order(updated_at="2026-11-21T11:00:00Z")
    for expected in (["order"], []):
        assert await deliver(client, "orders/updated", pending) == expected
    world.payments.failure = OwnerUndecidable("it is being worked on", 15)
    await deliver(client, "orders/paid", later, number="w-3", status=503)
    world.payments.failure = None
    for expected in (["payment"], []):
        assert await deliver(client, "orders/paid", later) == expected
    assert set(world.payments.paid_ones) == set(world.buffer.entries)
    assert sent(world) == [TAKEN]


async def test_drift_is_counted(world: World, client: Client) -> None:
    await deliver(client, "orders/create", order(tier=1, source_name=None))
    assert world.observer.drift == ["shop order field:tier", "shop order null:source_name"]


FUZZED = ("orders/create", "orders/updated", "refunds/create")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["1.00", "-3", "EUR", "x" * 300, "\u0000", "2026-11-21T10:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)  # fmt: skip


def spoiled(document: Any, path: list[int], value: Any) -> Any:
    """Replace what is found by following ``path``, each step modulo what is there."""
    if not path or not isinstance(document, dict | list) or not document:
        return value
    if isinstance(document, dict):
        name = sorted(document)[path[0] % len(document)]
        return document | {name: spoiled(document[name], path[1:], value)}
    at = path[0] % len(document)
    return [*document[:at], spoiled(document[at], path[1:], value), *document[at + 1 :]]


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 40), max_size=4), JSON), max_size=3),
    st.sampled_from(FUZZED),
)
@settings(
    max_examples=50, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
async def test_whatever_is_signed_is_answered_and_never_by_a_failure(
    changes: list[tuple[list[int], Any]], topic: str
) -> None:
    world = a_world()
    async with client_of(world) as client:
        await deliver(client, "orders/create", order())
        payload: Any = order(cancelled_at=None) if topic != "refunds/create" else refund(
            row(0, 1, "18.45"), paid="18.45"
        )  # fmt: skip
        for path, value in changes:
            payload = spoiled(payload, path, value)
        body = json.dumps(payload).encode()
        answer = await client.post(
            PATH,
            content=body,
            headers={
                "x-shopify-topic": topic,
                "x-shopify-hmac-sha256": signature(body, SECRET).decode(),
                "x-shopify-shop-domain": DOMAIN,
            },
        )
    assert answer.status_code in {200, 400, 503}, answer.text


@pytest.mark.parametrize(
    ("kinds", "restock", "node"),
    [(["return"], True, "655"), (["legacy_restock"], True, "655"), (["no_restock"], False, None)],
)
async def test_a_refund_says_whether_its_pieces_go_back_to_stock_and_where(
    kinds: list[str], restock: object, node: str | None, world: World, client: Client
) -> None:
    await deliver(client, "orders/create", order())
    rows = [row(0, 1, "18.45", kind) | {"location_id": 655} for kind in kinds]
    assert await deliver(client, "refunds/create", refund(*rows, paid="18.45"), number="w-2") == [
        "return"
    ]
    (line,) = body_of(world, "8100000000001")["lines"]
    assert (line["restock"], line.get("node")) == (restock, node)


async def test_a_line_of_which_some_pieces_are_restocked_and_some_not_is_for_staff(
    world: World, client: Client
) -> None:
    await deliver(client, "orders/create", order())
    rows = [row(0, 1, "18.45", kind) for kind in ("return", "no_restock")]
    assert await deliver(client, "refunds/create", refund(*rows, paid="18.45"), number="w-2") == [
        "exception"
    ]
    why = why_unmapped(body_of(world, "8100000000001"))
    assert "/lines/0/restock: some pieces of line item" in why
