"""Loop's webhooks at the API: who may, what is credited when, and nothing twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import permutations
from typing import Any

import pytest
from litestar.testing import AsyncTestClient
from pydantic import SecretStr

from gateway.api import examples
from gateway.api.edge import Gateway
from gateway.canonical.envelope import Envelope
from gateway.canonical.process import Target
from gateway.canonical.unmapped import why_unmapped
from gateway.channels.loop.signature import as_signed, signature
from gateway.settings.loop import LoopSettings
from tests.unit.api.test_shopify_hooks import SETTINGS, deliver
from tests.unit.api.world import Plan, Sender, World, client_of, sent_by
from tests.unit.channels.loop_payloads import RETURN_ID, row, snapshot
from tests.unit.channels.shopify_payloads import LINE_ID, ORDER_ID, order, refund
from tests.unit.channels.shopify_payloads import row as refunded

pytestmark = pytest.mark.anyio

SECRET = "loop-new"
LOOP = LoopSettings(
    secrets=(SecretStr(SECRET), SecretStr("loop-old")), legal_entity="NL01", order_channel="shop"
)
Client = AsyncTestClient[Gateway]


@pytest.fixture
def world() -> World:
    elsewhere = SETTINGS.model_copy(update={"goods_back": "elsewhere"})
    channels = dict(Plan().channels) | {
        "shop": Sender((), (), ("NL01",), elsewhere),
        "loop": Sender((), (), ("NL01",), None, LOOP),
    }
    return World(plan=Plan(channels=channels, body_bytes_max=60_000))


@pytest.fixture
async def client(world: World, anyio_backend: str) -> AsyncIterator[Client]:
    async with client_of(world) as client:
        yield client


async def tell(
    client: Client, payload: object, *, secret: str = SECRET, status: int = 200,
    body: bytes = b"", sign: bytes = b"", path: str = "loop", goods: bool = False,
) -> list[str]:  # fmt: skip
    sent = body or json.dumps(payload, indent=1).encode()
    answer = await client.post(
        f"/v1/hooks/loop/{path}", content=sent,
        headers={"x-loop-signature": (sign or signature(sent, secret)).decode()},
    )  # fmt: skip
    assert answer.status_code == status, answer.text
    found = [it["what"] for it in answer.json().get("taken", [])]
    return [it for it in found if goods or it not in {"authorisation", "receipt"}]


def credits_of(world: World) -> dict[str, dict[str, Any]]:
    found = [Envelope.model_validate_json(it.payload) for it in world.buffer.entries.values()]
    return {it.reference: it.body for it in found if it.process == "return.credit"}


async def ordered(client: Client) -> None:
    await deliver(client, "orders/create", order(), number="w-0")


CLOSED = snapshot(row(0, "18.45"), edited=9, handling_fee="2.00")


async def test_a_closed_return_is_credited_where_its_order_is_once(
    world: World, client: Client
) -> None:
    await ordered(client)
    for expected in (["return"], [], []):
        assert await tell(client, CLOSED) == expected
    entries = [it for it in world.buffer.entries.values() if it.channel == "loop"]
    assert {it.object_key for it in entries} == {f"order:shop:{ORDER_ID}"}
    assert all(it.follow_up for it in entries)
    body = credits_of(world)[RETURN_ID]
    assert (body["order_channel"], body["order_ref"]) == ("shop", str(ORDER_ID))
    assert body["lines"] == [
        {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "refund": "18.45", "restock": False}
    ]  # fmt: skip
    assert body["adjustments"] == [{"reason": "handling fee", "amount": "-2.00"}]
    assert body["total"] == "16.45"


async def test_a_refund_before_the_goods_came_is_credited_then_and_not_again(
    world: World, client: Client
) -> None:
    await ordered(client)
    asked = snapshot(row(0, "18.45"), state="open", edited=1)
    paid = snapshot(
        row(0, "18.45"), state="open", edited=2, refunds=[{"gateway": "x", "amount": "18.45"}]
    )
    assert await tell(client, asked) == []
    assert await tell(client, paid) == ["return"]
    assert await tell(client, paid | {"state": "closed", "edited_at": "2026-11-21T11:00:00Z"}) == []
    assert list(credits_of(world)) == [RETURN_ID]


STORY = (
    snapshot(row(0, "18.45"), state="open", edited=1),
    snapshot(row(0, "18.45"), state="open", edited=2, refunds=[{"amount": "18.45"}]),
    snapshot(row(0, "18.45"), row(0, "18.45"), edited=3),
    snapshot(row(0, "18.45"), row(0, "18.45"), edited=3),
)


@pytest.mark.parametrize("places", list(permutations(range(4))))
async def test_in_whatever_order_snapshots_come_all_is_credited_once(
    places: tuple[int, ...], world: World, client: Client
) -> None:
    await ordered(client)
    for place in places:
        await tell(client, STORY[place])
    found = credits_of(world)
    assert sum(it["lines"][0]["quantity"] for it in found.values()) == 2
    assert sum(round(float(it["total"]) * 100) for it in found.values()) == 3690
    assert not any(why_unmapped(it) for it in found.values())


TAXED = row(0, "18.45") | {"tax": "3.38"}


@pytest.mark.parametrize(
    ("rows", "taxes"),
    [
        ([[TAXED], [TAXED, TAXED | {"tax": "3.37"}]], ["3.38", "3.37"]),
        ([[row(0, "18.45")], [row(0, "18.45"), TAXED]], [None, None]),
        ([[TAXED], [TAXED, row(0, "18.45")]], ["3.38", None]),
        ([[row(1, "25.00")]], ["0.00"]),
    ],
    ids=["stated", "first not stated", "then not stated", "was not taxed"],
)
async def test_a_row_s_tax_is_credited_if_it_says_anything_of_it(
    world: World, client: Client, rows: list[list[dict[str, Any]]], taxes: list[str | None]
) -> None:
    """0.00 of a line that was taxed says nothing: the shop's prices may include tax."""
    await ordered(client)
    for edited, it in enumerate(rows, 1):
        assert await tell(client, snapshot(*it, edited=edited)) == ["return"]
    found = [it["lines"][0].get("tax") for it in credits_of(world).values()]
    assert found == taxes


