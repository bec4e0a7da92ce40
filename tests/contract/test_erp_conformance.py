"""What every ERP dialect does alike, against the simulated ERPs. This suite is the contract."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from itertools import count

import pytest

from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Timing
from gateway.canonical.outcome import (
    Absent,
    Booked,
    Busy,
    Cause,
    Refused,
    Unknown,
)
from gateway.errors import ErpUnavailable
from gateway.ports import Erp
from tests.contract.erp_simulators import (
    OLD,
    Simulator,
    an_order_of,
    eventually,
    new_order,
    only,
    send,
    settled,
)
from tests.unit.erp.envelopes import cancellation, envelope, returned, sale

pytestmark = pytest.mark.anyio
_NUMBERS = count(1)


# --------------------------------------------------------------------------- booked once


async def test_an_order_is_booked_once_to_the_cent(erp: Erp, simulator: Simulator) -> None:
    sent = new_order()
    outcome = await send(erp, sent)
    assert isinstance(outcome, Booked)
    document = only(simulator.booked(sent))
    assert document["number"] == outcome.document
    assert document["kind"] == "order"
    assert document["object_reference"] == sent.body["order_ref"]
    assert (document["legal_entity"], document["currency"]) == ("NL01", "EUR")
    assert document["lines"] == [
        {"line": 1, "sku": "TEE-BLK-M", "quantity": "2", "unit_price": "19.95", "amount": "39.90",
         "tax": "6.93"}
    ]  # fmt: skip
    assert document["total"] == "44.85"


async def test_taxes_that_prices_leave_out_are_booked_too(erp: Erp, simulator: Simulator) -> None:
    lines = [
        {"line": 7, "sku": "TEE-BLK-S", "quantity": 3, "unit_price": "16.49", "discount": "5.00",
         "tax": "9.34"},
        {"line": 2, "sku": "BOOK-CARE", "quantity": 1, "unit_price": "13.72", "tax": "1.23"},
    ]  # fmt: skip
    shipping = {"amount": "4.09", "tax": "0.86"}
    sent = new_order(tax_included=False, lines=lines, shipping=shipping, total="73.71")
    assert isinstance(await send(erp, sent), Booked)
    document = only(simulator.booked(sent))
    assert [(each["line"], each["amount"]) for each in document["lines"]] == [
        (7, "44.47"), (2, "13.72"),
    ]  # fmt: skip
    assert (document["shipping"], document["tax"]) == ("4.09", "11.43")
    assert document["total"] == "73.71"


async def test_awkward_names_do_no_harm(erp: Erp, simulator: Simulator) -> None:
    name = "Zoë <O'Brien> & Söhne ]]> 😀 " * 4
    ship_to = {"name": name[:120], "street": " 'Straße' 1", "city": 'Quote"d', "country": "NL"}
    customer = {"ref": "C-1", "name": name[:120]}
    sent = new_order(ship_to=ship_to | {"postal_code": "1234 AB"}, customer=customer)
    assert isinstance(await send(erp, sent), Booked)
    assert only(simulator.booked(sent))["total"] == "44.85"


async def test_a_return_credits_its_order(erp: Erp, simulator: Simulator) -> None:
    bought = new_order()
    await send(erp, bought)
    sent = envelope(returned(order_ref=bought.body["order_ref"]))
    assert isinstance(await send(erp, sent), Booked)
    document = only(simulator.booked(sent))
    assert document["kind"] == "return"
    assert document["object_reference"] == bought.body["order_ref"]
    assert [each["amount"] for each in document["lines"]] == ["10.00"]
    assert document["total"] == "10.00"


async def test_a_receipt_is_booked_for_its_store_day(erp: Erp, simulator: Simulator) -> None:
    sequence = next(_NUMBERS)
    sent = envelope(sale(sequence=sequence), channel="pos")
    assert isinstance(await send(erp, sent), Booked)
    document = only(simulator.booked(sent))
    assert document["kind"] == "store_sale"
    assert document["object_reference"] == f"NL-001/2026-11-21/1/{sequence}"
    assert [each["amount"] for each in document["lines"]] == ["17.95"]
    assert document["total"] == "17.95"


# --------------------------------------------------------------------------- cancellations


async def test_a_cancellation_in_time_cancels(erp: Erp, simulator: Simulator) -> None:
    bought = new_order()
    await send(erp, bought)
    part = envelope(cancellation(bought.body["order_ref"], {1: 1}))
    outcome = await send(erp, part)
    assert isinstance(outcome, Booked)
    assert outcome.result == "partly"
    rest = envelope(cancellation(bought.body["order_ref"]))
    outcome = await send(erp, rest)
    assert isinstance(outcome, Booked)
    assert outcome.result == "cancelled"
    assert only(simulator.booked(rest))["outcome"] == "cancelled"
    assert await settled(erp, await erp.probe(rest)) == outcome, "a probe brings the result too"


async def test_a_cancellation_of_what_has_left_is_too_late(erp: Erp, simulator: Simulator) -> None:
    sent = envelope(cancellation(OLD[simulator.system]))
    outcome = await send(erp, sent)
    assert isinstance(outcome, Booked)
    assert outcome.result == "too_late"


# --------------------------------------------------------------------------- refused for good


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda: an_order_of("NO-SUCH-SKU"), Cause.UNKNOWN_ITEM),
        (lambda: envelope(returned(order_ref="NEVER-SEEN")), Cause.UNKNOWN_ORDER),
        (lambda: envelope(cancellation("NEVER-SEEN")), Cause.UNKNOWN_ORDER),
        (lambda: new_order(ordered_at="2020-01-31T10:00:00+00:00"), Cause.CLOSED_PERIOD),
        (lambda: envelope(sale(business_date="2020-01-31")), Cause.CLOSED_PERIOD),
        (lambda: new_order(currency="USD"), Cause.NOT_ACCEPTED),
    ],
    ids=[
        "item",
        "return of no order",
        "cancellation of no order",
        "period",
        "late receipt",
        "money",
    ],
)
async def test_what_staff_must_look_at_is_refused_with_its_cause(
    erp: Erp, simulator: Simulator, make: Callable[[], Envelope], cause: Cause
) -> None:
    sent = make()
    outcome = await send(erp, sent)
    assert isinstance(outcome, Refused)
    assert outcome.cause is cause
    assert outcome.detail
    assert simulator.booked(sent) == []
    # A document that failed may be kept (an IDoc in status 51) or not; it is never "booked".
    assert isinstance(await erp.probe(sent), Refused | Absent)


# --------------------------------------------------------------------------- unknown outcomes


async def test_a_lost_reply_is_unknown_until_a_probe_finds_the_booking(
    erp: Erp, simulator: Simulator
) -> None:
    simulator.fault("lost_reply")
    sent = new_order()
    assert isinstance(await erp.send(sent), Unknown)
    assert isinstance(await settled(erp, await erp.probe(sent)), Booked)
    assert only(simulator.booked(sent))["total"] == "44.85"


@pytest.mark.parametrize("mode", ["abort", "hang"])
async def test_a_late_booking_is_absent_at_first_and_found_later(
    erp: Erp, simulator: Simulator, mode: str
) -> None:
    simulator.fault("late_booking", delay_ms=1_000, mode=mode)
    sent = new_order()
    attempt = asyncio.create_task(erp.send(sent))
    await asyncio.sleep(0.1)
    assert await erp.probe(sent) == Absent(), "nothing may be concluded from this yet"
    assert isinstance(await attempt, Unknown)
    late = await eventually(lambda: erp.probe(sent), lambda each: not isinstance(each, Absent))
    assert isinstance(await settled(erp, late), Booked)
    only(simulator.booked(sent))


async def test_a_lagging_look_up_hides_what_is_booked_for_a_while(
    erp: Erp, simulator: Simulator
) -> None:
    simulator.fault("lagging_lookup", delay_ms=1_000)
    sent = new_order()
    assert isinstance(await send(erp, sent), Booked)
    assert await erp.probe(sent) == Absent()
    late = await eventually(lambda: erp.probe(sent), lambda each: not isinstance(each, Absent))
    assert isinstance(late, Booked)


async def test_a_request_we_gave_up_on_is_still_carried_out(
    erp: Erp, simulator: Simulator, adapters: Callable[..., Erp]
) -> None:
    hasty = adapters(Timing(request_ms=700, absent_final_ms=5_000, poll_ms=20))
    await hasty.has_order("webshop", "any", "NL01")  # so that the token is there
    simulator.fault("latency", delay_ms=1_500)
    sent = new_order()
    assert isinstance(await hasty.send(sent), Unknown)
    late = await eventually(lambda: erp.probe(sent), lambda each: not isinstance(each, Absent))
    assert isinstance(await settled(erp, late), Booked)
    only(simulator.booked(sent))


async def test_what_is_sent_twice_is_booked_twice_and_noticed(
    erp: Erp, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither ERP is idempotent: this is what the gateway has to prevent."""
    sent = new_order()
    first = await send(erp, sent)
    await send(erp, sent)
    assert len(simulator.booked(sent)) == 2
    with caplog.at_level(logging.WARNING, "coexist.erp"):
        assert await erp.probe(sent) == first
    assert "double booking" in caplog.text


