"""Batches: outcomes settle one by one, and an answer that is lost or odd leaves each unknown."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import respx

from gateway.canonical.envelope import Envelope
from gateway.canonical.outcome import Absent, Booked, Busy, Cause, Refused, Unknown
from tests.unit.erp.doubles import CLOUD, cloud
from tests.unit.erp.envelopes import envelope, order, reference_of

pytestmark = pytest.mark.anyio
BATCH = f"{CLOUD}/api/v2.0/$batch"


@pytest.fixture
def server() -> respx.Router:
    return respx.Router(assert_all_called=False)


@pytest.fixture
def three() -> list[Envelope]:
    return [envelope(order(order_ref=f"B-{n}")) for n in range(3)]


def answer(*responses: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"responses": responses})


def created(number: int, sent: Envelope) -> dict[str, Any]:
    body = {"number": f"S-{number}", "externalDocumentNumber": reference_of(sent)}
    return {"id": str(number), "status": 201, "headers": {}, "body": body}


REFUSED = {
    "id": "2", "status": 400,
    "body": {"error": {"code": "Dialog", "message": "The Item does not exist. No.='X'"}},
}  # fmt: skip


async def test_what_is_written(server: respx.Router, three: list[Envelope]) -> None:
    responses = [created(n + 1, sent) for n, sent in enumerate(three)]
    route = server.post(BATCH).mock(return_value=answer(*responses))
    batches = cloud(server).batches
    assert batches is not None
    outcomes = await batches.send_many(three)
    assert [outcomes[it.transaction_id] for it in three] == [
        Booked("S-1"), Booked("S-2"), Booked("S-3"),
    ]  # fmt: skip
    request = route.calls.last.request
    assert request.headers["Prefer"] == "odata.continue-on-error"
    assert request.headers["Content-Type"] == "application/json"
    operations = json.loads(request.content)["requests"]
    assert [(it["id"], it["method"], it["url"]) for it in operations] == [
        (str(n), "POST", "companies(NL01)/salesOrders") for n in (1, 2, 3)
    ]
    assert operations[0]["headers"] == {"Content-Type": "application/json"}
    assert "atomicityGroup" not in operations[0]
    assert operations[0]["body"]["externalDocumentNumber"] == reference_of(three[0])
    assert b'"unitPrice":19.95' in request.content, "figures are exact"


async def test_outcomes_are_of_each_item(server: respx.Router, three: list[Envelope]) -> None:
    paused = {"id": "3", "status": 429, "headers": {"Retry-After": "7"}}
    server.post(BATCH).mock(return_value=answer(paused, REFUSED, created(1, three[0])))
    batches = cloud(server).batches
    assert batches is not None
    outcomes = await batches.send_many(three)
    first, second, third = (outcomes[it.transaction_id] for it in three)
    assert first == Booked("S-1"), "found by its id, in whatever order"
    assert isinstance(second, Refused)
    assert second.cause is Cause.UNKNOWN_ITEM
    assert isinstance(third, Busy)
    assert (third.closes, third.retry_after_ms) == (True, 7_000)


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"responses": "none"}),
        httpx.Response(200, json={"responses": [{"status": 201}]}),
        httpx.Response(200, json={"responses": [{"id": "1", "status": "201"}]}),
        httpx.Response(200, json={"responses": [{"id": "1", "status": 201}] * 2}),
        httpx.Response(500),
        httpx.Response(502),
        httpx.ReadError("reset"),
    ],
)
async def test_an_answer_that_is_lost_or_odd_leaves_all_unknown(
    server: respx.Router, three: list[Envelope], reply: Any
) -> None:
    server.post(BATCH).mock(side_effect=[reply])
    batches = cloud(server).batches
    assert batches is not None
    outcomes = await batches.send_many(three)
    assert len(outcomes) == 3
    assert all(isinstance(each, Unknown) for each in outcomes.values())


async def test_what_has_no_answer_of_its_own_is_unknown(
    server: respx.Router, three: list[Envelope]
) -> None:
    server.post(BATCH).mock(return_value=answer(created(1, three[0])))
    batches = cloud(server).batches
    assert batches is not None
    outcomes = await batches.send_many(three)
    kinds = [type(outcomes[it.transaction_id]) for it in three]
    assert kinds == [Booked, Unknown, Unknown]


@pytest.mark.parametrize("status", [400, 404, 405, 413])
async def test_an_erp_that_takes_no_batches_is_asked_for_none_again(
    server: respx.Router, three: list[Envelope], status: int
) -> None:
    server.post(BATCH).respond(status)
    batches = cloud(server).batches
    assert batches is not None
    outcomes = await batches.send_many(three)
    assert all(isinstance(each, Busy) and not each.closes for each in outcomes.values())
    assert not batches.offered


async def test_what_cannot_be_read_is_left_out(server: respx.Router, three: list[Envelope]) -> None:
    bad = three[1].model_copy(update={"body": {}})
    route = server.post(BATCH).mock(
        return_value=answer(created(1, three[0]), {**created(2, three[2]), "id": "2"})
    )
    batches = cloud(server).batches
    assert batches is not None
    outcomes = await batches.send_many([three[0], bad, three[2]])
    assert isinstance(outcomes[bad.transaction_id], Refused)
    assert outcomes[three[2].transaction_id] == Booked("S-2")
    assert len(json.loads(route.calls.last.request.content)["requests"]) == 2


async def test_probes_ride_together(server: respx.Router, three: list[Envelope]) -> None:
    rows = {"value": [{"number": "S-1", "externalDocumentNumber": reference_of(three[0])}]}
    route = server.post(BATCH).mock(
        return_value=answer(
            {"id": "1", "status": 200, "body": rows},
            {"id": "2", "status": 200, "body": {"value": []}},
        )
    )
    batches = cloud(server).batches
    assert batches is not None
    probed = await batches.probe_many(three)
    assert probed[three[0].transaction_id] == Booked("S-1")
    assert probed[three[1].transaction_id] == Absent()
    assert isinstance(probed[three[2].transaction_id], Unknown), "silence is not absence"
    operations = json.loads(route.calls.last.request.content)["requests"]
    assert {it["method"] for it in operations} == {"GET"}
    assert reference_of(three[0]) in operations[0]["url"]
