"""A2: whichever ERP is asked, a channel reads the same."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.canonical.base import Document
from gateway.canonical.outcome import Booked
from gateway.errors import ErpUnavailable
from gateway.ports import Erp
from tests.contract.erp_simulators import Simulator, adapter_of, new_order, send
from tests.unit.erp.envelopes import envelope, order

pytestmark = pytest.mark.anyio
CATALOGUE = Path(__file__).parents[2] / "simulators" / "data" / "catalogue.csv"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Simulator]]:
    folder = tmp_path_factory.mktemp("simulators")
    started = Simulator("legacy", folder), Simulator("cloud", folder)
    yield started
    for simulator in started:
        simulator.stop()


@pytest.fixture
async def erps(both: tuple[Simulator, Simulator]) -> AsyncIterator[tuple[Erp, Erp]]:
    """An adapter for each, the legacy one first."""
    legacy, cloud = both
    made = adapter_of("legacy", legacy.url), adapter_of("cloud", cloud.url)
    yield made
    for each in made:
        await each.close()


def read(document: Document | None) -> dict[str, Any]:
    """What a channel reads, but for the time of asking."""
    assert document is not None
    return document.model_dump(mode="json", exclude={"as_of"})


def skus() -> list[str]:
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        return [row["sku"] for row in csv.DictReader(file)]


async def test_every_enquiry_reads_the_same(erps: tuple[Erp, Erp]) -> None:
    async def compare(sku: str, entity: str) -> None:
        for name in ("availability", "price", "product"):
            ours, theirs = await asyncio.gather(*(getattr(erp, name)(sku, entity) for erp in erps))
            assert read(ours) == read(theirs), f"{name} of {sku} in {entity}"

    assert len(skus()) > 50
    for sku in skus():
        await compare(sku, "NL01")
    await compare(skus()[0], "DE01")


async def test_a_sale_lowers_what_may_be_promised(erps: tuple[Erp, Erp]) -> None:
    told = []
    for erp in erps:
        before = await erp.availability("GIFTBOX", "DE01")
        line = {"line": 1, "sku": "GIFTBOX", "quantity": 2, "unit_price": "3.50"}
        sent = new_order(legal_entity="DE01", lines=[line], shipping={}, total="7.00")
        assert isinstance(await send(erp, sent), Booked)
        after = await erp.availability("GIFTBOX", "DE01")
        assert before is not None
        assert after is not None
        assert after.available == before.available - 2
        assert after.as_of > before.as_of
        told.append(read(after))
    assert told[0] == told[1]


async def test_what_an_erp_does_not_know(erps: tuple[Erp, Erp]) -> None:
    for erp in erps:
        assert await erp.availability("NO-SUCH-SKU", "NL01") is None
        assert await erp.price("NO-SUCH-SKU", "NL01") is None
        assert await erp.product("NO-SUCH-SKU", "NL01") is None
        with pytest.raises(ErpUnavailable):  # an entity that is not there is not "no such SKU"
            await erp.availability("GIFTBOX", "FR01")


async def test_every_failure_reads_the_same(
    both: tuple[Simulator, Simulator], erps: tuple[Erp, Erp]
) -> None:
    told = []
    for simulator, erp in zip(both, erps, strict=True):
        simulator.fault("outage", count=10)
        for ask in (erp.availability, erp.price, erp.product):
            with pytest.raises(ErpUnavailable) as caught:
                await ask("TEE-BLK-M", "NL01")
            told.append((caught.value.detail, caught.value.retry_after_s))
        simulator.heal()
    assert told[:3] == told[3:]


async def test_a_token_that_goes_stale_costs_no_document(
    both: tuple[Simulator, Simulator], erps: tuple[Erp, Erp]
) -> None:
    """A token ends earlier than the gateway was told, as after a revocation.

    Below a second the simulator can only say "expires_in": 0, which tells nothing.
    """
    cloud, erp = both[1], erps[1]
    cloud.set(token_lifetime_s=0.9)
    sent = [envelope(order(order_ref=f"STALE-{number}")) for number in range(2)]
    for each in sent:
        assert isinstance(await erp.send(each), Booked)
        await asyncio.sleep(1.1)
    assert cloud.counters()["unauthorized_401"] >= 1
    assert [len(cloud.booked(each)) for each in sent] == [1, 1]
    cloud.set(token_lifetime_s=3600.0)
