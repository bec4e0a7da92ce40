"""Doctored books of what simulated channels sold: each way to be wrong fails, for each channel."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console

from loadtests import present
from loadtests.audit import Claims, verdict
from loadtests.books import Document
from loadtests.journal import MessageEntry
from loadtests.messages import ORDER, SALE
from tests.unit.loadtests_channels.channel_run import (
    AFTER,
    BEFORE,
    CHANNELS,
    DURING,
    HAPPENED,
    Books,
    Happened,
    booked,
    entries,
)

NOTHING = Claims(frozenset())
ZERO, CENT = Decimal(0), Decimal("0.01")
OPENING = [it for it in HAPPENED if it.message.process == ORDER]


@pytest.fixture(scope="module")
def told() -> list[MessageEntry]:
    return entries()


@pytest.fixture
def books(told: list[MessageEntry]) -> Books:
    return Books(told)


def named(happened: Happened) -> str:
    return happened.transaction_id.removeprefix("0a-")


def of(channel: str) -> list[Happened]:
    return [it for it in HAPPENED if it.message.channel == channel]


def moved(books: Books, happened: Happened) -> Document:
    """Put its document into the other ERP; what it says stays the same."""
    document = books.documents[happened.transaction_id]
    other = replace(document, erp="cloud" if document.erp == "legacy" else "legacy")
    books.documents[happened.transaction_id] = other
    return other


def test_whole_books_pass_with_the_flip_across_them(books: Books) -> None:
    report = books.audited()
    assert books.failing() == {}, [str(it) for it in report.findings]
    assert verdict(report, NOTHING).exit_code == 0
    assert report.accepted == report.booked_once == len(HAPPENED)
    assert set(report.channels) == set(CHANNELS)
    assert report.accepted_from_callers == 0
    assert report.followups_across_flip >= len(CHANNELS) - 1
    assert min(report.booked_cloud, report.booked_legacy) >= len(CHANNELS)


@pytest.mark.parametrize("victim", HAPPENED, ids=named)
def test_accepted_but_booked_nowhere_is_lost(books: Books, victim: Happened) -> None:
    del books.documents[victim.transaction_id]
    report = books.audited()
    assert books.failing() == {"lost": 1}
    assert report.findings[0].reference == victim.message.reference
    assert "accepted, but in no ERP's books" in report.findings[0].what
    assert verdict(report, NOTHING).exit_code == 1
    sold = report.channels[victim.message.channel]
    assert sold["sold"] == sold["booked"] + 1


@pytest.mark.parametrize(
    "victim", [it for it in HAPPENED if it not in OPENING and it.message.process != SALE], ids=named
)
def test_a_follow_up_in_another_erp_than_its_order(books: Books, victim: Happened) -> None:
    moved(books, victim)
    assert books.failing() == {"wrong_owner": 1}


@pytest.mark.parametrize("victim", [it for it in OPENING if it.when == BEFORE], ids=named)
def test_an_order_sent_by_rules_that_were_not_in_force_yet(books: Books, victim: Happened) -> None:
    moved(books, victim)
    assert books.failing() == {"wrong_owner": 1}
    assert "belongs to legacy, not to cloud" in books.audited().findings[0].what


@pytest.mark.parametrize("victim", [it for it in OPENING if it.when == AFTER], ids=named)
def test_an_order_sold_after_an_apply_returned_and_sent_by_the_rules_before(
    books: Books, victim: Happened
) -> None:
    moved(books, victim)
    assert books.failing() == {"stale_route_after_apply": 1}
    assert verdict(books.audited(), NOTHING).exit_code == 1


@pytest.mark.parametrize("victim", [it for it in OPENING if it.when == DURING], ids=named)
def test_an_order_under_way_during_the_flip_may_be_in_either_erp(
    books: Books, victim: Happened
) -> None:
    moved(books, victim)
    assert books.failing() == {}


def test_a_receipt_belongs_where_its_business_day_is(books: Books) -> None:
    for number, kind in ((3, "wrong_owner"), (2, "wrong_owner"), (1, "wrong_owner")):
        victim = next(it for it in of("pos") if it.message.reference.endswith(f"20/1/{number}"))
        moved(books, victim)
        assert books.failing() == {kind: 1}, victim.message.reference
        moved(books, victim)
    (first, _) = (it for it in of("pos") if it.erp == "cloud")
    for it in of("pos"):
        if it.erp == "cloud":
            moved(books, it)
    assert books.failing() == {"stale_route_after_apply": 1}, "the day was opened by old rules"
    assert books.audited().findings[0].reference == first.message.reference


@pytest.mark.parametrize("channel", CHANNELS)
def test_two_documents_with_each_others_contents(books: Books, channel: str) -> None:
    one, two = of(channel)[:2]
    first, second = books.documents[one.transaction_id], books.documents[two.transaction_id]
    books.documents[one.transaction_id] = replace(
        second, external_reference=first.external_reference
    )
    books.documents[two.transaction_id] = replace(
        first, external_reference=second.external_reference
    )
    assert verdict(books.audited(), NOTHING).exit_code == 1
    assert books.failing()["wrong_document"] == 2


@pytest.mark.parametrize("channel", [it for it in CHANNELS if it != "returns"])
def test_two_documents_of_an_object_in_each_others_place(books: Books, channel: str) -> None:
    one, two = of(channel)[:2]
    first, second = books.documents[one.transaction_id], books.documents[two.transaction_id]
    books.documents[one.transaction_id] = replace(first, sequence=second.sequence)
    books.documents[two.transaction_id] = replace(second, sequence=first.sequence)
    assert set(books.failing()) == {"out_of_order"}
    assert verdict(books.audited(), NOTHING).exit_code == 1


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_document_doubled_in_either_erp(books: Books, channel: str) -> None:
    victim = of(channel)[0]
    for erp in ("legacy", "cloud"):
        books.documents["again"] = booked(victim, 90, erp=erp, number="AGAIN")
        assert books.failing() == {"duplicated": 1}


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_cent_off(books: Books, channel: str) -> None:
    victim = next(it for it in of(channel) if it.message.total is not None)
    document = books.documents[victim.transaction_id]
    line, *rest = document.lines
    line = replace(line, amount=line.amount + CENT)
    books.documents[victim.transaction_id] = replace(document, lines=(line, *rest))
    assert books.failing() == {"wrong_amount": 1}


TAXED = [it for it in HAPPENED if it.message.tax is not None]


def taxed(document: Document, *more: Decimal) -> Document:
    """The document with so much more tax on its first lines."""
    lines = [
        replace(line, tax=(line.tax or ZERO) + it)
        for line, it in zip(document.lines, more, strict=False)
    ]
    lines += document.lines[len(lines) :]
    told = (document.tax or ZERO) + sum(more)
    return replace(document, lines=tuple(lines), tax=told)


@pytest.mark.parametrize("victim", TAXED, ids=named)
def test_a_cent_of_tax_moved_from_one_line_to_another(books: Books, victim: Happened) -> None:
    """The document's tax as a whole is right."""
    document = books.documents[victim.transaction_id]
    books.documents[victim.transaction_id] = taxed(document, CENT, -CENT)
    report = books.audited()
    assert books.failing() == {"wrong_amount": 1}
    assert report.findings[0].reference == victim.message.reference
    assert "line 1: tax is" in report.findings[0].what
    assert "line 2: tax is" in report.findings[0].what


