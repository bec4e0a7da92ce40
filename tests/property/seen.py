"""What the buffer really holds, and how that is held against the model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.canonical.exchange import Entry
from gateway.canonical.process import ERPS
from gateway.store.redis import keys
from tests.property.model import Model, Place
from tests.valkey import Buffer

CHANNEL = "webshop"
LANES = [f"l:{erp}:{priority}:{CHANNEL}" for erp in ERPS for priority in range(4)]
PLACES = [*LANES, "flight", "parked", "sought"]
SETS = [*PLACES, "held", "waits", *(f"w:{erp}" for erp in ERPS)]


@dataclass(frozen=True, slots=True)
class Seen:
    """The keys of one partition: by transaction, by object, and the sorted sets with scores."""

    messages: dict[str, dict[str, str]]
    fifos: dict[str, list[str]]
    records: dict[str, dict[str, str]]
    owners: dict[str, str]
    sets: dict[str, dict[str, int]]
    marker: tuple[str, str]
    counters: dict[str, str]


async def look(
    buffer: Buffer, part: keys.PartitionKeys, objects: list[str], transactions: Iterable[str]
) -> Seen:
    """Read everything in one round trip."""
    pipeline = buffer.client.redis.pipeline(transaction=True)
    ids = list(transactions)
    for transaction_id in ids:
        pipeline.hgetall(part.message(transaction_id))
    for object_key in objects:
        bucket, field = keys.field(object_key)
        pipeline.lrange(f"{part.prefix}f:{object_key}", 0, -1)
        pipeline.hgetall(f"{part.prefix}b:{object_key}")
        pipeline.hget(part.owners(bucket), field)
    for name in SETS:
        pipeline.zrange(f"{part.prefix}{name}", 0, -1, withscores=True)
    pipeline.hmget(part.rules, "epoch", "version")
    pipeline.hgetall(f"{part.prefix}n")
    answers: list[Any] = await buffer.client.execute(pipeline)
    rows = iter(answers)
    messages = {it: _texts(next(rows)) for it in ids}
    fifos, records, owners = {}, {}, {}
    for object_key in objects:
        fifos[object_key] = [raw.decode() for raw in next(rows)]
        records[object_key] = _texts(next(rows))
        owners[object_key] = (next(rows) or b"").decode()
    sets = {name: {raw.decode(): int(score) for raw, score in next(rows)} for name in SETS}
    epoch, version = next(rows)
    marker = (epoch.decode(), version.decode())
    return Seen(messages, fifos, records, owners, sets, marker, _texts(next(rows)))


def one_place(seen: Seen) -> None:
    """Every accepted, unsettled message is in exactly one place, whatever the model thinks."""
    lying = [it for fifo in seen.fifos.values() for it in fifo]
    for transaction_id, message in seen.messages.items():
        if not message:
            continue  # booked and purged
        object_key, state = message["o"], message["s"]
        head = seen.fifos[object_key][:1] == [transaction_id]
        places = lying.count(transaction_id)
        if message["pl"] == "1" or not head:  # it may have left its fifo
            stopped = seen.sets["held"] | seen.sets["waits"]
            places += transaction_id in stopped and transaction_id not in lying
            places += any(transaction_id in seen.sets[f"w:{erp}"] for erp in ERPS)
        assert places == (state not in ("booked", "discarded")), (transaction_id, state, places)
    for object_key, fifo in seen.fifos.items():
        among = [name for name in PLACES if object_key in seen.sets[name]]
        status = seen.records[object_key].get("st")
        assert bool(fifo) == (status is not None), (object_key, fifo, status)
        if status in (None, "stored", "held"):
            assert among == [], (object_key, status, among)
        else:
            lane = seen.records[object_key].get("ln", "")
            assert among == [lane if status == "ready" else status], (object_key, status, among)
        record = seen.records[object_key]
        classes = [seen.messages[it]["pr"] for it in fifo]
        counted = {it: int(record.get(f"c{it}", "0")) for it in "0123"}
        assert not fifo or counted == {it: classes.count(it) for it in "0123"}, object_key
        if among and among[0] in LANES:
            assert among[0].split(":")[2] == min(classes), "not of its most urgent message"
            assert among[0].split(":")[1] == seen.owners[object_key], "a lane of another ERP"


def as_modelled(seen: Seen, model: Model) -> None:
    """The buffer is exactly where the model is."""
    assert seen.marker == (str(model.marker.epoch), model.marker.version)
    for object_key, fifo in seen.fifos.items():
        assert fifo == model.fifos[object_key]
        assert seen.owners[object_key] == model.owners.get(object_key, "")
        assert _place(seen, object_key) == model.places.get(object_key), object_key
    for transaction_id, it in model.messages.items():
        found = seen.messages[transaction_id]
        if transaction_id in model.purged:
            assert not found
            continue
        open_ms = "" if it.open_ms is None else str(it.open_ms)
        assert (found["s"], found["n"]) == (it.state, str(it.attempts))
        assert (found.get("at", ""), found.get("doc", "")) == (open_ms, it.document)
    booked = sum(it.state == "booked" for it in model.messages.values())
    assert int(seen.counters.get("d", "0")) == booked
    for priority in range(4):
        waiting = [it for it in model.messages.values() if not it.settled]
        count = sum(it.entry.priority == priority for it in waiting)
        assert int(seen.counters.get(f"w{priority}", "0")) == count
    held = {key for key, it in model.messages.items() if it.state == "held"}
    assert set(seen.sets["held"]) == held
    waits = {k: it.woken_ms for k, it in model.messages.items() if it.woken_ms is not None}
    assert seen.sets["waits"] == waits
    for erp in ERPS:
        assert seen.sets[f"w:{erp}"] == {
            key: it.poll_ms
            for key, it in model.messages.items()
            if it.state == "stored" and model.owners[it.entry.object_key] is erp
        }


def place_among(entries: Sequence[Entry], fifo: Sequence[str], one: Entry) -> int:
    """Return where a new message stands among all: last, or before what it was put in front of."""
    head, *behind = fifo
    if head != one.transaction_id or not behind:
        return len(entries)
    return next(n for n, it in enumerate(entries) if it.transaction_id == behind[0])


def _place(seen: Seen, object_key: str) -> Place | None:
    status = seen.records[object_key].get("st")
    if status in ("stored", "held"):
        return Place(status)
    for name in PLACES:
        if object_key in seen.sets[name]:
            return Place(name.removesuffix(f":{CHANNEL}"), seen.sets[name][object_key])
    return None


def _texts(flat: dict[bytes, bytes]) -> dict[str, str]:
    return {key.decode(): value.decode(errors="replace") for key, value in flat.items()}
