"""Doctored books of goods that come back: too few, elsewhere, moved twice, or still expected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from loadtests.audit import Claims, verdict
from loadtests.books import Document
from loadtests.journal import MessageEntry
from loadtests.messages import AUTHORISATION, GOODS, RECEIPT, RETURN
from tests.unit.loadtests_channels.channel_run import HAPPENED, Books, Happened, entries

RETURNS = [it for it in HAPPENED if it.message.channel == "returns"]
Doctor = Callable[[Document], Document]


@pytest.fixture(scope="module")
def told() -> list[MessageEntry]:
    return entries()


@pytest.fixture
def books(told: list[MessageEntry]) -> Books:
    return Books(list(told))


def of(process: str) -> list[Happened]:
    return [it for it in RETURNS if it.message.process == process]


def line(of_: int = 0, **changes: Any) -> Doctor:
    def doctored(document: Document) -> Document:
        lines = list(document.lines)
        lines[of_] = replace(lines[of_], **changes)
        return replace(document, lines=tuple(lines))

    return doctored


def doctored(books: Books, victim: Happened, doctor: Doctor) -> str:
    books.documents[victim.transaction_id] = doctor(books.documents[victim.transaction_id])
    assert verdict(books.audited(), Claims(frozenset())).exit_code == 1
    return " ".join(str(it.what) for it in books.audited().findings)


@pytest.mark.parametrize("victim", of(RECEIPT), ids=lambda it: it.erp)
@pytest.mark.parametrize(
    ("doctor", "kind", "said"),
    [
        (line(quantity=Decimal(2)), "wrong_amount", "line 1: quantity is 2, accepted was 1"),
        (line(1, disposition="quarantine"), "wrong_amount", "line 1 (TEE-BLK-M scrap) is missing"),
        (line(1, sku="MUG"), "wrong_amount", "SKU is MUG"),
        (lambda it: replace(it, lines=it.lines[:1]), "wrong_amount", "scrap) is missing"),
        (lambda it: replace(it, return_reference="ret-9"), "wrong_document",
         "return_reference is ret-9"),
    ],
    ids=["more", "another disposition", "another article", "fewer", "another return"],
)  # fmt: skip
def test_what_came_has_to_be_booked_as_it_came(
    books: Books, victim: Happened, doctor: Doctor, kind: str, said: str
) -> None:
    assert said in doctored(books, victim, doctor)
    assert books.failing() == {kind: 1}


@pytest.mark.parametrize("victim", of(RETURN), ids=lambda it: it.erp)
def test_a_credit_that_moves_the_goods_a_second_time(books: Books, victim: Happened) -> None:
    said = doctored(books, victim, line(restock=True))
    assert "line 1: restock is True, accepted was False" in said
    assert books.failing() == {"wrong_amount": 1}


@pytest.mark.parametrize("victim", of(AUTHORISATION), ids=lambda it: it.erp)
def test_what_is_expected_has_to_be_and_a_withdrawn_one_is_another_document(
    books: Books, victim: Happened
) -> None:
    assert "withdrawn is True" in doctored(books, victim, lambda it: replace(it, withdrawn=True))
    assert books.failing() == {"wrong_document": 1}
    books.documents.pop(victim.transaction_id)
    assert books.failing() == {"lost": 1}


# --------------------------------------------------------------------------- given up


def given_up(books: Books, *, booked: tuple[bool, bool]) -> Books:
    """A return that was cancelled, and of which nobody heard an answer: two more entries.

    ``booked``: what was expected of it, and that it was withdrawn.
    """
    victim = of(AUTHORISATION)[0]
    entry = next(it for it in books.entries if it.message == victim.message)
    document = books.documents[victim.transaction_id]
    for n, withdrawn in enumerate((False, True)):
        message = replace(
            entry.message, reference=f"ret-7{'-2' * n}", return_reference="ret-7",
            withdrawn=withdrawn, optional=True, lines=() if withdrawn else entry.message.lines,
        )  # fmt: skip
        books.entries.append(
            replace(entry, message=message, state="unknown", transaction_id="", answered=None)
        )
        if booked[n]:
            books.documents[f"ret-7-{n}"] = replace(
                document, external_reference=f"CX-ret-7-{n}", number=f"R{n}", sequence=200 + n,
                return_reference="ret-7", withdrawn=withdrawn,
                lines=() if withdrawn else document.lines,
            )  # fmt: skip
    return books


@pytest.mark.parametrize("booked", [(False, False), (False, True), (True, True)])
def test_a_return_that_was_given_up_was_heard_of_or_not(
    books: Books, booked: tuple[bool, bool]
) -> None:
    given_up(books, booked=booked)
    assert books.failing() == {}
    assert books.audited().accepted == len(HAPPENED) + sum(booked)


def test_a_return_that_was_given_up_must_not_be_expected_for_ever(books: Books) -> None:
    given_up(books, booked=(True, False))
    assert books.failing() == {"lost": 1}
    (found,) = books.audited().findings
    assert "given up in a channel, and expected in an ERP to this day" in found.what


def test_all_that_is_said_of_goods_is_in_this_run() -> None:
    assert {it.message.process for it in RETURNS} == {*GOODS, RETURN}
    assert {it.erp for it in RETURNS} == {"legacy", "cloud"}
