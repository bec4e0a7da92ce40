"""A channel cannot tell which ERP serves it: the same story under both, compared field by field."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.e2e.installation import Installation, order, receipt, returned, until

pytestmark = pytest.mark.timeout(180)

#: Values that differ from call to call, whichever ERP serves them.
_MOVING = re.compile(
    r"[0-9a-f]{2}-[0-9a-z]{26}|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)|\"available\":\d+"
)


def story(installation: Installation, name: str, day: str) -> list[tuple[int, str, Any]]:
    """Call everything a channel can call; return statuses, header names and masked bodies."""
    ref, wait = f"{name}-1", {"Prefer": "wait=20"}
    calls: list[tuple[str, str, str, dict[str, Any]]] = [
        ("POST", "/v1/orders", "webshop", {"json": order(ref), "headers": wait}),
        ("POST", "/v1/orders", "webshop", {"json": order(ref)}),
        ("POST", "/v1/orders", "webshop", {"json": order(ref) | {"reason": "?"}}),
        ("POST", "/v1/orders", "webshop",
         {"json": order(f"{name}-2", sku="NO-SUCH-SKU"), "headers": wait}),
        ("POST", f"/v1/orders/{ref}/cancellations", "webshop",
         {"json": {"cancellation_ref": "X-1", "lines": [{"line": 1, "quantity": 1}]},
          "headers": wait}),
        ("POST", "/v1/returns", "returns-desk",
         {"json": returned(f"R-{name}", ref), "headers": wait}),
        ("POST", "/v1/store-sales", "pos",
         {"json": {"store": "NL-001", "transactions": [receipt(1, day), receipt(1, day)]}}),
        ("GET", f"/v1/orders/{ref}", "webshop", {}),
        ("GET", "/v1/inventory/TEE-BLK-M?legal_entity=NL01", "webshop", {}),
        ("GET", "/v1/prices/TEE-BLK-M?legal_entity=NL01", "webshop", {}),
        ("GET", "/v1/products/TEE-BLK-M?legal_entity=NL01", "webshop", {}),
        ("GET", "/v1/inventory/NO-SUCH-SKU?legal_entity=NL01", "webshop", {}),
        ("GET", "/v1/prices/NO-SUCH-SKU?legal_entity=NL01", "webshop", {}),
    ]  # fmt: skip
    seen = []
    for method, path, channel, more in calls:
        answer = installation.call(method, path, channel, **more)
        names = ",".join(sorted(set(answer.headers) - {"date"}))
        body = _MOVING.sub("…", answer.text).replace(name, "NAME").replace(day, "DAY")
        seen.append((answer.status_code, names, body))
    return seen


@pytest.mark.long
def test_every_process_answers_alike_whichever_erp_serves_it(installation: Installation) -> None:
    installation.erps()
    installation.rules("legacy")
    installation.gateway()
    installation.worker()
    by_legacy = story(installation, "AAA", "2026-11-20")
    installation.rules("cloud")
    by_cloud = story(installation, "BBB", "2026-11-19")
    assert by_legacy == by_cloud
    statuses = [status for status, _, _ in by_legacy]
    assert statuses == [201, 202, 422, 202, 201, 201, 207, 200, 200, 200, 200, 404, 404]
    everything = " ".join(body + names for _, names, body in by_legacy).lower()
    for telltale in ("legacy", "cloud", "idoc", "sap", "odata", "docnum", "correlationid"):
        assert telltale not in everything
    until(lambda: len(installation.books("cloud")) >= 4, 20, "the cloud ERP booked its half")
    assert {it["kind"] for it in installation.books("legacy")} == {
        "order", "cancellation", "return", "store_sale",
    }  # fmt: skip
    assert {it["kind"] for it in installation.books("cloud")} == {
        "order", "cancellation", "return", "store_sale",
    }  # fmt: skip


def test_a_hold_keeps_taking_orders_and_its_release_delivers_them_in_order(
    installation: Installation,
) -> None:
    installation.erps()
    installation.rules("hold")
    installation.gateway()
    installation.worker()
    for n in range(5):
        assert installation.call("POST", "/v1/orders", json=order(f"H-{n}")).status_code == 202
    cancel = {"cancellation_ref": "X-1"}
    answer = installation.call("POST", "/v1/orders/H-0/cancellations", json=cancel)
    assert answer.status_code == 202
    reads = installation.call("GET", "/v1/inventory/TEE-BLK-M?legal_entity=NL01")
    assert reads.status_code == 200, "reads go on"
    assert installation.books("legacy") == installation.books("cloud") == []
    installation.rules("cloud")
    until(lambda: len(installation.books("cloud")) == 6, 30, "all six delivered after the flip")
    documents = [it for it in installation.books("cloud") if it["object_reference"] == "H-0"]
    assert [it["kind"] for it in documents] == ["order", "cancellation"]
    assert installation.books("legacy") == []
