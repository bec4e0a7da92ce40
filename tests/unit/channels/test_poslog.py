"""POSLog files: what each transaction means, and what refuses a file as a whole."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.envelope import StoredSale
from gateway.canonical.unmapped import why_unmapped
from gateway.channels.pos.files import Stated
from gateway.channels.pos.markup import CHARS_MAX, DEPTH_MAX
from gateway.errors import FileRefused
from tests.unit.channels.poslogs import (
    HEAD,
    items,
    log,
    read,
    sale,
    tender,
    total,
    totals,
    transaction,
    void,
)


def body_of(content: bytes) -> dict[str, Any]:
    (item,) = items(content)
    assert item.submission is not None
    assert isinstance(item.submission.body, dict)
    return item.submission.body


def receipt(*parts: str) -> StoredSale:
    body = body_of(log(transaction(17, *parts)))
    assert not why_unmapped(body)
    return StoredSale.model_validate(body)


def why(*parts: str) -> str:
    return why_unmapped(body_of(log(transaction(17, *parts))))


def test_a_sale_is_a_receipt_of_its_store_day() -> None:
    (item,) = items(log(transaction()))
    assert item.submission is not None
    assert item.submission.reference == "NL-001/2026-11-21/2/17"
    assert item.submission.object_key == "store-day:NL-001:2026-11-21"
    assert item.submission.facts.legal_entity == "NL01"
    assert item.submission.body == {
        "store": "NL-001",
        "legal_entity": "NL01",
        "sale": {
            "register": "2",
            "sequence": 17,
            "business_date": "2026-11-21",
            "sold_at": "2026-11-21T14:25:39+01:00",
            "currency": "EUR",
            "lines": [
                {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "unit_price": "21.00",
                 "discount": "0.00", "tax": "0.00"},
            ],
            "returns": [],
            "tenders": [{"type": "cash", "amount": "21.00"}],
            "total": "21.00",
        },
    }  # fmt: skip


def test_a_voided_line_and_the_line_that_voids_it_are_what_is_left() -> None:
    found = receipt(sale(1), sale(2, pieces="3", net="63.00"), void(3, 1), void(4, 2),
                    tender("42.00"), total("42.00"))  # fmt: skip
    (line,) = found.sale.lines
    assert (line.line, line.quantity, line.amount) == (2, 2, Decimal("42.00"))


def test_tax_beside_the_lines_is_given_to_them_to_the_cent() -> None:
    tax = "<LineItem><Tax TaxType='Sales'><Amount>1.67</Amount></Tax></LineItem>"
    sold = (sale(1, price="10.00"), sale(2, price="11.00"), tax)
    net, grand = total("21.00", "TransactionNetAmount"), total("22.67")
    found = receipt(*sold, tender("22.70"), net, grand, total("0.03", "RoundingAmount"))
    assert not found.sale.tax_included
    assert [it.tax for it in found.sale.lines] == [Decimal("0.80"), Decimal("0.87")]
    assert found.sale.cash_rounding == Decimal("0.03")
    found = receipt(*sold, tender("21.00"), total("21.00"))
    assert found.sale.tax_included
    assert found.sale.tax == Decimal("1.67")


def test_change_is_a_tender_below_zero_and_a_voided_tender_is_none() -> None:
    undone = (
        "<LineItem VoidFlag='true'><SequenceNumber>92</SequenceNumber><ItemLink>91</ItemLink>"
        "<Tender TenderType='Card'><Amount>21.00</Amount></Tender></LineItem>"
    )
    found = receipt(sale(), tender("21.00", number=91, kind="Card"), undone,
                    tender("50.00", change="29.00"), total("21.00"))  # fmt: skip
    assert [(it.type, it.amount) for it in found.sale.tenders] == [
        ("cash", Decimal("50.00")), ("cash", Decimal("-29.00")),
    ]  # fmt: skip


def test_goods_come_back_with_their_receipt_or_without() -> None:
    link = ("<TransactionLink><RetailStoreID>502</RetailStoreID><WorkstationID>4</WorkstationID>"
            "<BusinessDayDate>2026-11-19</BusinessDayDate><SequenceNumber>7</SequenceNumber>"
            "<LineItemSequenceNumber>2</LineItemSequenceNumber></TransactionLink>"
            "<ReasonCode>TOO SMALL</ReasonCode>")  # fmt: skip
    found = receipt(
        sale(1, kind="Return", more=link), sale(2, kind="Return", price="5.00"), sale(3),
        tender("5.00", code="Refund"), total("-5.00"),
    )  # fmt: skip
    with_it, without = found.sale.returns
    assert with_it.sold_on is not None
    assert (with_it.sold_on.store, with_it.sold_on.register_id, with_it.sold_on.line) == (
        "NL-001", "4", 2,
    )  # fmt: skip
    assert (with_it.reason, without.sold_on) == ("TOO SMALL", None)
    assert found.sale.total == Decimal("-5.00")
    assert found.sale.tenders[0].amount == Decimal("-5.00")


def test_what_a_promotion_took_off_is_kept_with_its_name() -> None:
    off = ("<RetailPriceModifier><Amount Action='Subtract'>2.10</Amount><PromotionID>BF26"
           "</PromotionID></RetailPriceModifier>")  # fmt: skip
    found = receipt(sale(net="18.90", more=off), tender("18.90"), total("18.90"))
    (line,) = found.sale.lines
    assert (line.unit_price, line.discount) == (Decimal("21.00"), Decimal("2.10"))
    assert [(it.promotion_id, it.amount) for it in line.discounts] == [("BF26", Decimal("2.10"))]


@pytest.mark.parametrize(
    ("content", "kind", "closes"),
    [
        (transaction(5, sale(1), void(2, 1), total("0.00")), "void", False),
        (transaction(5, flags=' CancelFlag="true"'), "void", False),
        (transaction(5, status=' TransactionStatus="Voided"'), "void", False),
        (transaction(5, flags=' TrainingModeFlag="true"'), "control", False),
        (transaction(5, status=' TransactionStatus="Suspended"'), "control", False),
        (transaction(5, body="<ControlTransaction><SignOn/></ControlTransaction>"), "control",
         False),
        (transaction(5, body="<ControlTransaction><BusinessEOD/></ControlTransaction>"), "control",
         True),
    ],
)  # fmt: skip
def test_a_number_without_a_sale_is_a_mark(content: str, kind: str, closes: bool) -> None:
    (item,) = items(log(content))
    assert item.submission is None
    assert item.mark is not None
    assert (item.mark.kind, item.mark.sequence, item.mark.closes_day) == (kind, 5, closes)


def test_past_midnight_the_business_date_is_that_of_the_day_before() -> None:
    body = body_of(log(transaction(day="2026-11-21", at="2026-11-22T00:41:00")))
    assert (body["sale"]["business_date"], body["sale"]["sold_at"]) == (
        "2026-11-21", "2026-11-22T00:41:00+01:00",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((sale(pieces="0.350"), tender("21.00"), total("21.00")), "is no count of pieces"),
        ((sale(item=""), tender("21.00"), total("21.00")), "/sale/lines/0/sku"),
        ((sale(), tender("20.00"), total("21.00")), "total 21.00 EUR is 1.00 off"),
        ((sale(), void(2, 9), tender("21.00"), total("21.00")), "which is not there"),
        ((sale(), void(2, 1, pieces="2"), tender("21.00"), total("21.00")), "more than it has"),
        ((sale(net="x"), tender("21.00"), total("21.00")), "'x' is no amount"),
        ((sale(), "<PostVoid/>", tender("21.00"), total("21.00")), "as a return of its lines"),
    ],
)
def test_what_cannot_be_mapped_is_a_draft_that_says_why(parts: tuple[str, ...], said: str) -> None:
    body = body_of(log(transaction(17, *parts)))
    assert said in why_unmapped(body)
    assert body["unmapped"]["received"].startswith("<Transaction>")


# ------------------------------------------------------------------ control totals


def test_totals_that_tie_out_are_taken() -> None:
    content = log(
        transaction(1), transaction(2), transaction(1, register="3"),
        transaction(2, sale(kind="Return"), tender("21.00", code="Refund"), total("-21.00"),
                    register="3"),
        transaction(3, flags=' CancelFlag="true"'),
        totals("<File Count='5' Amount='42.00' Currency='EUR'/>",
               "<Register RetailStoreID='502' WorkstationID='2' Count='3' Amount='42.00'/>",
               "<Register WorkstationID='3' Count='2' Amount='0.00'/>"),
    )  # fmt: skip
    with read(content, Stated(1, "", "", 5, Decimal("42.00"))) as reading:
        assert (reading.all.count, reading.all.amounts) == (5, {"EUR": Decimal("42.00")})


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("<File Count='3'/>", "line 5: ControlTotals: file: 3 transactions are stated and 2 are t"),
        ("<File Count='3'/>", "there, 1 are missing"),
        ("<File Count='1'/>", "1 are too many"),
        ("<File Amount='42.01'/>", "42.01 EUR is stated and the receipts come to 42.00, a differ"),
        ("<File Amount='42.01'/>", "difference of 0.01"),
        ("<Register WorkstationID='9' Count='2'/>", "register 9: 2 transactions are stated and 0"),
        ("<File Count='two'/>", "line 5: File: Count 'two'"),
    ],
)  # fmt: skip
def test_totals_that_do_not_tie_out_refuse_the_file_with_the_difference(
    stated: str, said: str
) -> None:
    with pytest.raises(FileRefused) as refused:
        read(log(transaction(1), transaction(2), totals(stated)))
    assert said in str(refused.value)


# ------------------------------------------------------------------ what refuses a file

BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE POSLog [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY b{n} "{"&a;" * 10}">' for n in range(10))
    + "]>\n<POSLog><Transaction>&b9;</Transaction></POSLog>"
)
OUTSIDE = (
    '<?xml version="1.0"?>\n<!DOCTYPE POSLog [<!ENTITY x SYSTEM "/etc/passwd">]>\n'
    "<POSLog><Transaction>&x;</Transaction></POSLog>"
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BOMB.encode(), "has a document type or entities"),
        (OUTSIDE.encode(), "has a document type or entities"),
        (HEAD.encode() + b"<a>" * (DEPTH_MAX + 1), "deeper than 32"),
        (f"{HEAD}<Transaction>{'<a/>' * 60_000}".encode(), "more than 50000 elements"),
        (f"{HEAD}<Transaction>{'x' * (CHARS_MAX + 1)}".encode(), "more than 2000000 characters"),
        (f"{HEAD}<Transaction a='{'x' * (CHARS_MAX + 1)}'>".encode(), "2000000 characters"),
        (b"", "line 1: the file ends too early"),
        (b"<TLog/>", "line 1: the root is <TLog>, and has to be <POSLog>"),
        (b"{}", "line 1: is no XML"),
        (log("stray", transaction()), "line 2: text stands between transactions: 'stray'"),
        (log(transaction(store="9")), "line 3: RetailStoreID: store '9' is none of the"),
        (log(transaction(1), transaction(0)), "line 4: SequenceNumber: '0' is no number"),
        (log(transaction(register="")), "line 3: WorkstationID: '' is no register"),
        (log(transaction(day="yesterday")), "line 3: BusinessDayDate: 'yesterday' is no date"),
        (log(transaction(at="noon")), "line 3: EndDateTime: is no time"),
        (log(transaction(store="503")), "set stores.NL-002.time_zone"),
        (b"<?xml version='1.0' encoding='klingon'?><POSLog/>", "cannot be read as text"),
    ],
)  # fmt: skip
def test_a_file_is_refused_with_the_line(content: bytes, said: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(content)
    assert said in str(refused.value)


def test_a_file_cut_off_anywhere_is_refused_and_says_so() -> None:
    whole = log(transaction(1), transaction(2))
    for cut in range(len(HEAD), len(whole) - len("</POSLog>\n"), 7):
        with pytest.raises(FileRefused, match=r"line \d+: (the file ends too early|is no XML)"):
            read(whole[:cut])


def test_text_in_small_pieces_costs_no_more_than_its_length() -> None:
    # Each of a list of elements inside one text: joined one by one it would be quadratic.
    content = f"{HEAD}<Transaction>{'x' * 1_500_000}{'<a/>y' * 40_000}</Transaction></POSLog>"
    with pytest.raises(FileRefused):  # within the time a test has
        read(content.encode())


def test_all_that_is_wrong_is_listed_up_to_a_bound() -> None:
    with pytest.raises(FileRefused) as refused:
        read(log(*(transaction(0) for _ in range(150))))
    assert (len(refused.value.problems), refused.value.count) == (100, 150)


@given(st.data())
def test_whatever_happens_to_a_file_it_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(log(transaction(1, sale(1), void(2, 1), tender("0.00"), total("0.00")),
                            transaction(2), totals("<File Count='2'/>")))  # fmt: skip
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] = data.draw(st.integers(0, 255))
        else:
            del content[at : at + data.draw(st.integers(1, 60))]
    with suppress(FileRefused):
        items(bytes(content))