# --------------------------------------------------------------------------- try later


async def test_a_throttled_document_is_busy_and_not_booked(erp: Erp, simulator: Simulator) -> None:
    await erp.has_order("webshop", "any", "NL01")
    simulator.fault("throttle", delay_ms=3_000)
    sent = new_order()
    outcome = await erp.send(sent)
    assert isinstance(outcome, Busy)
    assert (outcome.closes, outcome.retry_after_ms) == (True, 3_000)
    assert await erp.probe(sent) == Absent()
    assert simulator.booked(sent) == []


@pytest.mark.parametrize("mode", ["abort", "503"])
async def test_an_outage_answers_nothing_for_certain(
    erp: Erp, simulator: Simulator, mode: str
) -> None:
    await erp.has_order("webshop", "any", "NL01")
    simulator.fault("outage", mode=mode, count=100)
    sent = new_order()
    assert isinstance(await erp.send(sent), Busy | Unknown)
    assert isinstance(await erp.probe(sent), Busy | Unknown), "silence is not absence"
    with pytest.raises(ErpUnavailable):
        await erp.has_order("webshop", "SHOP-1", "NL01")
    for ask in (erp.availability, erp.price, erp.product):
        with pytest.raises(ErpUnavailable):
            await ask("TEE-BLK-M", "NL01")
    simulator.heal()
    assert await erp.probe(sent) == Absent()
    assert isinstance(await send(erp, sent), Booked)


