"""Looking codes up, and documents with their codes translated."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.crosswalk import Crossing, CrosswalkKind
from gateway.canonical.envelope import Envelope
from gateway.canonical.process import Target
from gateway.errors import FileRefused
from gateway.mapping.crosswalk import Crosswalk, Crosswalks, Gap
from gateway.mapping.documents import kinds_of, translated
from gateway.mapping.table_file import COLUMNS, read, write

SKU, TENDER = CrosswalkKind.SKU, CrosswalkKind.TENDER
DAY = date(2026, 11, 27)
LEGACY, CLOUD = Target.LEGACY, Target.CLOUD


def tables(*rows: Crossing, kind: CrosswalkKind = SKU) -> Crosswalks:
    return Crosswalks({kind: Crosswalk(kind, 3, "item-master", rows)})


@pytest.mark.parametrize(
    ("channel", "source", "erp", "on", "found"),
    [
        ("webshop", "TEE", LEGACY, DAY, "100"),
        ("webshop", "TEE", CLOUD, DAY, "ITEM-100"),
        ("amazon", "TEE", CLOUD, DAY, "AMZ-100"),
        ("webshop", "CAP", CLOUD, DAY, "NEW-200"),
        ("webshop", "CAP", CLOUD, date(2026, 10, 31), "OLD-200"),
        ("amazon", "odd", CLOUD, DAY, "AMZ-OTHER"),
    ],
)
def test_the_most_specific_row_that_holds_on_the_day_is_found(
    channel: str, source: str, erp: Target, on: date, found: str
) -> None:
    table = tables(
        Crossing("", "TEE", "100", "ITEM-100"),
        Crossing("amazon", "TEE", "100", "AMZ-100"),
        Crossing("", "CAP", "200", "OLD-200", None, date(2026, 11, 1)),
        Crossing("", "CAP", "200", "NEW-200", date(2026, 11, 1), None),
        Crossing("amazon", "*", "999", "AMZ-OTHER"),
    )
    assert table.find(SKU, channel, source, erp, on) == found


def test_a_gap_says_who_must_add_what() -> None:
    table = tables(Crossing("", "TEE", "100", ""), Crossing("", "CAP", "1", "2", date(2027, 1, 1)))
    gap = table.find(SKU, "webshop", "TEE", CLOUD, DAY)
    assert str(gap) == (
        "sku 'TEE' of channel 'webshop' has no cloud code on 2026-11-27 (table sku, version 3); "
        "item-master must add it: coexist xref import sku FILE"
    )
    assert isinstance(table.find(SKU, "webshop", "CAP", CLOUD, DAY), Gap), "not yet valid"
    assert isinstance(table.find(SKU, "webshop", "???", LEGACY, DAY), Gap)


def test_a_kind_without_a_table_is_the_same_everywhere() -> None:
    assert tables().find(TENDER, "webshop", "card", CLOUD, DAY) == "card"


ORDER: dict[str, Any] = {
    "order_ref": "S-1",
    "customer": {"ref": "C-1", "name": "TEE"},
    "payment": {"method": "card"},
    "lines": [{"line": 1, "sku": "TEE", "quantity": 1}, {"line": 2, "sku": "CAP", "quantity": 2}],
    "tenders": [{"type": "card", "amount": "5.00"}],
}


def envelope(process: str = "order.intake", body: dict[str, Any] = ORDER, **more: Any) -> Envelope:
    return Envelope.model_validate({
        "transaction_id": f"00-{'0' * 26}", "process": process, "channel": "webshop",
        "object_key": "order:webshop:S-1", "reference": "S-1",
        "accepted_at": datetime(2026, 11, 27, tzinfo=UTC), "facts": {}, "rule_id": "r",
        "rule_version": "v", "body": body, **more,
    })  # fmt: skip


def test_codes_are_translated_and_nothing_else() -> None:
    table = tables(Crossing("", "TEE", "100", "I-1"), Crossing("", "CAP", "200", "I-2"))
    found = translated(envelope(), CLOUD, table)
    assert isinstance(found, Envelope)
    assert [line["sku"] for line in found.body["lines"]] == ["I-1", "I-2"]
    unchanged = {**found.body, "lines": ORDER["lines"]}
    assert unchanged == ORDER, "only codes change"
    assert envelope().body == ORDER, "the message itself stays as it was sent"


def test_every_gap_of_a_message_is_named_once() -> None:
    found = translated(envelope(), CLOUD, tables(Crossing("", "X", "1", "1")))
    assert isinstance(found, list)
    assert [gap.source for gap in found] == ["TEE", "CAP"]


def test_a_receipt_is_translated_for_its_business_date() -> None:
    body = {
        "store": "NL-001",
        "sale": {"lines": [{"sku": "CAP"}], "tenders": [{"type": "cash"}, {"type": "card"}]},
    }
    facts = {"business_date": "2026-10-31"}
    table = tables(
        Crossing("", "CAP", "200", "OLD", None, date(2026, 11, 1)),
        Crossing("", "CAP", "200", "NEW", date(2026, 11, 1), None),
    )
    found = translated(envelope("store.sale", body, facts=facts), CLOUD, table)
    assert isinstance(found, Envelope)
    assert found.body["sale"]["lines"] == [{"sku": "OLD"}]


def test_only_the_versions_a_process_s_codes_go_through_shape_it() -> None:
    owned = Crosswalk(CrosswalkKind.SKU, 3, "item-master", [])
    tables = Crosswalks(
        {
            CrosswalkKind.TENDER: Crosswalk(CrosswalkKind.TENDER, 1, "", []),
            CrosswalkKind.SKU: owned,
            CrosswalkKind.CUSTOMER: Crosswalk(CrosswalkKind.CUSTOMER, 9, "sales", []),
        }
    )
    assert tables.shape(kinds_of("store.sale")) == "sku 3 (item-master), tender 1"
    assert tables.shape(kinds_of("return.credit")) == "sku 3 (item-master)"
    assert tables.shape(kinds_of("order.cancellation")) == ""


def test_what_has_no_codes_is_left_alone() -> None:
    wish = {"order_ref": "S-1", "cancellation": {"cancellation_ref": "C"}}
    message = envelope("order.cancellation", wish)
    assert translated(message, CLOUD, tables(Crossing("", "X", "1", "1"))) is message


HEADER = ",".join(COLUMNS)


def parsed(text: str, kind: CrosswalkKind = SKU) -> list[Crossing]:
    return read(kind, StringIO(text), ["webshop"])


def test_a_file_is_read_and_written_back() -> None:
    text = f"{HEADER}\n,TEE,100,I-1,,\nwebshop,CAP,200,I-2,2026-11-01,2027-01-01\n"
    rows = parsed(text)
    out = StringIO()
    write(rows, out)
    assert out.getvalue() == text
    assert rows[1].valid_until == date(2027, 1, 1)
    assert parsed("source,legacy,cloud\nTEE,1,2\n") == [Crossing("", "TEE", "1", "2")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: no column cloud, legacy, source"),
        ("source,legacy,cloud,colour\n", "line 1: unknown column 'colour'"),
        (f"{HEADER}\nmoon,TEE,1,2,,", "line 2: channel: 'moon' is not a channel; known are webs"),
        (f"{HEADER}\n,,1,2,,", "line 2: source: is empty"),
        (f"{HEADER}\n,TEE,1,bad code,,", "line 2: cloud: 'bad code' cannot be a sku code"),
        (f"{HEADER}\n,TEE,1,2,soon,", "line 2: valid_from: 'soon' is not a date"),
        (f"{HEADER}\n,TEE,1,2,2026-02-01,2026-02-01", "valid_until: 2026-02-01 is not after"),
        (f"{HEADER}\n,TEE,1,2", "line 2: more or fewer fields"),
        (f"{HEADER}\n,TEE,1,2,,,7", "line 2: more or fewer fields"),
        (f"{HEADER}\n,TEE,1,2,,\n,TEE,1,3,,", "line 3: source: 'TEE' is in line 2 too"),
        (f'{HEADER}\n,"TEE,1,2,,', "cannot be read as CSV"),
    ],
)
def test_a_wrong_file_is_refused_by_line(text: str, said: str) -> None:
    with pytest.raises(FileRefused) as refused:
        parsed(text)
    assert said in refused.value.detail


days = st.one_of(st.none(), st.dates(date(2026, 1, 1), date(2026, 1, 9)))


@given(st.lists(st.tuples(days, days), max_size=5), st.dates(date(2026, 1, 1), date(2026, 1, 9)))
def test_of_the_rows_a_file_may_have_at_most_one_holds_on_a_day(
    spans: list[tuple[date | None, date | None]], on: date
) -> None:
    rows = [
        Crossing("", "TEE", "1", f"I-{n}", first, last) for n, (first, last) in enumerate(spans)
    ]
    out = StringIO()
    write(rows, out)
    try:
        taken = parsed(out.getvalue())
    except FileRefused:
        return
    holding = [
        row.cloud for row in taken
        if (row.valid_from or on) <= on and (row.valid_until is None or on < row.valid_until)
    ]  # fmt: skip
    found = tables(*taken).find(SKU, "", "TEE", CLOUD, on)
    assert [found] == holding if holding else isinstance(found, Gap)