async def test_a_return_of_more_tax_than_was_charged_is_for_staff(
    world: World, client: Client
) -> None:
    await ordered(client)
    more = snapshot(TAXED, TAXED, edited=1)
    assert await tell(client, more) == ["exception"]
    (body,) = credits_of(world).values()
    assert f"line {LINE_ID} gives 6.76 of tax back, and 6.75 was charged" in why_unmapped(body)


async def test_one_snapshot_delivered_many_times_at_once_is_one_credit(
    world: World, client: Client
) -> None:
    await ordered(client)
    await asyncio.gather(*(tell(client, CLOSED) for _ in range(12)))
    assert list(credits_of(world)) == [RETURN_ID]


async def test_what_was_credited_and_is_not_so_any_more_is_for_staff_once(
    world: World, client: Client
) -> None:
    await ordered(client)
    await tell(client, snapshot(row(0, "18.45"), row(1, "25.00"), edited=1))
    fewer = snapshot(row(0, "18.45"), edited=2)
    other = snapshot(row(0, "18.00"), row(1, "25.00"), edited=3)
    gone = snapshot(row(0, "18.45"), row(1, "25.00"), edited=4, state="cancelled")
    for story, found in ((fewer, 1), (other, 1), (gone, 2)):  # goods that came are one more
        for _ in range(2):
            assert (await tell(client, story)) in (["exception"] * found, ["exception"], [])
    reasons = [why_unmapped(it) for it in credits_of(world).values()]
    assert len(reasons) == 4
    for said in ("0 of line", "gives 18.00", "is cancelled now"):
        assert sum(said in it for it in reasons) == 1, reasons


async def test_a_return_that_was_given_up_before_is_nothing(world: World, client: Client) -> None:
    await ordered(client)
    for state in ("cancelled", "expired", "needs review", "open"):
        assert await tell(client, snapshot(row(0, "18.45"), state=state)) == []
    assert not credits_of(world)


