"""A2 over the process table: each process, in each way it can end, ends alike in both ERPs.

A process that is added to the table fails here until it says how it ends.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import date
from itertools import count
from typing import Any, Final

import pytest

from gateway.canonical.envelope import Envelope
from gateway.canonical.outcome import Booked, Outcome, Probed, Refused
from gateway.canonical.process import PROCESSES, Kind
from gateway.ports import Erp
from tests.contract.erp_simulators import Simulator, adapter_of, new_order, only, send
from tests.unit.erp.envelopes import (
    authorisation,
    cancellation,
    envelope,
    receipt,
    returned,
    sale,
)

pytestmark = pytest.mark.anyio

#: (the message about an order that was booked before, how it ends)
Case = tuple[Callable[[Envelope], Envelope], str]

_numbers = count(100)
_CLOSED: Final = "2020-01-15T10:00:00Z"
_LINE: Final = {"line": 1, "sku": "NO-SUCH-SKU", "quantity": 2, "unit_price": "19.95"}
_RECEIVED: Final = {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "disposition": "restock"}
_CREDITED: Final = {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "refund": "10.00"}
_SALE: Final = {"line": 1, "sku": "NO-SUCH-SKU", "quantity": 1, "unit_price": "17.95"}


def ref(before: Envelope) -> str:
    return str(before.body["order_ref"])


def a_sale(**changes: Any) -> Envelope:
    return envelope(sale(sequence=next(_numbers), **changes))


def a_return(before: Envelope, **changes: Any) -> Envelope:
    return envelope(returned(order_ref=ref(before), return_ref=f"R-{next(_numbers)}", **changes))


def an_authorisation(before: Envelope, **changes: Any) -> Envelope:
    return envelope(authorisation(order_ref=ref(before), **changes))


def a_receipt(before: Envelope, *rows: tuple[int, str], **changes: Any) -> Envelope:
    return envelope(receipt(*rows, order_ref=ref(before), **changes))


WRITES: Final[Mapping[str, Mapping[str, Case]]] = {
    "order.intake": {
        "booked": (lambda _: new_order(), "booked"),
        "unknown item": (
            lambda _: new_order(lines=[_LINE], shipping={}, total="39.90"),
            "unknown-item",
        ),
        "closed period": (lambda _: new_order(ordered_at=_CLOSED), "closed-period"),
        "blocked": (
            lambda _: new_order(customer={"ref": "BLOCKED", "name": "Ada Example"}),
            "credit-block",
        ),
        "unknown customer": (
            lambda _: new_order(customer={"ref": "NOBODY", "name": "Ada Example"}),
            "unknown-customer",
        ),
    },
    "order.cancellation": {
        "all": (lambda before: envelope(cancellation(ref(before))), "booked cancelled"),
        "partly": (lambda before: envelope(cancellation(ref(before), {1: 1})), "booked partly"),
        "unknown order": (lambda _: envelope(cancellation("NO-SUCH-ORDER")), "unknown-order"),
    },
    "return.authorisation": {
        "booked": (an_authorisation, "booked"),
        "withdrawn": (
            lambda before: an_authorisation(before, lines=[], status="withdrawn"),
            "booked",
        ),
        "more than sold": (
            lambda before: an_authorisation(
                before, lines=[{"line": 1, "sku": "TEE-BLK-M", "quantity": 3}]
            ),
            "not-accepted",
        ),
        "unknown order": (
            lambda _: envelope(authorisation(order_ref="NO-SUCH-ORDER")),
            "unknown-order",
        ),
    },
    "return.receipt": {
        "booked": (a_receipt, "booked"),
        "each disposition": (
            lambda before: a_receipt(before, (1, "scrap"), (1, "quarantine")),
            "booked",
        ),
        "not announced": (lambda before: a_receipt(before, return_ref=None), "booked"),
        "more than sold": (lambda before: a_receipt(before, (3, "restock")), "not-accepted"),
        "unknown item": (
            lambda before: a_receipt(before, lines=[_RECEIVED | {"sku": "NO-SUCH-SKU"}]),
            "unknown-item",
        ),
        "closed period": (lambda before: a_receipt(before, received_at=_CLOSED), "closed-period"),
        "unknown order": (lambda _: envelope(receipt(order_ref="NO-SUCH-ORDER")), "unknown-order"),
    },
    "return.credit": {
        "booked": (a_return, "booked"),
        "without goods": (
            lambda before: a_return(before, lines=[_CREDITED | {"restock": False}]),
            "booked",
        ),
        "money only": (
            lambda before: a_return(before, lines=[], shipping="4.95", total="4.95"),
            "booked",
        ),
        "unknown order": (
            lambda _: envelope(returned(order_ref="NO-SUCH-ORDER")),
            "unknown-order",
        ),
    },
    "store.sale": {
        "booked": (lambda _: a_sale(), "booked"),
        "unknown item": (
            lambda _: a_sale(lines=[_SALE], tenders=[{"type": "cash", "amount": "17.95"}]),
            "unknown-item",
        ),
        "closed period": (lambda _: a_sale(business_date=date(2020, 1, 15)), "closed-period"),
    },
}
#: Reads are compared in `test_erp_parity.py`, by these enquiries.
READS: Final = {
    "inventory.availability": "availability",
    "catalog.product": "product",
    "catalog.price": "price",
}


#: What is each ERP's own of a document: numbers, times, and how it writes a channel.
OWN: Final = frozenset({
    "sequence", "number", "booked_at", "external_reference", "object_reference", "channel",
})  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Simulator]]:
    folder = tmp_path_factory.mktemp("simulators")
    started = Simulator("legacy", folder), Simulator("cloud", folder)
    for simulator in started:
        simulator.set(blocked_customers=["BLOCKED"], missing_customers=["NOBODY"])
    yield started
    for simulator in started:
        simulator.stop()


@pytest.fixture
async def erps(both: tuple[Simulator, Simulator]) -> AsyncIterator[tuple[Erp, Erp]]:
    made = adapter_of("legacy", both[0].url), adapter_of("cloud", both[1].url)
    yield made
    for each in made:
        await each.close()


def ending(outcome: Outcome | Probed) -> str:
    """How it ended, as both the record and a channel may tell."""
    match outcome:
        case Booked(_, result):
            return f"booked {result}".rstrip()
        case Refused(cause):
            return cause.value
    return repr(outcome)


def test_each_process_of_the_table_is_here() -> None:
    reads = {name for name, it in PROCESSES.items() if it.kind is Kind.READ}
    assert set(READS) == reads
    assert set(WRITES) == set(PROCESSES) - reads
    assert all(hasattr(Erp, name) for name in READS.values())


@pytest.mark.parametrize(
    ("process", "name"), [(process, name) for process, cases in WRITES.items() for name in cases]
)
async def test_it_ends_alike_in_both(
    both: tuple[Simulator, Simulator], erps: tuple[Erp, Erp], process: str, name: str
) -> None:
    make, expected = WRITES[process][name]
    before = new_order()
    books = []
    for simulator, erp in zip(both, erps, strict=True):
        if PROCESSES[process].kind is Kind.FOLLOW_UP:
            assert isinstance(await send(erp, before), Booked)
        sent = make(before)
        assert sent.process == process
        assert ending(await send(erp, sent)) == expected, simulator.system
        booked = simulator.booked(sent)
        if not expected.startswith("booked"):
            assert booked == []
            continue
        document = only(booked)
        books.append({key: it for key, it in document.items() if key not in OWN})
    assert books[:1] == books[1:], "the books tell the same of it"
