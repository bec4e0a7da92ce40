"""What Loop says of goods: authorised, received and withdrawn once, in whatever order it comes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import permutations
from typing import Any

import pytest

from gateway.canonical.envelope import Envelope
from gateway.canonical.unmapped import UNMAPPED, why_unmapped
from tests.unit.api.test_loop_hooks import LOOP, Client, ordered, tell
from tests.unit.api.test_shopify_hooks import SETTINGS
from tests.unit.api.world import Plan, Sender, World, client_of
from tests.unit.channels.loop_payloads import RETURN_ID, row, snapshot
from tests.unit.channels.shopify_payloads import ORDER_ID

pytestmark = pytest.mark.anyio

WHERE = "70001"
PIECE = row(0, "18.45") | {"variant_id": "39", "provider_restock_location_id": WHERE}
BROKEN = PIECE | {"provider_restock_location_id": None, "return_reason": "not as pictured"}
OTHER = row(1, "25.00") | {"variant_id": "40", "provider_restock_location_id": WHERE}
AUTHORISATION, RECEIPT = "return.authorisation", "return.receipt"


@pytest.fixture
def world() -> World:
    return world_of("closed")


@pytest.fixture
async def client(world: World, anyio_backend: str) -> AsyncIterator[Client]:
    async with client_of(world) as client:
        yield client


def world_of(goods_came: str) -> World:
    elsewhere = SETTINGS.model_copy(update={"goods_back": "elsewhere"})
    loop = LOOP.model_copy(update={"goods_came": goods_came})
    channels = dict(Plan().channels) | {
        "shop": Sender((), (), ("NL01",), elsewhere),
        "loop": Sender((), (), ("NL01",), None, loop),
    }
    return World(plan=Plan(channels=channels, body_bytes_max=60_000))


def bodies(world: World, process: str) -> dict[str, dict[str, Any]]:
    found = [Envelope.model_validate_json(it.payload) for it in world.buffer.entries.values()]
    return {it.reference: it.body for it in found if it.process == process}


def received(world: World) -> Counter[tuple[int, str, str]]:
    """Pieces by line, disposition and location."""
    found = Counter[tuple[int, str, str]]()
    for body in bodies(world, RECEIPT).values():
        for line in body["lines"]:
            found[line["line"], line["disposition"], body["node"]] += line["quantity"]
    return found


def request(pieces: Any = 1, article: str = "39") -> dict[str, Any]:
    """A request to restock, in the published shape."""
    return {
        "topic": "restock", "trigger": "restock.requested", "id": RETURN_ID, "order_id": "1",
        "provider_order_id": ORDER_ID,
        "restock_items": [{
            "location_id": WHERE, "variant_id": article, "inventory_item_id": "8",
            "available_adjustment": pieces, "inventory_management": "shopify",
        }],
    }  # fmt: skip


async def test_a_return_is_authorised_received_and_credited_in_that_order(
    world: World, client: Client
) -> None:
    await ordered(client)
    asked = snapshot(PIECE, BROKEN, state="open", edited=1)
    assert await tell(client, asked, goods=True) == ["authorisation"]
    assert await tell(client, asked, goods=True) == []
    (due,) = bodies(world, AUTHORISATION).values()
    assert (due["authorisation_ref"], due["return_ref"]) == (RETURN_ID, RETURN_ID)
    assert (due["order_ref"], due["order_channel"]) == (str(ORDER_ID), "shop")
    assert due["lines"] == [
        {"line": 1, "sku": "TEE-BLK-M", "quantity": 2, "reason": "too small", "item_ref": "39"}
    ]
    closed = snapshot(PIECE, BROKEN, edited=2)
    assert await tell(client, closed, goods=True) == ["receipt", "receipt", "return"]
    assert await tell(client, closed, goods=True) == []
    assert received(world) == {(1, "restock", WHERE): 1, (1, "quarantine", ""): 1}
    (credit,) = bodies(world, "return.credit").values()
    assert [it["restock"] for it in credit["lines"]] == [False], "the receipts move the goods"


async def test_a_return_first_heard_of_when_it_is_closed_takes_all_its_steps(
    world: World, client: Client
) -> None:
    await ordered(client)
    found = await tell(client, snapshot(PIECE, edited=2), goods=True)
    assert found == ["authorisation", "receipt", "return"]
    assert received(world) == {(1, "restock", WHERE): 1}


STORY = (
    snapshot(PIECE, state="open", edited=1),
    snapshot(PIECE, OTHER, state="open", edited=2),
    snapshot(PIECE, OTHER, state="open", edited=3, refunds=[{"amount": "43.45"}]),
    snapshot(PIECE, OTHER, edited=4),
    request(),
)


@pytest.mark.parametrize("places", list(permutations(range(5)))[::7])
async def test_in_whatever_order_all_is_told_each_piece_is_received_once(
    places: tuple[int, ...], world: World, client: Client
) -> None:
    await ordered(client)
    for place in places:
        for _ in range(2):
            early = STORY[place] is STORY[4] and not bodies(world, AUTHORISATION)
            await tell(client, STORY[place], status=503 if early else 200)
    assert received(world) == {(1, "restock", WHERE): 1, (2, "restock", WHERE): 1}
    newest = [it for _, it in sorted(bodies(world, AUTHORISATION).items())][-1]
    assert sorted(it["line"] for it in newest["lines"]) == [1, 2]
    assert not any(UNMAPPED in it for it in bodies(world, RECEIPT).values())


async def test_snapshots_and_requests_at_once_are_one_receipt_of_each_piece(
    world: World, client: Client
) -> None:
    await ordered(client)
    await tell(client, STORY[1])
    told = [STORY[3], request(), STORY[3], request(article="40"), request()]
    await asyncio.gather(*(tell(client, it) for it in told))
    assert received(world) == {(1, "restock", WHERE): 1, (2, "restock", WHERE): 1}


@pytest.mark.parametrize("pieces", [1, "1"])
async def test_a_request_to_restock_is_received_once_and_closing_makes_good_for_one_that_was_lost(
    pieces: object, world: World, client: Client
) -> None:
    await ordered(client)
    await tell(client, request(pieces), status=503)
    await tell(client, snapshot(PIECE, PIECE, state="open", edited=1))
    assert await tell(client, request(pieces), goods=True) == ["receipt"]
    assert await tell(client, request(pieces), goods=True) == [], "told again, or the second piece?"
    assert received(world) == {(1, "restock", WHERE): 1}
    await tell(client, snapshot(PIECE, PIECE, edited=2))
    assert received(world) == {(1, "restock", WHERE): 2}
    assert await tell(client, request(2), goods=True) == []


async def test_goods_that_are_on_their_way_when_a_return_is_closed_come_by_requests_alone() -> None:
    world = world_of("requested")
    async with client_of(world) as client:
        await ordered(client)
        found = await tell(client, snapshot(PIECE, edited=1), goods=True)
        assert found == ["authorisation", "return"]
        assert await tell(client, request(), goods=True) == ["receipt"]
        assert received(world) == {(1, "restock", WHERE): 1}


@pytest.mark.parametrize("state", ["cancelled", "expired"])
async def test_a_return_that_is_given_up_is_withdrawn_once(
    state: str, world: World, client: Client
) -> None:
    await ordered(client)
    given_up = snapshot(PIECE, state=state, edited=2)
    await tell(client, snapshot(PIECE, state="open", edited=1))
    for expected in (["authorisation"], []):
        assert await tell(client, given_up, goods=True) == expected
    last = bodies(world, AUTHORISATION)[f"{RETURN_ID}-2"]
    assert (last["status"], last["reason"], last.get("lines")) == ("withdrawn", state, None)
    assert not received(world)
    again = snapshot(PIECE, state="open", edited=3)
    assert await tell(client, again, goods=True) == ["authorisation"], "and may be opened again"


async def test_what_is_given_up_before_it_was_heard_of_is_not_expected_afterwards(
    world: World, client: Client
) -> None:
    await ordered(client)
    for _ in range(2):
        await tell(client, snapshot(PIECE, state="cancelled", edited=2))
        assert await tell(client, snapshot(PIECE, state="open", edited=1), goods=True) == []
    (body,) = bodies(world, AUTHORISATION).values()
    assert body["status"] == "withdrawn"


async def test_a_return_that_is_given_up_after_its_goods_came_is_for_staff_once(
    world: World, client: Client
) -> None:
    await ordered(client)
    await tell(client, snapshot(PIECE, state="open", edited=1))
    await tell(client, request())
    gone = snapshot(PIECE, state="expired", edited=2)
    for expected in (["exception"], []):
        assert await tell(client, gone, goods=True) == expected
    why = why_unmapped(bodies(world, AUTHORISATION)[f"{RETURN_ID}-2"])
    assert f"return {RETURN_ID} is expired, and 1 piece(s) of it came" in why


async def test_an_article_of_no_line_is_for_staff(world: World, client: Client) -> None:
    await ordered(client)
    await tell(client, snapshot(PIECE, state="open", edited=1))
    for _ in range(2):
        assert await tell(client, request(article="99"), goods=True) == ["exception"]
    (body,) = bodies(world, RECEIPT).values()
    assert "1 of article 99 are no part of the return; say which line" in why_unmapped(body)


async def test_goods_that_a_credit_brought_are_not_received_again(
    world: World, client: Client
) -> None:
    """A release that knew no receipts credited pieces that went to stock with it."""
    await ordered(client)
    await tell(client, snapshot(PIECE, state="open", edited=1, refunds=[{"amount": "18.45"}]))
    for it in world.buffer.states.values():
        for line in it.envelope.body["lines"]:
            line.pop("restock", None)
    await tell(client, snapshot(PIECE, PIECE, edited=2))
    assert received(world) == {(1, "restock", WHERE): 1}


async def test_a_label_says_nothing_of_what_came(world: World, client: Client) -> None:
    await ordered(client)
    label = {
        "topic": "label", "trigger": "label.updated", "shop_id": 1, "id": RETURN_ID,
        "provider_order_id": ORDER_ID, "label_status": "delivered", "carrier": "X",
        "tracking_number": "1", "label_updated_at": "2026-11-21T09:00:00Z",
    }  # fmt: skip
    assert await tell(client, label, goods=True) == []
    assert not bodies(world, RECEIPT)
    assert not world.observer.drift
