"""The order chain through real processes: a lost reply, a killed worker, an engine that is away."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.installation import Installation, order, until

pytestmark = [pytest.mark.timeout(180), pytest.mark.long]

CHAIN = {"payment_waits": ["pending"], "customer": "erp", "tax": "compared"}


def configured(installation: Installation) -> str:
    """Start the ERPs and a tax engine, and a channel whose orders go through the whole chain."""
    installation.erps()
    installation._start("tax", "simulators", "tax", "--port", "0", "--max-seconds", "300")
    engine = installation.running["tax"].url
    file = installation.folder / "coexist.yaml"
    config = yaml.safe_load(file.read_text())
    config["channels"]["webshop"]["chain"] = CHAIN
    config["tax"] = {"url": engine, "account": "1100012345", "license_key": "tax-gateway"}
    file.write_text(yaml.safe_dump(config))
    return engine


def customers(installation: Installation) -> list[dict[str, Any]]:
    url = f"{installation.running['cloud'].url}/control/customers"
    rows: list[dict[str, Any]] = httpx.get(url, timeout=10).json()["customers"]
    return rows


def test_a_customer_is_created_once_whatever_is_lost_and_whoever_is_killed(
    installation: Installation,
) -> None:
    engine = configured(installation)
    installation.rules("cloud")
    installation.gateway()
    cloud = installation.running["cloud"].url
    httpx.put(f"{cloud}/control/settings", json={"known_customers_only": True}).raise_for_status()
    httpx.put(f"{engine}/control/faults/outage", json={"mode": "503"}).raise_for_status()
    ids = {}
    for ref in ("C-1", "C-2", "C-3"):
        sent = order(ref)
        if ref == "C-3":
            sent["payment"]["status"] = "pending"
        answer = installation.call("POST", "/v1/orders", json=sent)
        assert answer.status_code == 202
        ids[ref] = answer.json()["transaction_id"]
    installation.worker("victim")

    def shown(ref: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            installation.coexist("exceptions", "show", ids[ref], "--json")
        )
        return found

    until(lambda: shown("C-3")["cause"] == "payment-pending", 40, "an unpaid order is held")
    until(lambda: "deferred" in json.dumps(shown("C-1")), 40, "the engine is away: it waits")
    assert customers(installation) == [], "nobody is created before the tax is known"
    installation.fault("cloud", "lagging_lookup", count=1, delay_ms=2_500)
    installation.fault("cloud", "lost_reply", count=1)
    httpx.delete(f"{engine}/control/faults").raise_for_status()
    until(lambda: len(customers(installation)) == 1, 60, "the customer is created")
    installation.running["victim"].kill()
    assert installation.books("cloud") == [], "no order was sent yet"
    installation.worker("heir")
    until(lambda: len(installation.books("cloud")) == 2, 60, "both orders are booked")
    assert len(customers(installation)) == 1, "by whoever: once"
    number = customers(installation)[0]["number"]
    until(lambda: f"customer {number} (" in shown("C-2")["shaped_by"], 20, "it is recorded")
    assert "tax of the channel, compared with avatax" in shown("C-2")["shaped_by"]
    seen = installation.call("GET", f"/v1/transactions/{ids['C-2']}").text
    assert number not in seen
    assert "avatax" not in seen
