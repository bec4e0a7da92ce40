"""Store sales: what registers did, taken number by number.

The sentence the code follows: *each receipt is claimed by its natural key and taken for itself; one
that comes again with another content is taken too, apart, and held for staff; a number without a
sale is written down, and nothing is booked.* Order makes no difference: a store that was offline
sends its day whenever, and in any order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, Literal, NamedTuple

import msgspec
from msgspec.structs import replace
from pydantic import ValidationError

from gateway.canonical.envelope import (
    StoredSale,
    partition_of,
    receipt_reference,
    store_day_key,
)
from gateway.canonical.exchange.stores import DayClosed, NumberUsed
from gateway.canonical.sale import Mark
from gateway.canonical.unmapped import UNMAPPED, Problem, draft_of, unmapped
from gateway.clock import Clock
from gateway.errors import IdempotencyClash, InputError, Unavailable
from gateway.flow.accept import Acceptor, Receipt, Submission
from gateway.ports import Intake, Ledger, StoreBook
from gateway.routing.facts import Facts

#: Receipts under way at once. They share commits; more would keep other requests waiting.
AT_ONCE_MAX: Final = 64

_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class NumberKey(NamedTuple):
    """A register's number on a business day: the natural key of what it was used for."""

    store: str
    business_date: str
    register_id: str
    sequence: int

    @property
    def reference(self) -> str:
        """What the claim is called."""
        return receipt_reference(*self)


class Sold(NamedTuple):
    """A receipt as it was taken.

    ``held``: it waits for staff, because what it says cannot be booked as it is.
    """

    receipt: Receipt
    held: bool = False


class Noted(NamedTuple):
    """A number without a sale was written down."""


@dataclass(slots=True)
class Item:
    """One number of a register, at its place in what was sent, and what became of it.

    One of ``submission`` and ``mark`` is set, unless it was refused before: then ``outcome`` is.
    """

    at: int
    key: NumberKey | None = None
    submission: Submission | None = None
    mark: Mark | None = None
    outcome: Sold | Noted | InputError | Unavailable | None = None


def submission(
    channel: str, key: NumberKey, legal_entity: str, body: dict[str, Any], digest: bytes
) -> Submission:
    """Return the submission of a receipt; its day is what it follows in order and ownership."""
    return Submission(
        process="store.sale",
        channel=channel,
        object_key=store_day_key(key.store, key.business_date),
        reference=key.reference,
        facts=Facts(
            process="store.sale",
            channel=channel,
            legal_entity=legal_entity,
            store=key.store,
            business_date=key.business_date,
        ),
        body=body,
        digest=digest,
    )


