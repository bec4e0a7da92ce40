"""A2: whichever ERP is asked, a channel reads the same."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.canonical.base import Document
from gateway.canonical.outcome import Booked
from gateway.errors import ErpUnavailable
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


def read(document: Document | None) -> dict[str, Any]:
    """What a channel reads, but for the time of asking."""
    assert document is not None
    return document.model_dump(mode="json", exclude={"as_of"})


def skus() -> list[str]:
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        return [row["sku"] for row in csv.DictReader(file)]


async def test_every_enquiry_reads_the_same(both: tuple[Simulator, Simulator]) -> None:
    legacy, cloud = (adapter_of(each.system, each.url) for each in both)

    async def compare(sku: str, entity: str) -> None:
        for name in ("availability", "price", "product"):
            ours, theirs = await asyncio.gather(
                *(getattr(erp, name)(sku, entity) for erp in (legacy, cloud))
            )
            assert read(ours) == read(theirs), f"{name} of {sku} in {entity}"

    assert len(skus()) > 50
    for sku in skus():
        await compare(sku, "NL01")
    await compare(skus()[0], "DE01")
    await legacy.close()
    await cloud.close()


async def test_a_sale_lowers_what_may_be_promised(both: tuple[Simulator, Simulator]) -> None:
    told = []
    for simulator in both:
        erp = adapter_of(simulator.system, simulator.url)
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
        await erp.close()
    assert told[0] == told[1]


async def test_what_an_erp_does_not_know(both: tuple[Simulator, Simulator]) -> None:
    for simulator in both:
        erp = adapter_of(simulator.system, simulator.url)
        assert await erp.availability("NO-SUCH-SKU", "NL01") is None
        assert await erp.price("NO-SUCH-SKU", "NL01") is None
        assert await erp.product("NO-SUCH-SKU", "NL01") is None
        with pytest.raises(ErpUnavailable):  # an entity that is not there is not "no such SKU"
            await erp.availability("GIFTBOX", "FR01")
        await erp.close()


async def test_every_failure_reads_the_same(both: tuple[Simulator, Simulator]) -> None:
    told = []
    for simulator in both:
        erp = adapter_of(simulator.system, simulator.url)
        simulator.fault("outage", count=10)
        for ask in (erp.availability, erp.price, erp.product):
            with pytest.raises(ErpUnavailable) as caught:
                await ask("TEE-BLK-M", "NL01")
            told.append((caught.value.detail, caught.value.retry_after_s))
        simulator.heal()
        await erp.close()
    assert told[:3] == told[3:]


async def test_a_token_that_goes_stale_costs_no_document(both: tuple[Simulator, Simulator]) -> None:
    """The ERP says the token is good for longer than it is, as after a revocation."""
    _, cloud = both
    cloud.set(token_lifetime_s=1.0)
    erp = adapter_of("cloud", cloud.url)
    sent = [envelope(order(order_ref=f"STALE-{number}")) for number in range(2)]
    for each in sent:
        assert isinstance(await erp.send(each), Booked)
        await asyncio.sleep(1.1)
    assert cloud.counters()["unauthorized_401"] >= 1
    assert [len(cloud.booked(each)) for each in sent] == [1, 1]
    cloud.set(token_lifetime_s=3600.0)
    await erp.close()
