"""`$batch` and the validate action of the cloud simulator."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from simulators.cloud import exact
from tests.unit.simulators.cloud_bodies import cancellation, cloud_line, cloud_order, credit
from tests.unit.simulators.drivers import Cloud, cloud, error_of

pytestmark = pytest.mark.anyio
ORDERS = "companies(NL01)/salesOrders"
JSON = {"Content-Type": "application/json"}


def operation(identity: str, body: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    written = {"headers": JSON, "body": body} if body is not None else {}
    method = "GET" if body is None else "POST"
    return {"id": identity, "method": method, "url": ORDERS, **written, **more}


async def batch(erp: Cloud, *operations: Any, prefer: str = "") -> httpx.Response:
    headers = JSON | ({"Prefer": prefer} if prefer else {})
    content = exact.dumps({"requests": operations})
    return await erp.client.post("/api/v2.0/$batch", content=content, headers=headers)


def statuses(answer: httpx.Response) -> list[tuple[str, int]]:
    assert answer.status_code == 200
    return [(each["id"], each["status"]) for each in answer.json()["responses"]]


GOOD, BAD = cloud_order("CX-1"), cloud_order("CX-2", salesOrderLines=[cloud_line(sku="NONE")])


async def test_each_operation_is_answered_as_if_it_came_alone() -> None:
    async with cloud() as erp:
        found = f"{ORDERS}?$filter=externalDocumentNumber%20eq%20'CX-1'"
        answer = await batch(
            erp, operation("a", GOOD), operation("b", BAD), operation("c", None, url=found),
            prefer="odata.continue-on-error",
        )  # fmt: skip
        assert statuses(answer) == [("a", 201), ("b", 400), ("c", 200)]
        first, second, third = (each["body"] for each in answer.json()["responses"])
        assert first["externalDocumentNumber"] == "CX-1"
        assert second["error"]["code"] == "Application_DialogException"
        assert [each["number"] for each in third["value"]] == [first["number"]]
        assert len(await erp.books()) == 1


async def test_without_the_preference_the_first_failure_is_the_last_operation() -> None:
    async with cloud() as erp:
        answer = await batch(erp, operation("a", BAD), operation("b", GOOD))
        assert statuses(answer) == [("a", 400)]
        assert await erp.books() == []


@pytest.mark.parametrize(("counts", "peak"), [(True, 4), (False, 1)])
async def test_whether_operations_count_is_an_option(counts: bool, peak: int) -> None:
    async with cloud(batch_counts_inner=counts) as erp:
        await batch(erp, *(operation(str(n), cloud_order(f"CX-{n}")) for n in range(3)))
        assert (await erp.counters())["window_peak"] == peak


async def test_operations_beyond_the_window_are_refused_one_by_one() -> None:
    async with cloud(limit=3, retry_after=True) as erp:
        answer = await batch(
            erp, *(operation(str(n), cloud_order(f"CX-{n}")) for n in range(4)),
            prefer="odata.continue-on-error",
        )  # fmt: skip
        assert [status for _, status in statuses(answer)] == [201, 201, 429, 429]
        assert int(answer.json()["responses"][3]["headers"]["Retry-After"]) > 1


async def test_a_lost_reply_within_loses_the_whole_answer_and_books_all() -> None:
    async with cloud() as erp:
        await erp.fault("lost_reply", count=1)
        with pytest.raises(httpx.HTTPError):
            await batch(erp, *(operation(str(n), cloud_order(f"CX-{n}")) for n in range(3)),
                        prefer="odata.continue-on-error")  # fmt: skip
        await erp.until("booked", 3)


@pytest.mark.parametrize(
    ("operations", "says"),
    [
        ([], "A batch has 1 to 100 operations, not 0"),
        ([operation(str(n), GOOD) for n in range(101)], "not 101"),
        ([operation("a", GOOD), operation("a", GOOD)], "ids of a batch's operations must differ"),
        ([operation("a", GOOD, headers={})], "Operation a has a body and no header Content-Type"),
        ([operation("a", GOOD, atomicityGroup="g")], "atomicityGroup is not supported"),
        ([{"id": "a"}], "needs the texts id, method and url"),
        (["a"], "must be an object"),
    ],
)
async def test_a_batch_that_is_wrong_as_a_whole(operations: list[Any], says: str) -> None:
    async with cloud() as erp:
        status, _, message = error_of(await batch(erp, *operations))
        assert status == 400
        assert says in message
        assert await erp.books() == []


async def test_validate_answers_the_document_and_keeps_nothing() -> None:
    async with cloud() as erp:
        answer = await erp.post("salesOrders/Coexist.validate", cloud_order(shipToCity="X"))
        assert answer.status_code == 200
        told = answer.json(parse_float=Decimal)
        assert (told["number"], told["status"], told["shipToCity"]) == ("", "Draft", "X")
        assert told["totalAmountIncludingTax"] == Decimal("39.90")
        assert told["salesOrderLines"][0]["amountIncludingTax"] == Decimal("39.90")
        assert await erp.books() == []
        assert await erp.find("salesOrders", "externalDocumentNumber eq 'CX-1'") == []
        assert (await erp.counters())["validated"] == 1


async def test_validate_refuses_as_booking_would() -> None:
    async with cloud() as erp:
        for resource, body in (
            ("salesOrders", BAD),
            ("salesCreditMemos", credit(channelOrderReference="NEVER")),
            ("salesOrderCancellations", cancellation(channelOrderReference="NEVER")),
        ):
            refused = error_of(await erp.post(resource, body))
            said = error_of(await erp.post(f"{resource}/Coexist.validate", body))
            assert said[:2] == refused[:2]
            assert said[2].partition("CorrelationId")[0] == refused[2].partition("CorrelationId")[0]


async def test_what_is_no_resource_or_action() -> None:
    async with cloud() as erp:
        assert (await erp.post("salesOrders/Coexist.other", GOOD)).status_code == 404
        assert (await erp.post("items", GOOD)).status_code == 404
        answer = await erp.client.delete("/api/v2.0/companies(NL01)/salesOrders")
        assert answer.status_code == 405