async def test_nobody_there_is_busy_and_closes(adapters: Callable[..., Erp]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        erp = adapters(url=f"http://127.0.0.1:{unused.getsockname()[1]}")
        outcome = await erp.send(new_order())
    assert isinstance(outcome, Busy)
    assert outcome.closes


async def test_wrong_credentials_are_busy_and_close(
    simulator: Simulator, adapters: Callable[..., Erp]
) -> None:
    sent = new_order()
    outcome = await adapters(secret="mistyped").send(sent)
    assert isinstance(outcome, Busy)
    assert outcome.closes
    assert "check the c" in outcome.detail
    assert "mistyped" not in outcome.detail
    assert simulator.booked(sent) == []


# --------------------------------------------------------------------------- look-ups


async def test_confirm_of_nothing_is_nothing(erp: Erp) -> None:
    assert await erp.confirm([]) == {}


async def test_orders_are_found_by_the_channels_reference(erp: Erp, simulator: Simulator) -> None:
    sent = new_order()
    reference = sent.body["order_ref"]
    assert not await erp.has_order("webshop", reference, "NL01")
    await send(erp, sent)
    assert await erp.has_order("webshop", reference, "NL01")
    assert await erp.has_order("webshop", OLD[simulator.system], "NL01"), "older than the gateway"


async def test_a_refused_order_is_no_order(erp: Erp) -> None:
    sent = an_order_of("NO-SUCH-SKU")
    await send(erp, sent)
    assert not await erp.has_order("webshop", sent.body["order_ref"], "NL01")


async def test_many_at_once_are_each_booked_once(erp: Erp, simulator: Simulator) -> None:
    sent = [new_order() for _ in range(5)]
    outcomes = await asyncio.gather(*(send(erp, each) for each in sent))
    assert all(isinstance(each, Booked) for each in outcomes)
    for each in sent:
        only(simulator.booked(each))
