"""The chain of hashes by itself: what it shows, and what only a kept head does."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from hashlib import sha256

import pytest

from gateway.canonical.audit import GENESIS, AuditRow, Chain, Deed, Head
from gateway.errors import BadRequest

AT = "2026-11-21T10:00:00.000000+00:00"


def log(count: int) -> list[AuditRow]:
    rows: list[AuditRow] = []
    head = Head()
    for n in range(count):
        deed = Deed("ada", "cli", "exceptions.retry", f"tx-{n}", "item made", {"count": n})
        rows.append(AuditRow.after(head, AT, deed))
        head = Head(rows[-1].number, rows[-1].hash)
    return rows


def broken(rows: list[AuditRow], kept: Head | None = None) -> str:
    chain = Chain(kept)
    for row in rows:
        said = chain.broken_by(row)
        if said:
            return said
    return chain.ended_early()


def test_a_whole_log_is_whole_and_says_its_head() -> None:
    rows = log(5)
    chain = Chain()
    assert [chain.broken_by(row) for row in rows] == [""] * 5
    assert chain.head == Head(5, rows[-1].hash)
    assert Head.parse(str(chain.head)) == chain.head
    assert rows[0].previous == GENESIS


def test_anybody_can_compute_a_hash_from_an_exported_line() -> None:
    for row in log(3):
        fields = json.loads(row.line())
        told = fields.pop("hash")
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        assert sha256(text.encode()).hexdigest() == told
        assert AuditRow.read(row.line()) == row


@pytest.mark.parametrize("field", ["at", "by", "via", "action", "subject", "reason"])
def test_a_changed_field_is_shown_at_its_row(field: str) -> None:
    rows = log(5)
    rows[2] = replace(rows[2], **{field: "x"})  # type: ignore[arg-type]
    assert broken(rows) == "row 3 was changed after it was written"


def test_a_changed_detail_is_shown_and_so_is_a_row_hashed_anew() -> None:
    rows = log(5)
    rows[2] = replace(rows[2], details={"count": 1})
    assert "row 3 was changed" in broken(rows)
    forged = AuditRow.after(Head(2, rows[1].hash), AT, Deed("eve", "cli", "x", "y", "z", {}))
    assert "row 4 does not follow" in broken([*rows[:2], forged, *rows[3:]])


def test_removed_inserted_and_reordered_rows_are_shown() -> None:
    rows = log(6)
    assert broken(rows[1:]) == "row 1 is missing: 2 follows 0"
    assert broken([*rows[:3], *rows[4:]]) == "row 4 is missing: 5 follows 3"
    assert "row 4 is missing" in broken([*rows[:3], rows[4], rows[3], rows[5]])
    assert "row 4 is missing: 3 follows 3" in broken([*rows[:3], rows[2], *rows[3:]])


def test_rows_in_each_others_place_are_shown_though_their_numbers_fit() -> None:
    rows = log(6)
    rows[3], rows[4] = replace(rows[4], number=4), replace(rows[3], number=5)
    assert "row 4 does not follow" in broken(rows)


def test_a_cut_tail_is_shown_only_by_a_head_kept_elsewhere() -> None:
    rows = log(6)
    kept = Head(6, rows[-1].hash)
    assert broken(rows[:4]) == ""
    assert "row 5 is missing: the log ends at 4" in broken(rows[:4], kept)
    assert broken(rows, kept) == ""


def test_a_log_computed_anew_is_shown_only_by_a_head_kept_elsewhere() -> None:
    kept = Head(4, log(6)[3].hash)
    forged: list[AuditRow] = []
    head = Head()
    for row in log(6):
        forged.append(AuditRow.after(head, row.at, Deed("eve", "cli", row.action, "", "", {})))
        head = Head(row.number, forged[-1].hash)
    assert broken(forged) == ""
    assert "row 4 is not the one the kept head names" in broken(forged, kept)


def test_whatever_is_changed_in_a_log_is_found_with_a_kept_head(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(300):
        rows = log(chance.randrange(2, 12))
        kept = Head(rows[-1].number, rows[-1].hash)
        at = chance.randrange(len(rows))
        match chance.randrange(4):
            case 0:
                rows[at] = replace(rows[at], reason="other")
            case 1:
                del rows[at]
            case 2:
                rows.insert(at, rows[chance.randrange(len(rows))])
            case _:
                rows = rows[:at]
        assert broken(rows, kept)


def test_texts_no_database_could_store_are_written_as_ones_it_can() -> None:
    deed = Deed("a\x00b", "cli", "x", "\ud800", "", {"k\x00": ["\udfff", {"n": "\x00"}]})
    row = AuditRow.after(Head(), AT, deed)
    assert "\x00" not in row.line()
    row.line().encode()
    assert Chain().broken_by(row) == ""


@pytest.mark.parametrize("text", ["", "7", "7:abc", f"x:{GENESIS}", f"-1:{GENESIS}"])
def test_what_is_no_head_is_named(text: str) -> None:
    with pytest.raises(BadRequest, match="is not the head of an audit log"):
        Head.parse(text)


@pytest.mark.parametrize("line", ["", "[]", '{"number": 1}', "no json"])
def test_what_is_no_exported_line_is_named(line: str) -> None:
    with pytest.raises(BadRequest, match="is not a line of an audit export"):
        AuditRow.read(line)
