"""A code nobody translated holds an order; the import of the table lets it go, booked once."""

from __future__ import annotations

import json

import pytest

from tests.e2e.installation import Installation, order, until

pytestmark = [pytest.mark.timeout(180), pytest.mark.long]


def test_a_gap_holds_its_orders_and_the_import_releases_them(installation: Installation) -> None:
    installation.erps()
    installation.rules("cloud")
    table = installation.folder / "sku.csv"
    table.write_text("source,legacy,cloud\nSHIRT-1,TEE-BLK-M,TEE-BLK-M\n")
    installation.coexist("xref", "import", "sku", str(table), "--steward", "item-master")
    installation.gateway()
    installation.worker()
    ids = []
    for ref, sku in (("X-1", "SHIRT-1"), ("X-2", "HAT-9"), ("X-3", "HAT-9")):
        answer = installation.call("POST", "/v1/orders", json=order(ref, sku))
        assert answer.status_code == 202
        ids.append(answer.json()["transaction_id"])
    until(lambda: len(installation.books("cloud")) == 1, 40, "what has a code is booked")
    shown = installation.call("GET", "/v1/orders/X-2").text

    def waiting() -> int:
        listed = json.loads(installation.coexist("exceptions", "list", "--json"))
        return sum(it["count"] for it in listed["groups"] if it["cause"] == "crosswalk-gap")

    until(lambda: waiting() == 2, 40, "two orders wait for a code")
    assert "cloud" not in shown
    missing = installation.tried("xref", "gaps", "--erp", "cloud", "--json")
    assert missing.returncode == 1
    assert [(it["source"], it["messages"]) for it in json.loads(missing.stdout)] == [("HAT-9", 2)]
    table.write_text("source,legacy,cloud\nSHIRT-1,TEE-BLK-M,TEE-BLK-M\nHAT-9,,CAP-NVY-ONE\n")
    done = json.loads(installation.coexist("xref", "import", "sku", str(table), "--json"))
    assert (done["version"], done["released"], done["steward"]) == (2, 2, "item-master")
    until(lambda: len(installation.books("cloud")) == 3, 40, "both are booked, once")
    assert installation.coexist("xref", "gaps", "--erp", "cloud").startswith("no gaps")

    def shaped_by(identity: str) -> str:
        shown = json.loads(installation.coexist("exceptions", "show", identity, "--json"))
        return str(shown["shaped_by"])

    until(lambda: shaped_by(ids[1]) == "sku 2 (item-master)", 20, "the release is recorded")
    assert shaped_by(ids[0]) == "sku 1 (item-master)"
    for identity in ids:
        seen = installation.call("GET", f"/v1/transactions/{identity}").text
        assert "item-master" not in seen
        assert "shaped" not in seen
