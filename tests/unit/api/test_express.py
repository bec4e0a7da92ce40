"""The express lane answers exactly as the routed way does, and whatever it leaves is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.api import examples
from gateway.api.app import create_app
from gateway.api.express import Express
from gateway.api.front import Front
from gateway.errors import Overloaded, StoreUnavailable
from tests.unit.api.rsgi import Answered, asked
from tests.unit.api.world import World, client_of, sent_by

pytestmark = pytest.mark.anyio

WEBSHOP = sent_by("webshop")
ORDER = examples.ORDER
PLAIN = json.dumps(ORDER).encode()
CUSTOMER, SHIP_TO, LINE = ORDER["customer"], ORDER["ship_to"], ORDER["lines"][0]


def _changed(**fields: object) -> bytes:
    return json.dumps(ORDER | fields).encode()


def _without(name: str) -> bytes:
    return json.dumps({key: value for key, value in ORDER.items() if key != name}).encode()


#: Requests of every kind of answer, in an order that makes repeats: taken, repeated, refused by
#: each step; and whether the express lane serves them.
REQUESTS: list[tuple[dict[str, Any], int, bool]] = [
    ({"content": PLAIN, "headers": WEBSHOP}, 202, True),
    ({"content": PLAIN, "headers": WEBSHOP}, 202, True),
    ({"content": json.dumps(ORDER, indent=1).encode(), "headers": WEBSHOP}, 202, True),
    ({"content": _changed(order_ref="K-1"), "headers": WEBSHOP | {"Idempotency-Key": "k"}}, 202,
     True),
    ({"content": _changed(order_ref="K-2"), "headers": WEBSHOP | {"Idempotency-Key": "k"}}, 422,
     True),
    ({"content": _changed(customer=CUSTOMER | {"name": "Kim"}), "headers": WEBSHOP}, 422, True),
    ({"content": _changed(order_ref="U-1", customer=CUSTOMER | {"name": "Zo\u00eb"}),
      "headers": WEBSHOP}, 202, False),
    ({"content": _changed(order_ref="D-1", lines=[LINE | {"unit_price": "19.9500"}]),
      "headers": WEBSHOP}, 202, False),
    ({"content": _changed(order_ref="S-1", ship_to=SHIP_TO | {"city": " Utrecht "}),
      "headers": WEBSHOP}, 202, False),
    ({"content": _without("shipping"), "headers": WEBSHOP}, 422, False),
    ({"content": _without("payment"), "headers": WEBSHOP}, 422, False),
    ({"content": _changed(total="1.00"), "headers": WEBSHOP}, 422, False),
    ({"content": _changed(currency="USD"), "headers": WEBSHOP}, 422, False),
    ({"content": _changed(legal_entity="XX01"), "headers": WEBSHOP}, 422, False),
    ({"content": _changed(legal_entity="DE01"), "headers": sent_by("outlet")}, 422, False),
    ({"content": _changed(ordered_at="2031-01-01T00:00:00Z"), "headers": WEBSHOP}, 422, False),
    ({"content": _changed(ordered_at="2026-02-30T00:00:00Z"), "headers": WEBSHOP}, 422, False),
    ({"content": _changed(lines=[LINE, LINE]), "headers": WEBSHOP}, 422, False),
    ({"content": _changed(lines=[]), "headers": WEBSHOP}, 422, False),
    ({"content": _changed(gift=True), "headers": WEBSHOP}, 422, False),
    ({"content": PLAIN[:-1] + b',"total":"44.85"}', "headers": WEBSHOP}, 400, False),
    ({"content": b"{}", "headers": WEBSHOP}, 422, False),
    ({"content": b"[]", "headers": WEBSHOP}, 400, False),
    ({"content": b"", "headers": WEBSHOP}, 400, False),
    ({"content": PLAIN, "headers": {"content-type": "application/json"}}, 401, False),
    ({"content": PLAIN, "headers": WEBSHOP | {"authorization": "Bearer nobody-s"}}, 401, False),
    ({"content": PLAIN, "headers": WEBSHOP | {"authorization": "Basic eDp5"}}, 401, False),
    ({"content": PLAIN, "headers": {"x-api-key": "key-of-webshop",
      "content-type": "application/json"}}, 202, False),
    ({"content": PLAIN, "headers": WEBSHOP | {"authorization": "bearer key-of-webshop"}}, 202,
     False),
    ({"content": PLAIN, "headers": sent_by("pos")}, 403, False),
    ({"content": b"{", "headers": WEBSHOP}, 400, False),
    ({"content": b"<order/>", "headers": WEBSHOP | {"content-type": "application/xml"}}, 415,
     False),
    ({"content": PLAIN, "headers": WEBSHOP | {"content-type": "Application/JSON; charset=utf-8"}},
     202, False),
    ({"content": b'{"a":"' + b"x" * 2_000_000 + b'"}', "headers": WEBSHOP}, 413, False),
    ({"content": PLAIN, "headers": WEBSHOP | {"Idempotency-Key": "\x7f"}}, 400, False),
    ({"content": PLAIN, "headers": WEBSHOP | {"Idempotency-Key": ""}}, 400, False),
    ({"content": PLAIN, "headers": WEBSHOP | {"Prefer": "respond-async"}}, 202, False),
]  # fmt: skip


def _comparable(answer: Any, world: World) -> tuple[int, dict[str, str], str]:
    """Return an answer without what differs by chance or by the server."""
    text, headers = answer.text, dict(answer.headers)
    for n, transaction_id in enumerate(world.buffer.entries):
        text = text.replace(transaction_id, f"TX-{n}")
        headers = {name: it.replace(transaction_id, f"TX-{n}") for name, it in headers.items()}
    assert len(headers.pop("x-request-id")) == 16
    return answer.status_code, headers, text


async def test_both_ways_answer_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[bool] = []
    read = Express.read

    def watched(self: Express, *given: Any) -> Any:
        found = read(self, *given)
        served[-1] = found is not None
        return found

    monkeypatch.setattr(Express, "read", watched)
    here, there = World(), World()
    front = Front(create_app(here.services()))
    async with client_of(there) as client:
        for request, status, express in REQUESTS:
            served.append(False)
            express_answer = _comparable(await asked(front, **request), here)
            routed_answer = _comparable(await client.post("/v1/orders", **request), there)
            assert express_answer == routed_answer
            assert (express_answer[0], served[-1]) == (status, express), request["content"][:900]
    assert here.observer.seen == there.observer.seen
    assert [it.payload for it in here.buffer.entries.values()] == [
        it.payload.replace(theirs.encode(), ours.encode())
        for (theirs, it), ours in zip(
            there.buffer.entries.items(), here.buffer.entries, strict=True
        )
    ]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreUnavailable("redis at 10.0.0.1 is gone"), 503, "buffer-unavailable"),
        (Overloaded("full", retry_after_s=7), 503, "overloaded"),
        (RuntimeError("a bug with secrets in it"), 500, "unexpected"),
    ],
)
async def test_failures_are_problem_documents_without_what_is_inside(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    world = World()

    async def failing(_: object) -> None:
        raise error

    monkeypatch.setattr(world.buffer, "accept", failing)
    answer = await asked(Front(create_app(world.services())), content=PLAIN, headers=WEBSHOP)
    async with client_of(world) as client:
        routed = await client.post("/v1/orders", content=PLAIN, headers=WEBSHOP)
    assert answer.status_code == routed.status_code == status
    assert answer.headers.keys() == dict(routed.headers).keys()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:coexist:problem:{code}"
    assert "10.0.0.1" not in answer.text
    assert "secrets" not in answer.text
    assert world.observer.seen == [("POST", "/v1/orders", status)] * 2


@pytest.fixture
def front() -> Front:
    return Front(create_app(World().services()))


async def test_a_body_that_broke_off_is_not_taken_for_a_whole_one(front: Front) -> None:
    for announced in (len(PLAIN) + 1, len(PLAIN) + 5000):
        answer = await asked(front, content=PLAIN, headers=WEBSHOP, announced=announced)
        assert answer.status_code == 400
        assert "closed before the body had ended" in answer.json()["detail"]


async def test_a_key_that_is_not_ascii_is_refused_and_not_overlooked(front: Front) -> None:
    sent = WEBSHOP | {"Idempotency-Key": "caf\u00e9"}
    answer = await asked(front, content=PLAIN, headers=sent)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]


async def test_the_rest_of_the_api_is_served_through_the_bridge(front: Front) -> None:
    async def get(path: str, method: str = "GET", query_string: str = "") -> Answered:
        return await asked(
            front, headers=WEBSHOP, path=path, method=method, query_string=query_string
        )

    assert (await get("/healthz")).status_code == 200
    assert (await get("/schema/openapi.json")).json()["openapi"].startswith("3.1")
    head = await get("/healthz", method="HEAD")
    assert (head.status_code, head.text) == (200, "")
    assert (await get("/v1/orders/SHOP é")).status_code == 404
    assert (await get("/v1/orders", method="DELETE")).status_code == 405
    stock = await get("/v1/inventory/TEE-BLK-M", query_string="legal_entity=NL01")
    assert stock.status_code == 200


async def test_a_callers_request_id_is_kept(front: Front) -> None:
    answer = await asked(front, content=PLAIN, headers=WEBSHOP | {"X-Request-Id": "mine.1"})
    assert answer.headers["x-request-id"] == "mine.1"
