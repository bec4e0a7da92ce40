"""Envelopes in the store: what is packed comes back, and so does what was kept before packing."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.exchange import Accepted
from gateway.store.redis import packing
from gateway.store.redis.packing import packed, unpacked
from tests.valkey import Buffer, entry

ORDER = json.dumps({"transaction_id": "x", "body": {"lines": [{"sku": "A", "quantity": 1}] * 9}})


@given(st.binary(max_size=2000))
def test_any_bytes_come_back_unless_they_begin_like_something_packed(payload: bytes) -> None:
    assert unpacked(packed(payload)) == payload or payload[:1] == b"\x01"


@given(st.dictionaries(st.text(), st.text(), max_size=30))
def test_any_document_comes_back_and_is_never_longer(document: dict[str, str]) -> None:
    payload = json.dumps(document).encode()
    assert unpacked(packed(payload)) == payload
    assert len(packed(payload)) <= len(payload)


def test_what_was_kept_plain_is_read_as_it_is() -> None:
    assert unpacked(ORDER.encode()) == ORDER.encode()


def test_what_cannot_be_read_is_handed_on_for_whoever_parses_it_to_hold() -> None:
    whole = packed(ORDER.encode())
    assert whole[:1] == b"\x01"
    for spoilt in (whole[:-1], whole[:3], b"\x01", b"\x01\xff\xff\xff\xff" + whole[5:]):
        assert unpacked(spoilt) == spoilt


def test_the_dictionary_never_changes_for_what_waits_was_packed_with_it() -> None:
    digest = sha256(packing._COMMON).hexdigest()
    assert digest == "04dbbdb432c23dd65bb3a0f2722beee2f09821da0b8b603d604e0cfa61d35a2a", (
        "give a changed dictionary the next number, and keep this one"
    )


@pytest.mark.anyio
async def test_an_accepted_envelope_is_small_in_the_store_and_whole_outside(buffer: Buffer) -> None:
    one = entry("A-1")
    assert isinstance(await buffer.intake.accept(one), Accepted)
    progress = await buffer.intake.progress(one.transaction_id)
    assert progress is not None
    assert progress.envelope.transaction_id == one.transaction_id
