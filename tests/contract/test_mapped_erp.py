"""Both dialects behind crosswalks, against the simulators: each ERP hears codes of its own."""

from __future__ import annotations

import pytest

from gateway.canonical.crosswalk import Crossing, CrosswalkKind
from gateway.canonical.envelope import Shaped
from gateway.canonical.outcome import Booked, Cause, Refused
from gateway.chain.erp import MappedErp
from gateway.clock import SystemClock
from gateway.mapping.crosswalk import Crosswalk, Crosswalks
from gateway.ports import Erp
from tests.contract.erp_simulators import Simulator, new_order, only, send

SKU = CrosswalkKind.SKU
pytestmark = pytest.mark.anyio


class Shelf:
    """Tables that a newer version comes to at the next look."""

    def __init__(self, now: list[Crossing], newer: list[Crossing]) -> None:
        self._now, self._newer = now, newer

    def tables(self) -> Crosswalks:
        return Crosswalks({SKU: Crosswalk(SKU, 1, "item-master", self._now)})

    async def refresh(self) -> Crosswalks:
        self._now = self._newer
        return self.tables()


SHIRT = Crossing("", "SHIRT-1", "TEE-BLK-M", "TEE-BLK-M")


def order_of(sku: str) -> list[dict[str, object]]:
    return [{"line": 1, "sku": sku, "quantity": 2, "unit_price": "19.95", "tax": "6.93"}]


async def test_a_document_is_booked_under_the_erp_s_own_code(
    erp: Erp, simulator: Simulator
) -> None:
    mapped = MappedErp(erp, Shelf([SHIRT], []), SystemClock())
    sent = new_order(lines=order_of("SHIRT-1"))
    assert isinstance(await send(mapped, sent), Booked)
    document = only(simulator.booked(sent))
    assert [line["sku"] for line in document["lines"]] == ["TEE-BLK-M"]


async def test_a_prepared_message_is_sent_as_it_was_shaped(erp: Erp, simulator: Simulator) -> None:
    """Its code is another row's source, and tables change between attempt and send."""
    own = Crossing("", "TEE-BLK-M", "CAP-NVY-ONE", "CAP-NVY-ONE")
    shelf = Shelf([SHIRT, own], [])
    mapped = MappedErp(erp, shelf, SystemClock())
    sent = new_order(lines=order_of("SHIRT-1"))
    prepared = await mapped.prepare(sent)
    assert isinstance(prepared, Shaped)
    assert prepared.shaped_by == "sku 1 (item-master)"
    await shelf.refresh()
    assert await mapped.prepare(prepared) is prepared
    assert isinstance(await send(mapped, prepared), Booked)
    document = only(simulator.booked(sent))
    assert [line["sku"] for line in document["lines"]] == ["TEE-BLK-M"]


async def test_a_gap_refuses_before_anything_is_sent(erp: Erp, simulator: Simulator) -> None:
    mapped = MappedErp(erp, Shelf([SHIRT], [SHIRT]), SystemClock())
    sent = new_order(lines=order_of("HAT-9"))
    refused = await mapped.send(sent)
    assert isinstance(refused, Refused)
    assert refused.cause is Cause.CROSSWALK_GAP
    assert refused.cause.waits
    assert f"sku 'HAT-9' of channel 'webshop' has no {simulator.system} code" in refused.detail
    assert "item-master must add it" in refused.detail
    assert simulator.booked(sent) == []


async def test_a_code_added_meanwhile_is_seen_before_a_message_is_refused(
    erp: Erp, simulator: Simulator
) -> None:
    mapped = MappedErp(erp, Shelf([], [SHIRT]), SystemClock())
    sent = new_order(lines=order_of("SHIRT-1"))
    assert isinstance(await send(mapped, sent), Booked)
    assert only(simulator.booked(sent))


async def test_enquiries_answer_under_the_caller_s_code(erp: Erp) -> None:
    mapped = MappedErp(erp, Shelf([SHIRT], []), SystemClock())
    stock = await mapped.availability("SHIRT-1", "NL01")
    price = await mapped.price("SHIRT-1", "NL01")
    item = await mapped.product("SHIRT-1", "NL01")
    plain = await erp.price("TEE-BLK-M", "NL01")
    assert stock is not None
    assert price is not None
    assert item is not None
    assert plain is not None
    assert {stock.sku, price.sku, item.sku} == {"SHIRT-1"}
    assert price.unit_price == plain.unit_price
    assert await mapped.product("TEE-BLK-M", "NL01") is None, "no code of any channel"