async def test_what_does_not_fit_its_order_or_add_up_is_held_once(
    world: World, client: Client
) -> None:
    await ordered(client)
    odd = snapshot(row(9, "5.00"), edited=1)
    off = snapshot(row(0, "18.45"), edited=1) | {"return_total": "20.00"}
    for payload, found in ((odd, 2), (off, 1)):  # what is of no line cannot be received either
        for _ in range(2):
            assert await tell(client, payload) == ["exception"] * found
    reasons = " ".join(why_unmapped(it) for it in credits_of(world).values())
    assert "is no line of the order" in reasons
    assert "return_total 20.00 is 1.55 off" in reasons
    assert len(credits_of(world)) == 2


async def counter(client: Client, world: World, pieces: int, name: str = "C-1") -> None:
    """Goods of the shop's order are handed in at a store's counter."""
    body = examples.RETURN | {
        "return_ref": name, "order_ref": str(ORDER_ID), "order_channel": "shop",
        "lines": [{"line": 1, "sku": "TEE-BLK-M", "quantity": pieces, "refund": "18.45"}],
        "total": "18.45",
    }  # fmt: skip
    world.buffer.owners[f"order:shop:{ORDER_ID}"] = Target.CLOUD
    for out in ("shipping", "adjustments"):
        body.pop(out, None)
    answer = await client.post("/v1/returns", json=body, headers=sent_by("returns-desk"))
    assert answer.status_code == 202, answer.text


async def test_goods_handed_in_at_a_store_are_not_credited_by_the_platform_too(
    world: World, client: Client
) -> None:
    await ordered(client)
    sold = order()["line_items"][0]["quantity"]
    await counter(client, world, sold - 1)
    assert await tell(client, CLOSED) == ["return"], "there was one piece left"
    again = snapshot(row(0, "18.45"), edited=9, id="512346")
    for expected in (["exception"], ["exception"]):
        assert await tell(client, again) == expected
    held = [why for it in credits_of(world).values() if (why := why_unmapped(it))]
    assert len(held) == 1
    assert (
        f"1 of line {LINE_ID} come back, {sold} did by 512345, C-1, and {sold} were sold" in held[0]
    )


async def test_before_its_order_is_known_it_has_to_come_again(client: Client) -> None:
    await tell(client, CLOSED, status=503)
    await ordered(client)
    assert await tell(client, CLOSED) == ["return"]


async def test_the_shop_that_leaves_goods_to_the_platform_credits_them_no_second_time(
    world: World, client: Client
) -> None:
    await ordered(client)
    await tell(client, CLOSED)
    back = refund(refunded(0, 1, "18.45"), paid="16.45")
    assert await deliver(client, "refunds/create", back, number="w-9") == []
    assert list(credits_of(world)) == [RETURN_ID]


async def test_signatures_are_over_escaped_slashes_and_no_newlines(client: Client) -> None:
    await ordered(client)
    pretty = json.dumps(CLOSED, indent=2).encode()
    assert b"https://" in pretty
    assert as_signed(pretty) == as_signed(pretty.replace(b"/", b"\\/").replace(b"\n", b"\r\n"))
    for secret in (SECRET, "loop-old"):
        await tell(client, None, body=pretty, secret=secret)
    php = json.dumps(CLOSED).replace("/", "\\/").encode()
    await tell(client, None, body=php)
    await tell(client, None, body=pretty, sign=signature(php, SECRET), status=401)
    await tell(client, CLOSED, secret="another", status=401)
    await tell(client, CLOSED, sign=b"x", status=401)
    await tell(client, CLOSED, path="shop", status=404)
    forged = pretty.replace(b"18.45", b"99.45")
    await tell(client, None, body=forged, sign=signature(pretty, SECRET), status=401)


async def test_empty_payloads_and_other_topics_say_nothing_and_are_counted(
    world: World, client: Client
) -> None:
    for payload in ({}, {"topic": "label", "id": "1", "trigger": "label.created"}, {"id": None}):
        assert await tell(client, payload) == []
    assert await tell(client, None, body=b"\n") == []
    assert "loop return null:id" in world.observer.drift
    await tell(client, snapshot(row(0, "1.00"), state="on holiday"))
    assert "loop return value:state=on holiday" in world.observer.drift
    await tell(client, snapshot(row(0, "1.00"), state="open", loyalty_v2="gold", currency=None))
    assert {"loop return field:loyalty_v2", "loop return null:currency"} <= set(
        world.observer.drift
    )
    await tell(client, None, body=b"[1", status=400)
