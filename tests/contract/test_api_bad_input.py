"""What each kind of bad input is answered, to the letter: programs and people rely on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.api import examples
from gateway.errors import LedgerUnavailable, StoreUnavailable
from tests.unit.api.world import Plan, World, client_of, sent_by

pytestmark = pytest.mark.anyio

WEBSHOP = sent_by("webshop")


def problem(
    code: str, title: str, status: int, detail: str, instance: str = "/v1/orders"
) -> dict[str, Any]:
    return {
        "type": f"urn:coexist:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
    }


def wrong_field(pointer: str, detail: str, instance: str = "/v1/orders") -> dict[str, Any]:
    return problem(
        "invalid-fields",
        "Some fields are not valid",
        422,
        "1 field is not valid; correct and send again",
        instance,
    ) | {"errors": [{"pointer": pointer, "detail": detail}]}


def with_line(**changes: Any) -> dict[str, Any]:
    return examples.ORDER | {"lines": [examples.ORDER["lines"][0] | changes]}


async def answer_to(
    world: World, path: str, headers: Mapping[str, str], **body: Any
) -> tuple[dict[str, Any], Mapping[str, str]]:
    async with client_of(world) as client:
        answer = await client.post(path, headers=dict(headers), **body)
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    assert not world.buffer.entries
    return found, answer.headers


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param(
            with_line(quantity=-2),
            wrong_field(
                "/lines/0/quantity", "Input should be greater than or equal to 1; given is -2"
            ),
            id="negative quantity",
        ),
        pytest.param(
            examples.ORDER | {"currency": "USD"},
            wrong_field("/currency", "currency 'USD' is not booked by legal entity NL01; use EUR"),
            id="wrong currency",
        ),
        pytest.param(
            examples.ORDER | {"ordered_at": "2026-11-24T10:00:00+00:00"},
            wrong_field(
                "/ordered_at",
                "2026-11-24T10:00:00+00:00 is 3 days ahead of the gateway's clock "
                "(2026-11-21T10:00:00+00:00); check the sender's clock",
            ),
            id="clock ahead",
        ),
        pytest.param(
            examples.ORDER | {"ordered_at": "2016-11-21T10:00:00+00:00"},
            wrong_field(
                "/ordered_at",
                "2016-11-21T10:00:00+00:00 is 3652 days ago; documents of the last 400 days are "
                "taken, check the year",
            ),
            id="wrong year",
        ),
        pytest.param(
            examples.ORDER | {"total": "44.84"},
            wrong_field("/total", "total 44.84 EUR is -0.01 off: its parts add up to 44.85"),
            id="a cent off",
        ),
        pytest.param(
            examples.ORDER | {"legal_entity": "XX01"},
            wrong_field(
                "/legal_entity",
                "legal entity 'XX01' is not known; use NL01 or DE01 or JP01",
            ),
            id="unknown legal entity",
        ),
    ],
)
async def test_a_wrong_field(order: dict[str, Any], expected: dict[str, Any]) -> None:
    found, _ = await answer_to(World(), "/v1/orders", WEBSHOP, json=order)
    assert found == expected


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (
            b'{"order_ref": "SHOP-1",}',
            (
                "the body is not JSON: Expecting property name enclosed in double quotes at line "
                "1, column 24; send one JSON object"
            ),
        ),
        (b"", "the body is not JSON: Expecting value at line 1, column 1; send one JSON object"),
        (
            b'{"total": "1", "total": "2"}',
            'an object of the body has the key "total" twice; send it once',
        ),
    ],
)
async def test_malformed_json(body: bytes, detail: str) -> None:
    found, _ = await answer_to(World(), "/v1/orders", WEBSHOP, content=body)
    if body.endswith(b",}"):
        # The parser of Python 3.13 says the same in other words, and points at the comma.
        found["detail"] = found["detail"].replace(
            "Illegal trailing comma before end of object at line 1, column 23",
            "Expecting property name enclosed in double quotes at line 1, column 24",
        )
    assert found == problem("bad-request", "Bad request", 400, detail)


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        (
            {},
            "no API key was sent; send 'Authorization: Bearer <api key>' or 'X-API-Key: <api key>'",
        ),
        (
            {"x-api-key": "key-of-an-unknown-channel"},
            "the API key belongs to no channel; check it, or ask the operator for a new one",
        ),
    ],
    ids=["missing key", "unknown channel"],
)
async def test_nobody(headers: dict[str, str], detail: str) -> None:
    found, answered = await answer_to(World(), "/v1/orders", headers, json=examples.ORDER)
    assert found == problem("unauthenticated", "Unauthenticated", 401, detail)
    assert answered["www-authenticate"] == 'Bearer realm="coexist"'


async def test_a_key_without_the_scope() -> None:
    found, _ = await answer_to(World(), "/v1/orders", sent_by("pos"), json=examples.ORDER)
    assert found == problem(
        "forbidden",
        "Forbidden",
        403,
        "channel 'pos' may not use this: it needs scope 'orders' and has 'read' and 'store-sales'; "
        "ask the operator for the scope",
    )


async def test_an_oversized_body() -> None:
    world = World(plan=Plan(body_bytes_max=2000))
    found, _ = await answer_to(world, "/v1/orders", WEBSHOP, content=b" " * 2001)
    assert found == problem(
        "body-too-large",
        "Body too large",
        413,
        "the body has more than 2000 bytes; send less at a time",
    )


async def test_a_body_that_is_not_declared_as_json() -> None:
    headers = WEBSHOP | {"content-type": "text/xml"}
    found, _ = await answer_to(World(), "/v1/orders", headers, content=b"<order/>")
    assert found == problem(
        "unsupported-media-type",
        "Unsupported media type",
        415,
        "Content-Type is 'text/xml'; send 'application/json' in UTF-8",
    )


async def test_a_return_for_an_order_never_seen() -> None:
    body = examples.RETURN | {"order_ref": "NEVER-SEEN"}
    found, _ = await answer_to(World(), "/v1/returns", sent_by("returns-desk"), json=body)
    assert found == problem(
        "not-found",
        "Not found",
        404,
        "no order 'NEVER-SEEN' of channel 'webshop' is known; check order_ref",
        "/v1/returns",
    )


async def test_a_cancellation_for_an_order_never_seen() -> None:
    path = "/v1/orders/NEVER-SEEN/cancellations"
    found, _ = await answer_to(World(), path, WEBSHOP, json=examples.CANCELLATION)
    assert found == problem(
        "not-found",
        "Not found",
        404,
        "no order 'NEVER-SEEN' of channel 'webshop' is known; check order_ref",
        path,
    )


async def test_the_same_reference_with_another_body() -> None:
    world = World()
    async with client_of(world) as client:
        first = await client.post("/v1/orders", headers=WEBSHOP, json=examples.ORDER)
        second = await client.post("/v1/orders", headers=WEBSHOP, json=with_line(sku="TEE-BLK-L"))
    assert second.json() == problem(
        "idempotency-clash",
        "Already used with a different body",
        422,
        "reference 'SHOP-10001' was accepted before with a different body, as transaction "
        f"{first.json()['transaction_id']}; send the same body, or a new reference",
    )


async def test_the_same_key_with_another_body() -> None:
    world = World()
    keyed = sent_by("webshop", idempotency_key="7f0c")
    async with client_of(world) as client:
        await client.post("/v1/orders", headers=keyed, json=examples.ORDER)
        other = examples.ORDER | {"order_ref": "SHOP-10002"}
        second = await client.post("/v1/orders", headers=keyed, json=other)
    assert second.json() == problem(
        "idempotency-clash",
        "Already used with a different body",
        422,
        "Idempotency-Key '7f0c' was used before with a different body; "
        "use a new key for a new request",
    )


async def test_an_unreadable_key() -> None:
    headers = sent_by("webshop", idempotency_key="x" * 256)
    found, _ = await answer_to(World(), "/v1/orders", headers, json=examples.ORDER)
    assert found == problem(
        "bad-request",
        "Bad request",
        400,
        "Idempotency-Key has 256 bytes of which some may be unreadable; send 1 to 255 printable "
        "ASCII characters, such as a UUID",
    )


async def test_the_store_out_of_reach() -> None:
    world = World()
    world.buffer.failure = StoreUnavailable("valkey at unix:/run/x.sock refused", 2)
    found, answered = await answer_to(world, "/v1/orders", WEBSHOP, json=examples.ORDER)
    assert found == problem(
        "buffer-unavailable",
        "Temporarily unavailable",
        503,
        "the buffer does not answer, so it is not known whether this was taken; repeat the same "
        "request, it is taken at most once",
    )
    assert answered["retry-after"] == "2"


async def test_the_ledger_out_of_reach() -> None:
    """What the buffer does not know is the ledger's to say; an order that follows one is asked."""
    world = World()
    world.ledger.failure = LedgerUnavailable("postgresql at 10.0.0.5 refused", 3)
    after = examples.ORDER | {"order_ref": "SHOP-10002", "after": ["SHOP-10001"]}
    found, answered = await answer_to(world, "/v1/orders", WEBSHOP, json=after)
    assert found == problem(
        "ledger-unavailable",
        "Temporarily unavailable",
        503,
        "the record of transactions does not answer; repeat the same request",
    )
    assert answered["retry-after"] == "3"


async def test_a_return_whose_owner_the_ledger_cannot_say_now_is_taken() -> None:
    world = World()
    world.ledger.failure = LedgerUnavailable("postgresql at 10.0.0.5 refused", 3)
    async with client_of(world) as client:
        headers = sent_by("returns-desk")
        answer = await client.post("/v1/returns", headers=headers, json=examples.RETURN)
    assert answer.status_code == 202
    (entry,) = world.buffer.entries.values()
    assert entry.undecided