class StoreIntake:
    """Takes what registers of all stores of an installation did."""

    def __init__(
        self,
        acceptor: Acceptor,
        buffer: Intake,
        ledger: Ledger,
        book: StoreBook,
        clock: Clock,
        partitions: int,
    ) -> None:
        self._acceptor = acceptor
        self._buffer = buffer
        self._ledger = ledger
        self._book = book
        self._clock = clock
        self._partitions = partitions

    async def take(self, channel: str, items: Sequence[Item]) -> None:
        """Take each item that has no outcome yet, and give it one; receipts first.

        A day that is closed by what is taken here is closed behind all of it.
        """
        sales = [it for it in items if it.submission is not None and it.outcome is None]
        for first in range(0, len(sales), AT_ONCE_MAX):
            for wave in _waves(sales[first : first + AT_ONCE_MAX]):
                await asyncio.gather(*(self._sale(it) for it in wave))
        await self._note(channel, [it for it in items if it.mark is not None and not it.outcome])

    async def _sale(self, item: Item) -> None:
        if item.submission is None or item.key is None:
            return
        try:
            item.outcome = await self._accepted(item.submission, item.key)
        except (InputError, Unavailable) as error:
            item.outcome = error

    async def _accepted(self, asked: Submission, key: NumberKey) -> Sold:
        is_draft = _is_draft(asked.body)
        sent = await self._apart(asked, "draft") if is_draft else asked
        try:
            return Sold(await self._acceptor.accept(sent), held=is_draft)
        except IdempotencyClash:
            first = await self._first(asked)
            if first is None:
                raise
            taken, body = first
            if same_sale(body, asked.body):
                return Sold(taken)
            return await self._repeat(asked, key, taken)

    async def _repeat(self, asked: Submission, key: NumberKey, first: Receipt) -> Sold:
        """Take what came under a number that was used, without the number, and hold it."""
        said = Problem(
            "/sale/sequence",
            f"{key.sequence} of register {key.register_id} was taken before with another content, "
            f"as transaction {first.transaction_id}; if this is a sale of its own give it a number "
            "of its own, else discard it",
        )
        body = dict(draft_of(_body(asked)))
        sale = {name: value for name, value in body["sale"].items() if name != "sequence"}
        draft = unmapped({**body, "sale": sale}, [said], _encode(body).decode())
        mark = asked.digest[:8].hex()
        reference = f"{asked.reference}#{mark}"
        apart = await self._apart(replace(asked, body=draft, reference=reference), mark)
        return Sold(await self._acceptor.accept(apart), held=True)

    async def _apart(self, asked: Submission, mark: str) -> Submission:
        """Return the submission as an object of its own: what is held must not stop the day.

        It goes where the day goes, if that is known, and lies in the day's partition: there the
        claims of the day's numbers are.
        """
        day = asked.object_key
        owner = await self._buffer.owner(day) or await self._ledger.owner(day)
        number = asked.reference.partition("#")[0].partition(asked.facts.business_date)[2]
        partition = partition_of(day, self._partitions)
        name = next(
            name
            for name in (f"{day}#{number[1:]}#{mark}-{n}" for n in count())
            if partition_of(name, self._partitions) == partition
        )
        return replace(asked, object_key=name, owner=owner)

    async def _first(self, asked: Submission) -> tuple[Receipt, Mapping[str, Any]] | None:
        """Return what was taken under the claim, None if it cannot be read (any more)."""
        taken = await self._buffer.claimed(asked.object_key, asked.claim)
        if taken is None:
            return None
        progress = await self._buffer.progress(taken)
        if progress is not None:
            envelope = progress.envelope
            return Receipt(taken, replayed=True), envelope.body
        record = await self._ledger.transaction(taken)
        if record is None:
            return None
        return Receipt(taken, replayed=True), record.body

    async def _note(self, channel: str, items: Sequence[Item]) -> None:
        if not items:
            return
        now = self._clock.now()
        used, closed = [], []
        for item in items:
            if item.key is None or item.mark is None:
                continue
            mark, store = item.mark, item.key.store
            used.append(
                NumberUsed(
                    store, mark.business_date, mark.register_id, mark.sequence, channel,
                    mark.kind, mark.kind, "", mark.sold_at, now,
                )
            )  # fmt: skip
            if mark.closes_day:
                closed.append(DayClosed(store, mark.business_date, now, channel))
        outcome: Noted | Unavailable = Noted()
        try:
            await self._book.note_numbers(used, closed)
        except Unavailable as error:
            outcome = error
        for item in items:
            item.outcome = outcome


def same_sale(one: object, other: object) -> bool:
    """Say whether two bodies are one receipt, however they are written."""
    try:
        return StoredSale.model_validate(one) == StoredSale.model_validate(other)
    except ValidationError:
        return False


def _is_draft(body: object) -> bool:
    return isinstance(body, Mapping) and UNMAPPED in body


def _body(asked: Submission) -> dict[str, Any]:
    assert isinstance(asked.body, dict)  # noqa: S101 -- receipts are never submitted as raw text
    return asked.body


def _waves(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Part what may go at once: of two receipts with one reference the first must be first."""
    wave: list[Item] = []
    seen: set[str] = set()
    for item in items:
        if item.submission is None:
            continue
        if item.submission.reference in seen:
            yield wave
            wave, seen = [], set()
        wave.append(item)
        seen.add(item.submission.reference)
    yield wave


Status = Literal["accepted", "replayed", "held", "noted", "rejected", "retry"]


def status_of(outcome: Sold | Noted | InputError | Unavailable | None) -> Status:
    """Say in one word what became of an item."""
    match outcome:
        case Sold(receipt, held):
            return "replayed" if receipt.replayed else "held" if held else "accepted"
        case Noted():
            return "noted"
        case InputError():
            return "rejected"
        case _:
            return "retry"
