"""What real traffic leaves behind: a dry run decides it again, a shadow read is compared."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.e2e.installation import Installation, order, until

pytestmark = [pytest.mark.timeout(180), pytest.mark.long]


def test_recorded_traffic_is_decided_again_and_reads_are_compared(
    installation: Installation,
) -> None:
    installation.erps()
    installation.rules("legacy")
    folder = installation.folder / "rules-legacy"
    file = folder / "defaults.yaml"
    rules = yaml.safe_load(file.read_text())
    for rule in rules["rules"]:
        if rule["process"] == "catalog.price":
            rule["shadow"] = "cloud"
    file.write_text(yaml.safe_dump(rules))
    installation.coexist("rules", "apply", str(folder), "--by", "test", "--yes")
    installation.gateway()
    installation.worker()
    for n in range(5):
        assert installation.call("POST", "/v1/orders", json=order(f"DRY-{n}")).status_code == 202
    for _ in range(6):
        read = installation.call("GET", "/v1/prices/TEE-BLK-M?legal_entity=NL01")
        assert read.status_code == 200
    booked = "DRY-4"
    until(
        lambda: installation.call("GET", f"/v1/orders/{booked}").json()["status"] == "booked",
        60, "the orders are booked",
    )  # fmt: skip
    for rule in rules["rules"]:
        if rule["process"] in {"order.intake", "catalog.product"}:
            rule["mode"] = "cloud"
    draft = installation.folder / "draft"
    draft.mkdir()
    (draft / "defaults.yaml").write_text(yaml.safe_dump(rules))
    report = json.loads(installation.coexist("rules", "dryrun", str(draft), "--json"))
    found = report["evidence"]
    assert [
        (it["process"], it["from"], it["to"], it["decisions"])
        for it in found["moved"]["by_process"]
        if it["process"] == "order.intake"
    ] == [("order.intake", "legacy", "cloud", 5)]

    def compared() -> bool:
        found = json.loads(installation.coexist("shadow", "report", "--json"))
        return "catalog.price" in json.dumps(found)

    until(compared, 60, "prices are compared")
    assert {it["kind"] for it in installation.books("legacy")} == {"order"}
    assert installation.books("cloud") == []
