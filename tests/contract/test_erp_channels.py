"""Two channels may use the same order reference: neither ERP mixes them up."""

from __future__ import annotations

from itertools import count

import pytest

from gateway.canonical.base import Document
from gateway.canonical.envelope import Envelope, order_key
from gateway.canonical.outcome import Booked, Cause, Refused
from gateway.ports import Erp
from tests.contract.erp_simulators import Simulator, only, send
from tests.unit.erp.envelopes import cancellation, envelope, order, returned

pytestmark = pytest.mark.anyio
_NUMBERS = count(1)


async def test_equal_order_references_of_two_channels_are_two_orders(
    erp: Erp, simulator: Simulator
) -> None:
    """Both shops number their orders alike; what follows finds the order of its own channel."""
    reference = f"TWIN-{next(_NUMBERS)}"
    shops = {name: of_channel(name, order(order_ref=reference)) for name in ("webshop", "app")}
    assert isinstance(await send(erp, shops["webshop"]), Booked)
    assert await erp.has_order("webshop", reference, "NL01")
    assert not await erp.has_order("app", reference, "NL01")
    early = of_channel("app", cancellation(reference))
    refused = await send(erp, early)
    assert isinstance(refused, Refused)
    assert refused.cause is Cause.UNKNOWN_ORDER
    assert isinstance(await send(erp, shops["app"]), Booked)
    assert await erp.has_order("app", reference, "NL01")
    for shop, left in (("app", "cancelled"), ("webshop", "partly")):
        wish = of_channel(shop, cancellation(reference, {1: 1 if left == "partly" else 2}))
        outcome = await send(erp, wish)
        assert isinstance(outcome, Booked)
        assert outcome.result == left, "had both cancelled the same order, it would be empty"
        assert only(simulator.booked(wish))["channel"].lower() == shop
    back = of_channel("webshop", returned(order_ref=reference))
    store = back.model_copy(update={"channel": "pos"})  # bought online, returned in a store
    assert isinstance(await send(erp, store), Booked)
    assert only(simulator.booked(store))["channel"].lower() == "webshop"


async def test_what_the_channel_fulfils_is_booked_and_never_sent(
    erp: Erp, simulator: Simulator
) -> None:
    simulator.set(ship_after_s=0)
    try:
        theirs, ours = (
            of_channel("webshop", order(order_ref=f"FBA-{next(_NUMBERS)}", fulfilled_by=by))
            for by in ("channel", "retailer")
        )
        for sent, by, left in ((theirs, "channel", "cancelled"), (ours, None, "too_late")):
            assert isinstance(await send(erp, sent), Booked)
            assert only(simulator.booked(sent)).get("fulfilled_by") == by
            wish = of_channel("webshop", cancellation(str(sent.body["order_ref"])))
            outcome = await send(erp, wish)
            assert isinstance(outcome, Booked)
            assert outcome.result == left, "nothing of what the channel fulfils has left"
    finally:
        simulator.set(ship_after_s=3600)


def of_channel(channel: str, body: Document) -> Envelope:
    reference = str(body.model_dump()["order_ref"])
    sent = envelope(body, channel)
    return sent.model_copy(update={"object_key": order_key(channel, reference)})
