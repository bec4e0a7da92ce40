"""One fix releases its group: an item nobody has, created, and every order booked once."""

from __future__ import annotations

import json

import httpx
import pytest
import yaml

from tests.e2e.installation import Installation, order, until

pytestmark = pytest.mark.timeout(240)

ORDERS = 12


def test_a_created_item_releases_all_orders_of_it_and_each_is_booked_once(
    installation: Installation,
) -> None:
    installation.erps()
    file = installation.folder / "coexist.yaml"
    config = yaml.safe_load(file.read_text())
    config["erps"]["cloud"]["wait_first_s"] = 600
    file.write_text(yaml.safe_dump(config))
    installation.rules("cloud")
    installation.gateway()
    installation.worker()
    taken = {
        installation.call("POST", "/v1/orders", json=order(f"E-{n}", sku="NEW-2027")).json()[
            "transaction_id"
        ]
        for n in range(ORDERS)
    }

    def estimate() -> int:
        said = installation.coexist(
            "exceptions", "retry", "--cause", "unknown-item", "--dry-run", "--json"
        )
        count: int = json.loads(said)["count"]
        return count

    until(lambda: estimate() == ORDERS, 60, "all wait for the item")
    listed = installation.coexist("exceptions", "list", "--sku", "NEW-2027")
    assert "unknown-item" in listed
    assert "538.20 EUR" in listed
    assert installation.books("cloud") == []
    url = f"{installation.running['cloud'].url}/control/items/NEW-2027"
    httpx.put(url, json={"like": "TEE-BLK-M"}, timeout=10).raise_for_status()
    done = json.loads(
        installation.coexist(
            "exceptions", "retry", "--cause", "unknown-item", "--yes", "--json",
            "--by", "ada", "--reason", "item created",
        )
    )  # fmt: skip
    assert (done["released"], done["gone"]) == (ORDERS, 0)
    until(lambda: len(installation.books("cloud")) >= ORDERS, 60, "all booked")
    booked = [it["external_reference"].removeprefix("CX-") for it in installation.books("cloud")]
    assert sorted(booked) == sorted(taken)
    until(lambda: estimate() == 0, 30, "nothing is held any more")
    assert "nothing is held" in installation.coexist("exceptions", "list")
    refused = installation.tried("exceptions", "retry", booked[0])
    assert refused.returncode == 1
    assert "it is booked" in refused.stdout
