from __future__ import annotations

import os
from typing import Any

import pytest

from simulators.counters import NAMES, Counters
from simulators.faults import KINDS
from tests.unit.simulators.cloud_bodies import cloud_order
from tests.unit.simulators.drivers import cloud, legacy, order_idoc

pytestmark = pytest.mark.anyio


async def test_health_says_who_and_which_seed() -> None:
    async with legacy(seed=42) as erp, cloud(seed=43) as other:
        health = (await erp.client.get("/control/health")).json()
        assert health.pop("up_s") >= 0
        assert health == {"status": "ok", "system": "legacy", "pid": os.getpid(), "seed": 42}
        assert (await other.client.get("/control/health")).json()["system"] == "cloud"


async def test_control_needs_no_password_and_is_not_counted() -> None:
    async with legacy() as erp:
        erp.client.auth = ("nobody", "wrong")
        assert set(await erp.counters()) == set(NAMES)
        assert not any((await erp.counters()).values())


async def test_books_of_both_name_their_system_and_go_on_after_a_sequence() -> None:
    async with legacy() as erp, cloud(old_orders=2) as other:
        await erp.posted(order_idoc("CX-1"), order_idoc("CX-2"), order_idoc("CX-3"))
        await other.post("salesOrders", cloud_order())
        books = (await erp.client.get("/control/books?after=1&limit=1")).json()
        assert (books["system"], books["last_sequence"]) == ("legacy", 3)
        assert [document["external_reference"] for document in books["documents"]] == ["CX-2"]
        books = (await other.client.get("/control/books?include=seeded")).json()
        assert books["system"] == "cloud"
        assert [document["sequence"] for document in books["documents"]] == [-1, 0, 1]
        assert len(await other.books(include="seeded", after="1")) == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "complaint"),
    [
        ("GET", "/control/books?after=x", "", "after is 'x', it must be a whole number from 0"),
        ("GET", "/control/books?limit=-1", "", "limit is '-1', it must be a whole number"),
        ("GET", "/control/books?include=all", "", "include is 'all', it may only be 'seeded'"),
        ("PUT", "/control/faults/gremlin", "", "no fault 'gremlin'; there are lost_reply"),
        ("DELETE", "/control/faults/gremlin", "", "no fault 'gremlin'; there are lost_reply"),
        ("PUT", "/control/faults/latency", '{"ms":1}', "has no parameter 'ms'; it takes"),
        ("PUT", "/control/faults/latency", "{", "the body is no JSON"),
        ("PUT", "/control/faults/latency", "[]", "the body is list, it must be a JSON object"),
        ("PUT", "/control/faults/latency", '{"probability":NaN}', "probability is nan"),
        (
            "PUT",
            "/control/settings",
            '{"colour":1}',
            "no setting 'colour'; there are latency_ms_min",
        ),
        ("PUT", "/control/settings", '{"ship_after_s":-1}', "ship_after_s is -1"),
        ("PUT", "/control/settings", '{"closed_periods":["2026"]}', "closed_periods holds '2026'"),
        ("PUT", "/control/settings", "[" * 50_000, "the body is no JSON"),
    ],
)
async def test_a_wrong_control_call_is_named(
    method: str, path: str, body: str, complaint: str
) -> None:
    async with legacy() as erp:
        before = (await erp.client.get("/control/settings")).json()
        answer = await erp.client.request(method, path, content=body)
        assert answer.status_code == 400
        assert complaint in answer.json()["error"]
        assert (await erp.client.get("/control/faults")).json() == {"faults": {}}
        assert (await erp.client.get("/control/settings")).json() == before


async def test_settings_that_are_wrong_together_change_nothing() -> None:
    async with cloud() as erp:
        answer = await erp.client.put(
            "/control/settings", json={"ship_after_s": 5, "latency_ms_min": 100}
        )
        assert "latency_ms_min 100 is above latency_ms_max 0" in answer.json()["error"]
        assert (await erp.client.get("/control/settings")).json()["ship_after_s"] == 60.0


async def test_each_fault_can_be_switched_on_seen_and_off() -> None:
    async with cloud() as erp:
        for name in KINDS:
            answer = await erp.client.put(f"/control/faults/{name}")
            assert (answer.status_code, answer.json()["name"]) == (200, name)
            assert answer.json()["duration_s"] == 300
        on: dict[str, Any] = (await erp.client.get("/control/faults")).json()["faults"]
        assert set(on) == set(KINDS)
        await erp.client.delete("/control/faults/outage")
        assert "outage" not in (await erp.client.get("/control/faults")).json()["faults"]
        assert (await erp.client.delete("/control/faults")).json() == {"faults": {}}


async def test_closed_periods_can_be_set_and_opened_again() -> None:
    async with cloud() as erp:
        await erp.setting(closed_periods=["2026-11"])
        assert (await erp.post("salesOrders", cloud_order())).status_code == 400
        await erp.setting(closed_periods=[])
        assert (await erp.post("salesOrders", cloud_order())).status_code == 201


async def test_bodies_have_a_bound() -> None:
    async with cloud() as erp:
        answer = await erp.client.post(
            "/api/v2.0/companies(NL01)/salesOrders", content=b" " * (4 * 1024 * 1024 + 1)
        )
        assert answer.status_code == 413


def test_a_counter_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Counters().add("boked")
