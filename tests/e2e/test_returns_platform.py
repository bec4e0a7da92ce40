"""A shop and a returns platform that pays through it, with every fault, into a simulated ERP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.installation import Installation, until
from tests.e2e.test_shopify import SHOP, Shop

pytestmark = [pytest.mark.timeout(180), pytest.mark.long]

LOOP: dict[str, Any] = {"scopes": [], "loop": {
    "secrets": ["loop_before", "loop_gateway"], "legal_entity": "NL01", "order_channel": "shop",
}}  # fmt: skip


class Platform:
    """The simulated returns platform of an installation."""

    def __init__(self, installation: Installation, shop: Shop) -> None:
        self.url = installation._start(
            "loop", "simulators", "loop", "--port", "0", "--seed", "3", "--shop", shop.url,
            "--topics", "return,restock,label",
            "--retry-s", "0.3", "--attempts", "60", "--max-seconds", "300",
        ).url  # fmt: skip

    def tells(self, installation: Installation) -> None:
        """Have the webhooks sent to the gateway."""
        hook = f"{installation.running['gateway'].url}/v1/hooks/loop/loop"
        httpx.put(f"{self.url}/control/settings", json={"hook": hook}).raise_for_status()

    def do(self, what: str, **asked: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self.url}/control/returns{what}", json=asked)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def get(self, what: str) -> Any:
        return httpx.get(f"{self.url}/control/{what}").raise_for_status().json()


def tax_of(platform: Platform) -> Decimal:
    """What was tax of all that the platform closed."""
    entries = platform.get("books")["documents"]
    closed = {it["return_id"] for it in entries if it["kind"] == "closed"}
    return sum(
        (
            Decimal(row["tax"])
            for it in entries
            if it["kind"] in {"return", "added"} and it["return_id"] in closed
            for row in it["rows"]
        ),
        Decimal(0),
    )


def goods_are_booked(
    installation: Installation, pieces: dict[str, int], expected: set[str], gone: str
) -> None:
    """What is credited came, by receipts alone; of what was given up nothing is expected."""

    def of(kind: str) -> list[dict[str, Any]]:
        return [it for it in installation.books("cloud") if it["kind"] == kind]

    def received() -> dict[str, int]:
        found: dict[str, int] = {}
        for line in (it for document in of("return_receipt") for it in document["lines"]):
            found[line["sku"]] = found.get(line["sku"], 0) + int(line["quantity"])
        return found

    def withdrawn() -> set[str]:
        return {it["return_reference"] for it in of("return_order") if it.get("withdrawn")}

    until(lambda: received() == pieces, 30, "everything is received")
    until(lambda: withdrawn() == {gone}, 30, "nothing is expected of it")
    assert expected <= {it["return_reference"] for it in of("return_order")}
    assert all(line.get("restock") is False for it in of("return") for line in it["lines"])


def test_each_piece_is_received_and_credited_once(installation: Installation) -> None:
    installation.erps()
    file = installation.folder / "coexist.yaml"
    config = yaml.safe_load(file.read_text())
    shop = Shop(installation)
    platform = Platform(installation, shop)
    shop_of = {**SHOP["shopify"], "goods_back": "elsewhere"}
    since = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    poll = {"url": platform.url, "api_key": "loop_api_gateway", "since": since, "poll_s": 1}
    loop = {**LOOP, "loop": {**LOOP["loop"], "poll": poll}}
    config["channels"] |= {"shop": {"scopes": [], "shopify": shop_of}, "loop": loop}
    file.write_text(yaml.safe_dump(config))
    installation.rules("cloud")
    installation.gateway()
    installation.worker()
    shop.subscribe(installation)
    platform.tells(installation)
    for fault, more in (
        ("missing_webhook", {"probability": 0.4}),
        ("duplicate_webhook", {"probability": 0.5}),
        ("disordered_webhook", {"probability": 0.4, "delay_ms": 800}),
        ("wrong_signature", {"probability": 0.3}),
        ("empty_payload", {"probability": 0.3}),
        ("schema_surprise", {"probability": 0.3, "mode": "unknown_field"}),
    ):
        httpx.put(f"{platform.url}/control/faults/{fault}", json=more).raise_for_status()

    order = shop.place(lines={"TEE-BLK-M": 3, "SHIRT-WHT-M": 1}, paid=True)
    first, second = (it["id"] for it in order["line_items"])
    early = platform.do("", order_id=order["id"], lines={first: 1})["id"]
    platform.do(f"/{early}/pay")  # before anything has come
    platform.do(f"/{early}/add", lines={first: 1})
    platform.do(f"/{early}/pay")
    platform.do(f"/{early}/close")
    late = platform.do("", order_id=order["id"], lines={second: 1}, fee="2.50")["id"]
    platform.do(f"/{late}/close")
    gone = platform.do("", order_id=order["id"], lines={first: 1})["id"]
    platform.do(f"/{gone}/cancel")

    def settled() -> bool:
        return not platform.get("counters")["webhooks_pending"]

    until(settled, 60, "every webhook is answered")
    until(lambda: not shop.counters()["webhooks_pending"], 60, "the shop's too")
    due = sum(
        (Decimal(it["total"]) for it in platform.get("books")["documents"]
         if it["kind"] == "closed"), Decimal(0)
    )  # fmt: skip

    def credited() -> list[dict[str, Any]]:
        return [it for it in installation.books("cloud") if it["kind"] == "return"]

    def total() -> Decimal:
        return sum((Decimal(it["total"]) for it in credited()), Decimal(0))

    until(lambda: total() >= due, 60, "everything is credited")
    pieces: dict[str, int] = {}
    for document in credited():
        assert document["object_reference"] == str(order["id"])
        for line in document["lines"]:
            pieces[line["sku"]] = pieces.get(line["sku"], 0) + int(line["quantity"])
    assert pieces == {"TEE-BLK-M": 2, "SHIRT-WHT-M": 1}
    assert total() == due
    assert sum(Decimal(it["told_tax"]) for it in credited()) == tax_of(platform) > 0
    goods_are_booked(installation, pieces, {early, late}, gone)
    counters = platform.get("counters")
    assert counters["webhooks_given_up"] == 0
    assert counters["webhooks_missing"]
    assert counters["lists"], "it was polled"
    assert shop.counters()["webhooks_delivered"] > 3, "the shop told of refunds, and was heard"
