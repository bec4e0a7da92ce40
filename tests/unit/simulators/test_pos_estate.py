"""The POS estate: what registers ring up adds up, is the seed's, and is read by the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest

from gateway.canonical.envelope import StoredSale
from gateway.canonical.sale import Mark, StoreSale
from gateway.channels.pos.files import PosLogFile
from gateway.channels.pos.poslog import Place
from gateway.errors import FileRefused
from simulators.catalogue import load_catalogue
from simulators.channel import Channel
from simulators.clock import SystemClock
from simulators.pos.estate import COUNTERS, KINDS, Estate
from simulators.pos.options import PosOptions
from simulators.pos.till import Keyed
from simulators.pos.wire import as_json, as_poslog

DAY = "2026-11-21"


def estate(**options: Any) -> tuple[Channel[PosOptions], Estate]:
    wanted = PosOptions(**{"stores": ("NL-001", "DE-001"), "business_day": (DAY,), **options})
    channel = Channel("pos", wanted, SystemClock(), KINDS, COUNTERS)
    return channel, Estate(channel, load_catalogue())


def items(of: Estate) -> Iterator[dict[str, Any]]:
    for store in of.stores.values():
        yield from store.unsent


def test_whatever_is_rung_up_is_a_receipt_the_gateway_takes() -> None:
    channel, made = estate(returns=0.4, voids=0.1, line_voids=0.2)
    made.sell(count=400)
    kinds = set()
    for item in items(made):
        kinds.add(item.get("kind", "sale"))
        (Mark if "kind" in item else StoreSale).model_validate(item)
    assert kinds == {"sale", "void", "control"}
    sold = [StoreSale.model_validate(it) for it in items(made) if "kind" not in it]
    assert any(it.returns and it.total < 0 for it in sold)
    assert any(it.cash_rounding for it in sold)
    assert any(back.sold_on for it in sold for back in it.returns)
    assert channel.counters["unsent"] == sum(1 for _ in items(made))


def test_what_comes_back_with_its_receipt_gives_back_what_was_paid_and_its_tax() -> None:
    """Whole minor units, promotions included: all pieces of a line, all of its tax."""
    _, made = estate(returns=0.9, promotions=0.7, stores=("NL-001",))
    made.sell(count=3000)
    rungs = {it.name: it for it in made.stores["NL-001"].rung if it.kind == "sale"}
    back: dict[str, list[Keyed]] = {}
    for keyed in (it for rung in rungs.values() for it in rung.kept if it.sold_on):
        on = keyed.sold_on or {}
        name = f"{on['store']}/{on['business_date']}/{on['register']}/{on['sequence']}"
        back.setdefault(name, []).append(keyed)
    whole = 0
    for name, pieces in back.items():
        line = rungs[name].kept[0]
        worth, tax = (
            sum((getattr(it, of) for it in pieces), Decimal(0)) for of in ("amount", "tax")
        )
        assert len(pieces) <= line.quantity
        assert (worth <= line.amount, tax <= line.tax) == (True, True)
        if len(pieces) == line.quantity:
            whole += line.quantity > 1 and bool(line.off)
            assert (worth, tax) == (line.amount, line.tax)
    assert whole, "some came back whole, of several pieces and at a promotion"


def test_one_seed_is_one_estate() -> None:
    def told(seed: int) -> list[object]:
        _, made = estate(seed=seed)
        made.sell(count=50)
        return [{**it, "sold_at": ""} for it in items(made)]

    assert told(7) == told(7)
    assert told(7) != told(8)


def test_a_file_says_what_the_api_is_sent_and_ties_out() -> None:
    _, made = estate(returns=0.4, voids=0.1, line_voids=0.3)
    made.sell("NL-001", count=300)
    made.end_day("NL-001")
    store = made.stores["NL-001"]
    places = {"NL-001": Place("NL-001", "NL01", None)}
    with PosLogFile(BytesIO(as_poslog(store.rung).encode()), places) as read:
        assert read.all.count == len(store.rung)
        found = list(read.items("pos", lambda _entity, _sale: None))
    closing = 0
    for rung, item in zip(store.rung, found, strict=True):
        sent = as_json(rung)
        if "kind" in sent:
            assert item.mark == Mark.model_validate(sent)
            closing += item.mark.closes_day
            continue
        assert item.submission is not None
        taken = StoredSale.model_validate(item.submission.body)
        assert taken.sale == StoreSale.model_validate(sent), rung
    assert closing == 1


def test_files_that_are_spoilt_are_refused() -> None:
    _, made = estate()
    made.sell("NL-001", count=20)
    rung = made.stores["NL-001"].rung
    places = {"NL-001": Place("NL-001", "NL01", None)}
    whole = as_poslog(rung)
    for content in (whole[: len(whole) * 2 // 3], as_poslog(rung, len(rung) + 1)):
        with pytest.raises(FileRefused):
            PosLogFile(BytesIO(content.encode()), places)


def test_faults_leave_their_marks_in_the_books() -> None:
    channel, made = estate(voids=0.0)
    channel.faults.switch_on("lost_receipt", {"count": 3})
    made.sell("NL-001", count=10)
    channel.faults.switch_on("number_used_twice", {"count": 2})
    made.sell("NL-001", count=10)
    entries = [it.values for it in channel.books.since(0) if it.kind == "sale"]
    lost = [it["name"] for it in entries if it["lost"]]
    twice = [str(it["name"]) for it in entries if it["used_twice"]]
    assert (len(lost), len(twice)) == (3, 2)
    sent = [f"NL-001/{DAY}/{it['register']}/{it['sequence']}" for it in items(made)]
    assert not set(lost) & set(sent)
    assert sorted(sent.count(name) for name in twice) == [2, 2]


def test_days_and_shifts_use_numbers_and_numbers_go_round() -> None:
    channel, made = estate(registers=1, first_number=9998, last_number=9999, voids=0.0)
    made.sell("NL-001", count=2)
    made.end_day("NL-001")
    made.sell("NL-001", count=1)
    rung = made.stores["NL-001"].rung
    assert [(it.number, it.kind, it.what) for it in rung] == [
        (9998, "control", "shift begins"), (9999, "sale", ""), (1, "sale", ""),
        (2, "control", "shift ends"), (3, "control", "day ends"),
        (4, "control", "shift begins"), (5, "sale", ""),
    ]  # fmt: skip
    assert [it.day for it in rung[-2:]] == ["2026-11-22", "2026-11-22"]
    (shift,) = [it.values for it in channel.books.since(0) if it.kind == "shift"]
    cash = [amount for it in rung[1:3] for kind, amount in it.tenders if kind == "cash"]
    assert Decimal(str(shift["expected_cash"])) == sum(cash, Decimal(0))
