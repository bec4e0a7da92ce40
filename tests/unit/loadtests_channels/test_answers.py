"""What the gateway says became of what a channel sold, as entries of a journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from loadtests.audit import Evidence, audit
from loadtests.books import BookedLine, Document
from loadtests.bychannel import by_channel
from loadtests.channels.answers import Answers, Clocks
from loadtests.channels.port import Gateway, Sold
from loadtests.channels.web import Web
from loadtests.errors import LoadTestError
from loadtests.events import Events
from loadtests.journal import End, Journal, MessageEntry, Run
from loadtests.ledger import match
from loadtests.messages import AUTHORISATION, ORDER, Line, Message, order_key
from tests.serving import Asked, served

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
CLOCKS = Clocks(AT + timedelta(seconds=60), 1060.0)
ORDER_1 = Message(
    process=ORDER, channel="shop-nl", object_key=order_key("shop-nl", "1"), object_reference="1",
    reference="1", legal_entity="NL01", currency="EUR", lines=(Line(1, "TEE", 2, Decimal(20)),),
    total=Decimal(25), shipping=Decimal(5), tax=Decimal("4.34"), facts={"channel": "shop-nl"},
)  # fmt: skip
SOLD = [Sold(ORDER_1, AT)]
TAKEN = {"process": ORDER, "reference": "1", "transaction_id": "0a-1",
         "accepted_at": (AT + timedelta(seconds=2)).isoformat()}  # fmt: skip
DOCUMENT = Document(
    erp="legacy", sequence=1, number="A1", kind="order", external_reference="CX-0a-1",
    object_reference="1", legal_entity="NL01", currency="EUR",
    lines=(BookedLine(1, "TEE", Decimal(2), Decimal(20)),), total=Decimal(25),
    shipping=Decimal(5), tax=Decimal("4.34"),
)  # fmt: skip


@contextmanager
def gateway(*answers: tuple[int, object]) -> Iterator[str]:
    """A gateway that answers what it is told to, the last one for ever."""
    left = list(answers)

    def answer(asked: Asked) -> tuple[int, object]:
        assert asked.headers["authorization"] == "Bearer key"
        return left.pop(0) if len(left) > 1 else left[0]

    with served(answer) as url:
        yield url


def judged(entries: list[MessageEntry], *documents: Document) -> dict[str, int]:
    run = Run(1, 1, 1, "", [], "2026-11-21", 1000.0, "", 1)
    journal = Journal(run, [], entries, [], End(1100.0, ""))
    report = audit(Evidence(journal, Events(), documents))
    assert report.accept_p99_ms == 0, "what a channel sends late is not the gateway's time"
    return {kind: count for kind, count in report.failures().items() if count}


def test_what_is_not_known_yet_is_asked_for_again() -> None:
    with gateway((404, {}), (200, {"transactions": [TAKEN]}), (500, {})) as url:
        answers = Answers(Gateway(url, "key"))
        assert answers.missing(SOLD) == SOLD
        assert answers.missing(SOLD) == []
        assert answers.missing(SOLD) == [], "what is known is not asked for"
    (entry,) = answers.entries(SOLD, CLOCKS)
    assert (entry.transaction_id, entry.sent, entry.answered) == ("0a-1", 1000.0, 1002.0)
    assert judged([entry], DOCUMENT) == {}


def test_what_the_gateway_never_took_is_lost() -> None:
    with gateway((404, {})) as url:
        answers = Answers(Gateway(url, "key"))
        assert answers.missing(SOLD) == SOLD
    assert judged(answers.entries(SOLD, CLOCKS)) == {"lost": 1}
    assert judged(answers.entries(SOLD, CLOCKS), DOCUMENT) == {}, "booked, though nobody said so"
    twice = (DOCUMENT, replace(DOCUMENT, number="A2", sequence=2))
    assert judged(answers.entries(SOLD, CLOCKS), *twice) == {"duplicated": 1}
    again = replace(DOCUMENT, number="A2", sequence=2, external_reference="CX-0a-2")
    assert judged(answers.entries(SOLD, CLOCKS), DOCUMENT, again) == {"booked_without_accept": 1}
    off = replace(DOCUMENT, tax=Decimal("4.35"))
    assert judged(answers.entries(SOLD, CLOCKS), off) == {"wrong_amount": 1}
    dearer = replace(again, total=Decimal("26.00"))
    assert judged(answers.entries(SOLD, CLOCKS), dearer, DOCUMENT) == {"booked_without_accept": 1}


def test_what_was_undone_before_it_was_heard_of_need_not_be_booked() -> None:
    undone = [replace(SOLD[0], undone=True)]
    with gateway((404, {})) as url:
        answers = Answers(Gateway(url, "key"))
        assert answers.missing(undone) == []
        assert answers.entries(undone, CLOCKS) == []
    with gateway((200, {"transactions": [TAKEN]})) as url:
        answers = Answers(Gateway(url, "key"))
        answers.missing(undone)
        assert judged(answers.entries(undone, CLOCKS)) == {"lost": 1}, "it was taken, so it counts"


EXPECTED = replace(
    ORDER_1, process=AUTHORISATION, reference="7", return_reference="7", total=None, optional=True
)
WITHDRAWN = replace(EXPECTED, reference="7-2", lines=(), withdrawn=True)
HEARD = {**TAKEN, "process": AUTHORISATION, "reference": "7"}


def test_what_was_given_up_is_waited_for_only_while_it_is_expected() -> None:
    given_up = [Sold(EXPECTED, AT), Sold(WITHDRAWN, AT)]
    with gateway((404, {})) as url:
        assert Answers(Gateway(url, "key")).missing(given_up) == []
    ended = {**HEARD, "reference": "7-2"}
    with gateway((200, {"transactions": [HEARD]}), (200, {"transactions": [HEARD, ended]})) as url:
        answers = Answers(Gateway(url, "key"))
        assert answers.missing(given_up) == [Sold(WITHDRAWN, AT)]
        assert answers.missing(given_up) == []


def test_what_a_channel_sold_stands_beside_what_was_booked() -> None:
    with gateway((200, {"transactions": [TAKEN]})) as url:
        answers = Answers(Gateway(url, "key"))
        answers.missing(SOLD)
    entries = answers.entries(SOLD, CLOCKS)
    off = replace(DOCUMENT, tax=Decimal("4.00"))
    assert by_channel(match(entries, [off]), entries) == {
        "shop-nl": {
            "sold": 1, "booked": 1, "unheard": 0, "value": Decimal(25), "value_booked": Decimal(25),
            "tax": Decimal("4.34"), "tax_booked": Decimal("4.00"),
            "quantity": Decimal(2), "quantity_booked": Decimal(2),
        }
    }  # fmt: skip


def test_what_was_given_up_unheard_is_neither_sold_nor_booked() -> None:
    with gateway((404, {})) as url:
        answers = Answers(Gateway(url, "key"))
        entries = answers.entries([Sold(EXPECTED, AT), Sold(WITHDRAWN, AT)], CLOCKS)
    found = by_channel(match(entries, []), entries)["shop-nl"]
    assert (found["sold"], found["booked"], found["unheard"]) == (0, 0, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"tax": Decimal("4.35")},
        {"lines": (BookedLine(1, "TEE", Decimal(3), Decimal(20)),)},
        {"total": Decimal("25.01")},
    ],
)
def test_books_with_another_tax_quantity_or_amount_fail(changes: dict[str, Any]) -> None:
    with gateway((200, {"transactions": [TAKEN]})) as url:
        answers = Answers(Gateway(url, "key"))
        answers.missing(SOLD)
    assert judged(answers.entries(SOLD, CLOCKS), replace(DOCUMENT, **changes)) == {
        "wrong_amount": 1
    }


def test_a_gateway_that_does_not_answer_is_named() -> None:
    with gateway((503, {"title": "no store"})) as url, pytest.raises(LoadTestError, match="503"):
        Answers(Gateway(url, "key")).missing(SOLD)
    with Web(url) as gone, pytest.raises(LoadTestError, match="was not answered"):
        gone.get("/v1/orders/1")
