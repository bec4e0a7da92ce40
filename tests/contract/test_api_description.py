"""The API's description is right: it is what channels' developers and their generators read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from litestar.testing import AsyncTestClient
from pydantic import BaseModel

from gateway.api import examples
from gateway.api.app import create_app
from gateway.api.edge import Gateway
from gateway.canonical.order import Cancellation, Order, Return
from gateway.canonical.process import Target
from gateway.canonical.sale import StoreSale, StoreSaleBatch
from tests.unit.api.world import World, client_of, sent_by

BODIES: dict[str, type[BaseModel]] = {
    "/v1/orders": Order,
    "/v1/orders/{order_ref}/cancellations": Cancellation,
    "/v1/returns": Return,
    "/v1/store-sales": StoreSaleBatch,
}
#: Which channel may use an operation, and which may not ("" if everybody may).
ALLOWED = {
    ("post", "/v1/orders"): ("webshop", "pos"),
    ("get", "/v1/orders/{order_ref}"): ("webshop", "ops"),
    ("post", "/v1/orders/{order_ref}/cancellations"): ("webshop", "pos"),
    ("post", "/v1/return-authorisations"): ("returns-desk", "pos"),
    ("post", "/v1/return-receipts"): ("returns-desk", "pos"),
    ("post", "/v1/returns"): ("returns-desk", "pos"),
    ("post", "/v1/store-sales"): ("pos", "webshop"),
    ("get", "/v1/inventory/{sku}"): ("pos", "ops"),
    ("get", "/v1/prices/{sku}"): ("pos", "ops"),
    ("get", "/v1/products/{sku}"): ("pos", "ops"),
    ("get", "/v1/transactions/{transaction_id}"): ("webshop", ""),
    ("get", "/metrics"): ("ops", "webshop"),
}
OPEN = {("get", "/healthz"), ("get", "/readyz")}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    found: dict[str, Any] = create_app(World().services()).openapi_schema.to_schema()
    return found


def operations(description: dict[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            yield (method, path), operation


def resolved(description: dict[str, Any], reference: str) -> Any:
    found: Any = description
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_it_is_openapi_3_1_and_every_reference_leads_somewhere(
    description: dict[str, Any],
) -> None:
    assert description["openapi"].startswith("3.1.")
    assert description["servers"] == [{"url": "/"}]
    found = set(references(description))
    assert found
    for reference in found:
        assert resolved(description, reference)


def test_it_describes_every_route_and_nothing_else(description: dict[str, Any]) -> None:
    assert {key for key, _ in operations(description)} == set(ALLOWED) | OPEN


def test_every_operation_has_a_summary_an_id_of_its_own_and_its_path_parameters(
    description: dict[str, Any],
) -> None:
    ids = []
    for (_, path), operation in operations(description):
        assert operation["summary"]
        ids.append(operation["operationId"])
        named = {
            parameter["name"]
            for parameter in operation.get("parameters", ())
            if parameter["in"] == "path"
        }
        assert named == set(re.findall(r"{(\w+)}", path))
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", BODIES)
def test_the_body_of_a_write_is_described_by_its_model_with_a_valid_example(
    path: str, description: dict[str, Any]
) -> None:
    model = BODIES[path]
    body = description["paths"][path]["post"]["requestBody"]
    assert body["required"] is True
    content = body["content"]["application/json"]
    assert content["schema"] == {"$ref": f"#/components/schemas/{model.__name__}"}
    schema = resolved(description, content["schema"]["$ref"])
    wire_names = {field.alias or name for name, field in model.model_fields.items()}
    assert set(schema["properties"]) == wire_names
    assert schema["additionalProperties"] is False
    model.model_validate(content["example"])


def test_money_is_described_as_text(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    for schema, name in (("Order", "total"), ("SalesLine", "unit_price"), ("Tender", "amount")):
        assert schemas[schema]["properties"][name]["type"] == "string"
    assert "'type': 'number'" not in str(schemas)


def test_receipts_of_a_batch_are_described(description: dict[str, Any]) -> None:
    items = description["components"]["schemas"]["StoreSaleBatch"]["properties"]["transactions"]
    assert items["items"] == {
        "anyOf": [
            {"$ref": "#/components/schemas/StoreSale"},
            {"$ref": "#/components/schemas/Mark"},
        ]
    }
    StoreSale.model_validate(examples.STORE_SALES["transactions"][0])


def test_every_refusal_is_described_as_a_problem_document(description: dict[str, Any]) -> None:
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for _, operation in operations(description):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                described = resolved(description, answer["$ref"])
                assert described["content"] == {"application/problem+json": problem}
    refusals = description["components"]["responses"]
    assert "Retry-After" in refusals["Problem503"]["headers"]
    assert "WWW-Authenticate" in refusals["Problem401"]["headers"]


def test_headers_of_writes_are_described(description: dict[str, Any]) -> None:
    operation = description["paths"]["/v1/orders"]["post"]
    assert {"Idempotency-Key", "Prefer"} <= {each["name"] for each in operation["parameters"]}
    for status in ("201", "202"):
        assert set(operation["responses"][status]["headers"]) == {
            "Location",
            "Idempotency-Replayed",
            "Preference-Applied",
        }


def test_keys_are_described_as_what_they_are(description: dict[str, Any]) -> None:
    assert description["security"] == [{"bearer": []}, {"apiKey": []}]
    schemes = description["components"]["securitySchemes"]
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert schemes["apiKey"]["in"] == "header"
    assert schemes["apiKey"]["name"] == "X-API-Key"
    for key, operation in operations(description):
        assert (operation.get("security") == []) == (key in OPEN)


async def ask(client: AsyncTestClient[Gateway], method: str, path: str, **sent: Any) -> Any:
    filled = re.sub(r"{\w+}", "A", path)
    body = BODIES.get(path) and {"not": "valid"}
    return await client.request(method.upper(), filled, json=body, **sent)


@pytest.mark.anyio
@pytest.mark.parametrize(("method", "path"), ALLOWED)
async def test_every_operation_needs_a_key_with_the_right_scope(method: str, path: str) -> None:
    allowed, refused = ALLOWED[method, path]
    async with client_of(World()) as client:
        assert (await ask(client, method, path)).status_code == 401
        if refused:
            answer = await ask(client, method, path, headers=sent_by(refused))
            assert answer.status_code == 403
        answer = await ask(client, method, path, headers=sent_by(allowed))
        assert answer.status_code not in {401, 403}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "channel", "body", "status"),
    [
        ("/v1/orders", "webshop", examples.ORDER, 202),
        ("/v1/orders/SHOP-10001/cancellations", "webshop", examples.CANCELLATION, 202),
        ("/v1/returns", "returns-desk", examples.RETURN, 202),
        ("/v1/store-sales", "pos", examples.STORE_SALES, 207),
    ],
)
async def test_the_examples_are_taken_as_they_stand(
    path: str, channel: str, body: dict[str, Any], status: int
) -> None:
    world = World()
    world.buffer.owners["order:webshop:SHOP-10001"] = Target.LEGACY
    async with client_of(world) as client:
        answer = await client.post(path, json=body, headers=sent_by(channel))
    assert answer.status_code == status
    assert len(world.buffer.entries) == 1


@pytest.mark.anyio
async def test_it_is_served_as_json_and_as_yaml_and_loads_nothing_from_elsewhere(
    description: dict[str, Any],
) -> None:
    async with client_of(World()) as client:
        root = await client.get("/schema")
        as_json = await client.get("/schema/openapi.json")
        as_yaml = await client.get("/schema/openapi.yaml")
    assert root.json() == as_json.json() == description
    assert yaml.safe_load(as_yaml.text) == description
    assert root.headers["content-type"] == "application/vnd.oai.openapi+json"
