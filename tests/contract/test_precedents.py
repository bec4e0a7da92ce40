"""What was there before a create, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from gateway.canonical.exchange.owning import Import, ImportLine
from gateway.canonical.lifecycle import State
from gateway.clock import SystemClock
from gateway.ports import Precedents
from gateway.store.ledger import SqlLedger
from tests.contract.stream import STEPS, WAYS_TO, Stream

pytestmark = pytest.mark.anyio


async def test_only_what_is_older_and_was_not_given_up_is_in_the_way(ledger: SqlLedger) -> None:
    precedents: Precedents = ledger
    stream = Stream()
    keys = [f"order:webshop:O-{at}" for at in range(3)]
    ours, old, given_up = (stream.accept(key) for key in keys)
    for step in WAYS_TO[State.DISCARDED]:
        kind, fields = STEPS[step]
        stream.add(kind, given_up, **fields)
    await ledger.project(stream.partition, stream.events)
    begun = await ledger.begin_import(Import("f" * 64, "o.csv", "ada", SystemClock().now()))
    await ledger.import_owners(begun, begun, [ImportLine(2, "order:webshop:imported", "cloud")], [])
    asked = {
        ours: keys[0], "again": keys[1], "anew": keys[2], "older": "order:webshop:imported",
        "unheard of": "order:webshop:new",
    }  # fmt: skip

    found = await precedents.taken_before(asked)

    assert {tx: (it.owner, it.source, it.transaction_id) for tx, it in found.items()} == {
        "again": ("legacy", "", old),
        "older": ("cloud", "import", ""),
    }
    assert await precedents.taken_before({}) == {}
