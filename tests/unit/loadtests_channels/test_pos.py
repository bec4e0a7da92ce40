"""What stores' books say, as messages: checked against what the stores sent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from loadtests.channels.answers import books_of, sold_by
from loadtests.channels.port import Gateway, Sold
from loadtests.channels.pos import FAULTS, Estate
from simulators.__main__ import SYSTEMS, build_parser
from simulators.pos.options import PosOptions
from simulators.pos.site import pos_estate
from tests.unit.loadtests_channels.gateways import Tills, tills
from tests.unit.simulators.serving import eventually, served

SOURCE = Estate("pos", {"NL-001": "NL01", "DE-001": "DE01"}, "2026-11-20")


@pytest.fixture
def url() -> Iterator[str]:
    options = PosOptions(
        seed=3, stores=tuple(SOURCE.stores), business_day=("2026-11-20",), retry_s=0.02
    )
    with served(lambda: pos_estate(options)) as url:
        yield url


def do(url: str, what: str, **asked: object) -> None:
    httpx.post(f"{url}/control/{what}", json=asked).raise_for_status()


def opened(url: str, to: Tills) -> None:
    SOURCE.open(url, Gateway(to.url, "key"), 0.0)
    httpx.delete(f"{url}/control/faults")


def receipts(url: str) -> dict[str, Sold]:
    return {it.message.reference: it for it in sold_by(SOURCE, books_of(url))}


def told(url: str, to: Tills) -> dict[str, dict[str, Any]]:
    """What was sent, once all is answered."""
    eventually(lambda: not httpx.get(f"{url}/control/counters").json()["unsent"])
    return to.sales


def test_a_receipt_is_what_was_sent_to_the_cent_and_with_its_tax(url: str) -> None:
    with tills() as to:
        opened(url, to)
        do(url, "sell", each=True, count=30)
        sent = told(url, to)
        found = receipts(url)
    assert set(found) == set(sent)
    for name, sale in sent.items():
        message = found[name].message
        assert message.total == Decimal(sale["total"])
        backs = {it["line"] for it in sale["returns"]}
        signed = [
            (it, -1 if it["line"] in backs else 1) for it in (*sale["lines"], *sale["returns"])
        ]
        assert message.tax == sum(sign * Decimal(it["tax"]) for it, sign in signed)
        assert {(it.line, it.sku, it.quantity) for it in message.lines} == {
            (it["line"], it["sku"], sign * it["quantity"]) for it, sign in signed
        }
        assert message.facts["business_date"] == "2026-11-20"
    assert any(it["returns"] for it in sent.values())
    assert {it.message.legal_entity for it in found.values()} == {"NL01", "DE01"}


def test_the_gateways_answer_is_the_first_and_the_receipt_is_sent_when_it_was(url: str) -> None:
    with tills(lose=2) as to:
        SOURCE.cut_off(url, ["NL-001"])
        opened(url, to)
        do(url, "sell", store="NL-001", count=3)
        rung = {name: it.at for name, it in receipts(url).items()}
        assert rung
        assert not any(it.transaction_id for it in receipts(url).values())
        SOURCE.back(url)
        sent = told(url, to)
        for name, it in receipts(url).items():
            assert it.transaction_id == sent[name]["transaction_id"]
            assert it.told is not None
            assert rung[name] < it.at <= it.told
        assert to.posts > 2


def test_a_lost_number_is_no_receipt_and_days_end(url: str) -> None:
    with tills() as to:
        opened(url, to)
        httpx.put(f"{url}/control/faults/lost_receipt", json={"count": 1})
        do(url, "sell", store="NL-001", count=12)
        SOURCE.end_day(url)
        do(url, "sell", store="NL-001", count=5)
        assert set(receipts(url)) == set(told(url, to))
        days = {it.message.facts["business_date"] for it in receipts(url).values()}
    assert days == {"2026-11-20", "2026-11-21"}


def test_opened_it_sells_and_closed_it_sells_no_more(url: str) -> None:
    with tills() as to:
        SOURCE.open(url, Gateway(to.url, "key"), 200.0)
        faults = httpx.get(f"{url}/control/faults").json()["faults"]
        assert {"offline_store", "lost_answer"} <= set(faults) <= {name for name, _ in FAULTS}
        eventually(lambda: to.posts > 0)
        SOURCE.close(url)
        assert httpx.get(f"{url}/control/settings").json()["sales_per_s"] == 0
        told(url, to)


def test_the_simulator_takes_its_options() -> None:
    given = vars(build_parser().parse_args(SOURCE.command(5)[1:]))
    options_class, _ = SYSTEMS[given.pop("system")]
    options = options_class.from_texts(given)
    assert isinstance(options, PosOptions)
    assert options.stores == tuple(SOURCE.stores)
    assert options.business_day == ("2026-11-20",)
    assert not options.gateway, "nothing is sent before it is opened"
