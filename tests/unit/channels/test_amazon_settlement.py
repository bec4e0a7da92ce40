"""Settlement files: read by name, tied out, refused with the number of each wrong line."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.settlement import Component, SettlementRow
from gateway.channels.amazon.settlement import LINE_BYTES_MAX, PROBLEMS_MAX, SettlementFile
from gateway.errors import FileRefused
from tests.unit.channels.settlement_files import COLUMNS, ROWS, TOTAL, settlement, stream

AS_BEFORE = "with '.' as decimal mark, as in the amounts before"


def read(content: bytes, **options: str) -> tuple[SettlementFile, list[SettlementRow]]:
    reading = SettlementFile(stream(content), **options)  # type: ignore[arg-type]
    return reading, list(reading.rows())


def problems(content: bytes, **options: str) -> list[str]:
    with pytest.raises(FileRefused) as refused:
        read(content, **options)
    return [str(problem) for problem in refused.value.problems]


def test_head_and_rows_are_read_as_stated() -> None:
    reading, rows = read(settlement())
    head = reading.head
    assert (head.settlement_id, head.currency, head.total) == ("19900000001", "EUR", Decimal(TOTAL))
    assert head.deposited_at == datetime(2026, 11, 17, 8, tzinfo=UTC)
    assert [row.ordinal for row in rows] == list(range(1, len(ROWS) + 1))
    first = rows[0]
    assert (first.line, first.sku, first.quantity) == (3, "TEE-BLK-M", 2)
    assert (first.amount, first.posted_on) == (Decimal("89.90"), date(2026, 11, 3))
    assert rows[-1].quantity is None
    assert reading.unknown_components() == []


def test_columns_are_found_by_name_whatever_their_order() -> None:
    turned = settlement(columns=tuple(reversed(COLUMNS)))
    assert read(turned)[1] == read(settlement())[1]


def test_a_variant_without_optional_columns_is_read() -> None:
    fewer = tuple(it for it in COLUMNS if it not in {"order-item-code", "promotion-id"})
    rows = read(settlement(columns=fewer))[1]
    assert {row.order_item_code for row in rows} == {""}


def test_a_column_nobody_knows_is_kept() -> None:
    rows = [{**ROWS[0], "loyalty-tier": "gold"}, *ROWS[1:]]
    read_rows = read(settlement(rows, columns=(*COLUMNS, "loyalty-tier")))[1]
    assert read_rows[0].extra == (("loyalty-tier", "gold"),)
    assert read_rows[1].extra == ()


def test_equal_rows_are_two_components() -> None:
    doubled = [*ROWS, ROWS[0]]
    rows = read(settlement(doubled, total="150.34"))[1]
    assert len(rows) == len(ROWS) + 1


def test_decimal_commas_of_european_files() -> None:
    rows = [{**row, "amount": row["amount"].replace(".", ",")} for row in ROWS]
    assert read(settlement(rows, total="60,44"))[1] == read(settlement())[1]


def test_a_description_nobody_knows_is_kept_and_reported() -> None:
    row = {**ROWS[0], "amount-type": "ItemFees", "amount-description": "MoonFee", "amount": "-1.00"}
    reading, rows = read(settlement([*ROWS, row, row], total="58.44"))
    assert len(rows) == len(ROWS) + 2
    assert reading.unknown_components() == [(Component("Order", "ItemFees", "MoonFee"), 2)]


def test_spelling_of_case_does_not_make_a_component_unknown() -> None:
    rows = [{**row, "transaction-type": row["transaction-type"].upper()} for row in ROWS]
    assert read(settlement(rows))[0].unknown_components() == []


def test_the_row_of_the_transfer_itself_is_not_added_up() -> None:
    transfer = {"transaction-type": "Transfer", "amount": f"-{TOTAL}"}
    rows = read(settlement([*ROWS, transfer]))[1]
    assert rows[-1].amount == -Decimal(TOTAL)


def test_a_head_may_leave_out_its_blank_end() -> None:
    lines = settlement().split(b"\r\n")
    lines[1] = lines[1].rstrip(b"\t")
    assert len(read(b"\r\n".join(lines))[1]) == len(ROWS)


def test_a_byte_order_mark_is_no_part_of_a_name() -> None:
    assert read(b"\xef\xbb\xbf" + settlement(end="\n"))[1]


def test_rows_that_do_not_add_up_are_refused_with_the_difference() -> None:
    [problem] = problems(settlement(total="60.45"))
    assert problem == (
        "line 2: total-amount: 60.45 EUR is stated, and the 7 rows add up to 60.44: -0.01 too "
        "much; the file is cut short or was edited, get it again"
    )


def test_every_wrong_line_is_named() -> None:
    rows = [
        {**ROWS[0], "amount": "12.x"},
        {**ROWS[1], "settlement-id": "7"},
        {**ROWS[2], "currency": "USD"},
        {**ROWS[3], "posted-date-time": "soon"},
        {**ROWS[4], "quantity-purchased": "two"},
        *ROWS[5:],
    ]
    assert problems(settlement(rows)) == [
        f"line 3: amount: '12.x' is not an amount {AS_BEFORE}",
        "line 4: settlement-id: '7' is not '19900000001', the file's settlement",
        "line 5: currency: 'USD' is not 'EUR', the settlement's currency",
        "line 6: posted-date-time: 'soon' is not a date",
        "line 7: quantity-purchased: 'two' is not a number of pieces",
    ]


def test_a_file_cut_anywhere_is_refused() -> None:
    content = settlement()
    for length in range(0, len(content) - 3, 7):
        with pytest.raises(FileRefused):
            read(content[:length])


def test_problems_are_bounded_and_counted() -> None:
    rows = [{**ROWS[0], "amount": "x"}] * (PROBLEMS_MAX + 50)
    with pytest.raises(FileRefused) as refused:
        read(settlement(rows))
    assert len(refused.value.problems) == PROBLEMS_MAX
    assert refused.value.count == PROBLEMS_MAX + 50
    assert refused.value.detail.endswith("… and 50 more")


def test_text_of_another_encoding_is_refused_until_it_is_named() -> None:
    rows = [{**ROWS[0], "sku": "TÉE"}, *ROWS[1:]]
    content = settlement(rows, encoding="cp1252")
    assert problems(content)[0].endswith("say how the file is written, e.g. --encoding cp1252")
    assert read(content, encoding="cp1252")[1][0].sku == "TÉE"


def test_a_line_without_end_is_not_read_into_memory() -> None:
    content = settlement() + b"x" * (3 * LINE_BYTES_MAX)
    assert f"at most {LINE_BYTES_MAX} are read" in problems(content)[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"a\tb\nc\td\n", "no column amount, amount-description"),
        (("\t".join(COLUMNS)).encode(), "there is a header and nothing behind it"),
        (("\t".join((*COLUMNS, "sku"))).encode() + b"\n", "sku: the column occurs twice"),
    ],
)
def test_what_is_no_settlement_is_said_at_once(content: bytes, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        SettlementFile(stream(content))


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({"settlement_id": "bad id"}, "settlement-id: 'bad id'"),
        ({"currency": "Euro"}, "currency: 'Euro'"),
        ({"total": ""}, "total-amount: '' is not an amount"),
        ({"deposit_date": "soon"}, "deposit-date: 'soon' is not a date"),
        ({"settlement_start_date": ""}, "settlement-start-date: '' is not a date"),
    ],
)
def test_a_head_that_cannot_be_read_is_refused(head: dict[str, str], said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        SettlementFile(stream(settlement(**head)))  # type: ignore[arg-type]


@given(st.binary(max_size=400), st.integers(0, 2000))
def test_bytes_put_anywhere_are_read_or_refused(noise: bytes, at: int) -> None:
    content = settlement()
    with suppress(FileRefused):
        read(content[:at] + noise + content[at:])