@pytest.mark.parametrize(
    ("channel", "process"), dict.fromkeys((it.message.channel, it.message.process) for it in TAXED)
)
def test_a_cent_of_tax_moved_from_one_document_to_another(
    books: Books, channel: str, process: str
) -> None:
    """The channel's tax as a whole is right."""
    found = [it for it in TAXED if it.message.channel == channel and it.message.process == process]
    for victim, more in zip(found[:2], (CENT, -CENT), strict=True):
        document = books.documents[victim.transaction_id]
        books.documents[victim.transaction_id] = taxed(document, more)
    report = books.audited()
    assert books.failing() == {"wrong_amount": 2}
    assert report.channels[channel]["tax"] == report.channels[channel]["tax_booked"]


def test_the_tax_of_credits_is_counted_by_channel(books: Books) -> None:
    sold = books.audited().channels["returns"]
    assert sold["tax"] == sold["tax_booked"] == Decimal("13.84")


def test_the_table_adds_up_and_shows_what_differs(books: Books) -> None:
    victim = of("pos")[0]
    document = books.documents[victim.transaction_id]
    books.documents[victim.transaction_id] = replace(document, tax=Decimal("3.47"))
    report = books.audited()
    console = Console(file=io.StringIO(), width=100)
    present.show(report, verdict(report, NOTHING), console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]
    figures = {row[0]: row[1] for row in rows if len(row) == 2}
    assert figures["transactions accepted"] == str(len(HAPPENED))
    assert figures["of callers of the API"] == "0"
    assert figures["sold by channels themselves"] == str(len(HAPPENED))
    assert "≠" in next(line for line in lines if line.startswith("│ pos "))
    assert "FAILED: 1 booked with another quantity or amount" in lines
