from __future__ import annotations

from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from gateway.api.edge import Gateway
from gateway.canonical.process import PROCESSES
from gateway.errors import ErpUnavailable, RulesUnavailable
from gateway.routing.model import Mode, Rule
from tests.unit.api.world import World, all_legacy, client_of, sent_by

Client = AsyncTestClient[Gateway]

pytestmark = pytest.mark.anyio

POS = sent_by("pos")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (
            "/v1/inventory/TEE-BLK-M?legal_entity=NL01",
            {
                "sku": "TEE-BLK-M",
                "legal_entity": "NL01",
                "available": 12,
                "unit": "EA",
                "as_of": "2026-11-21T10:00:00Z",
            },
        ),
        (
            "/v1/prices/TEE-BLK-M?legal_entity=NL01",
            {
                "sku": "TEE-BLK-M",
                "legal_entity": "NL01",
                "currency": "EUR",
                "unit_price": "19.95",
                "tax_included": True,
                "as_of": "2026-11-21T10:00:00Z",
            },
        ),
        (
            "/v1/products/TEE-BLK-M",
            {
                "sku": "TEE-BLK-M",
                "name": "T-shirt black M",
                "ean": "4006381333931",
                "tax_category": "standard",
                "unit": "EA",
            },
        ),
    ],
)
async def test_an_enquiry_is_answered_canonically(
    path: str, found: dict[str, Any], client: Client
) -> None:
    answer = await client.get(path, headers=sent_by("webshop"))
    assert (answer.status_code, answer.json()) == (200, found)
    assert answer.headers["cache-control"] == "no-store"


async def test_the_rules_say_who_answers(world: World) -> None:
    moved = Rule(
        "nl-stock", "inventory.availability", Mode.CLOUD, when=(("legal_entity", ("NL01",)),)
    )
    world = World(rules=all_legacy(moved))
    async with client_of(world) as client:
        for entity in ("NL01", "DE01"):
            path = f"/v1/inventory/TEE-BLK-M?legal_entity={entity}"
            assert (await client.get(path, headers=sent_by("webshop"))).status_code == 200
    assert (len(world.cloud.asked), len(world.legacy.asked)) == (1, 1)


async def test_all_that_rules_may_route_an_enquiry_by_can_be_named() -> None:
    for process, path in (
        ("inventory.availability", "inventory"),
        ("catalog.product", "products"),
        ("catalog.price", "prices"),
    ):
        for fact in PROCESSES[process].basis:
            if fact in {"channel", "legal_entity"}:
                continue
            value = "NL-001" if fact == "store" else "x"
            world = World(
                rules=all_legacy(Rule("r", process, Mode.CLOUD, when=((fact, (value,)),)))
            )
            async with client_of(world) as client:
                asked = f"/v1/{path}/TEE-BLK-M?legal_entity=NL01"
                for more in ("", f"&{fact}={value}"):
                    answer = await client.get(asked + more, headers=sent_by("webshop"))
                    assert answer.status_code == 200, answer.text
            assert (len(world.cloud.asked), len(world.legacy.asked)) == (1, 1), (process, fact)


async def test_what_an_enquiry_names_is_checked(client: Client) -> None:
    for more, detail in (
        ("store=NL-999", "store 'NL-999' is not known; check its code"),
        (f"brand={'b' * 41}", f"brand '{'b' * 40}' is not a short text of at most 40 characters"),
    ):
        path = f"/v1/inventory/TEE-BLK-M?legal_entity=NL01&{more}"
        answer = await client.get(path, headers=sent_by("webshop"))
        assert (answer.status_code, answer.json()["detail"]) == (422, detail)


async def test_a_channel_of_one_entity_need_not_name_it(client: Client) -> None:
    answer = await client.get("/v1/inventory/TEE-BLK-M", headers=POS)
    assert answer.json()["legal_entity"] == "NL01"


async def test_a_product_is_looked_up_through_the_first_entity_unless_one_is_named(
    world: World, client: Client
) -> None:
    await client.get("/v1/products/TEE-BLK-M", headers=sent_by("webshop"))
    await client.get("/v1/products/TEE-BLK-M?legal_entity=DE01", headers=sent_by("webshop"))
    assert world.legacy.asked == ["TEE-BLK-M NL01", "TEE-BLK-M DE01"]


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        (
            "/v1/inventory/TEE-BLK-M",
            422,
            "legal_entity is missing; add ?legal_entity= with one of NL01 or DE01 or JP01",
        ),
        (
            "/v1/prices/TEE-BLK-M?legal_entity=XX",
            422,
            "legal entity 'XX' is not known; use NL01 or DE01 or JP01",
        ),
        (
            "/v1/inventory/NO-SUCH?legal_entity=NL01",
            404,
            "no item with SKU 'NO-SUCH' is known; check the SKU",
        ),
        (
            "/v1/inventory/x'%20or%201%20eq%201?legal_entity=NL01",
            404,
            'no item with SKU "x\' or 1 eq 1" is known; check the SKU',
        ),
    ],
)
async def test_what_cannot_be_answered(path: str, status: int, detail: str, client: Client) -> None:
    answer = await client.get(path, headers=sent_by("webshop"))
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)


async def test_a_text_that_can_be_no_sku_reaches_no_erp(world: World, client: Client) -> None:
    await client.get("/v1/inventory/x'%20or?legal_entity=NL01", headers=POS)
    assert world.legacy.asked == []


async def test_another_entitys_stock_is_forbidden(client: Client) -> None:
    answer = await client.get("/v1/inventory/TEE-BLK-M?legal_entity=DE01", headers=POS)
    assert answer.status_code == 403
    assert answer.json()["detail"] == (
        "channel 'pos' may not name legal entity 'DE01'; it may name NL01"
    )


@pytest.mark.parametrize("path", ["/v1/inventory/A", "/v1/prices/A", "/v1/products/A"])
async def test_enquiries_need_their_scope(path: str, client: Client) -> None:
    answer = await client.get(path, headers=sent_by("ops"))
    assert answer.status_code == 403


async def test_an_erp_that_does_not_answer_has_no_name(world: World, client: Client) -> None:
    world.legacy.failure = ErpUnavailable("legacy at http://10.0.0.9 timed out", 4)
    answer = await client.get("/v1/inventory/TEE-BLK-M", headers=POS)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "4")
    assert answer.json() == {
        "type": "urn:coexist:problem:enquiry-unavailable",
        "title": "Temporarily unavailable",
        "status": 503,
        "detail": "this enquiry cannot be answered now; repeat it",
        "instance": "/v1/inventory/TEE-BLK-M",
    }


async def test_without_rules_nothing_is_asked(world: World, client: Client) -> None:
    world.book.failure = RulesUnavailable("rule version 4711 is gone")
    answer = await client.get("/v1/inventory/TEE-BLK-M", headers=POS)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:coexist:problem:rules-unavailable"
    assert world.legacy.asked == []
