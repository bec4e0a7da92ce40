"""Store sales: batches of receipts, each taken or refused for itself.

A till has to go on with the rest of its day, so one bad receipt rejects nothing but itself. The
answer is 207 with a result for each receipt; only if the buffer could take none of them is it 503.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar import Controller, post
from litestar.types import ASGIApp

from gateway.api import describe, headers, intake, views
from gateway.api.answers import as_json
from gateway.api.calls import AnyRequest, Call, admit
from gateway.api.problems import instance_of, problem_of
from gateway.canonical.envelope import StoredSale, store_day_key
from gateway.canonical.fields import validated
from gateway.canonical.sale import StoreSale, StoreSaleBatch
from gateway.errors import InputError, Unavailable
from gateway.flow.accept import Receipt, Submission
from gateway.routing.facts import Facts

#: Receipts under way at once. They share commits; more would keep other requests waiting.
AT_ONCE_MAX: Final = 64

_KEY_TYPES: Final = {"register": str, "sequence": int, "business_date": str}


@dataclass(slots=True)
class _Item:
    """A receipt of a batch, at its place in it, and what became of it."""

    at: int
    received: Mapping[str, Any]
    submission: Submission | None = None
    outcome: Receipt | InputError | Unavailable | None = None

    @property
    def pointer(self) -> str:
        return f"/transactions/{self.at}"


class StoreSales(Controller):
    """What the tills of a store sold."""

    path = "/v1/store-sales"
    tags = ("store sales",)

    @post(
        status_code=207,
        summary="Submit receipts of a store",
        description=(
            "Each receipt is keyed by store, business date, register and sequence, and answered "
            "for itself: `accepted`, `replayed` (taken before), `rejected` (see its problem; the "
            "same receipt will be rejected again) or `retry` (send it again)."
        ),
        operation_class=describe.batch(),
    )
    async def take(self, request: AnyRequest) -> ASGIApp:
        """Take a batch; the receipts of a store day go where that day is booked."""
        call = admit(request, "store-sales")
        headers.refuse_idempotency_key(call)
        received = await intake.read(call)
        batch = validated(StoreSaleBatch, received.document)
        legal_entity = call.checks.entity_of_store(call.channel, batch.store)
        items = [_Item(at, received) for at, received in enumerate(batch.transactions)]
        for first in range(0, len(items), AT_ONCE_MAX):
            some = items[first : first + AT_ONCE_MAX]
            for item in some:
                _prepare(call, batch.store, legal_entity, item)
            for wave in _waves(some):
                await asyncio.gather(*(_accept(call, item) for item in wave))
        _raise_if_none_could_be_said(items)
        path = instance_of(request)
        return as_json({"results": [_result(item, path) for item in items]}, 207)


def _prepare(call: Call, store: str, legal_entity: str, item: _Item) -> None:
    try:
        sale = validated(StoreSale, item.received, item.pointer)
        call.checks.sale(legal_entity, sale, item.pointer)
    except InputError as error:
        item.outcome = error
    else:
        document = StoredSale(store=store, legal_entity=legal_entity, sale=sale)
        item.submission = _submission(call.channel.name, document, item.received)


def _submission(channel: str, document: StoredSale, received: Mapping[str, Any]) -> Submission:
    sale = document.sale
    day = sale.business_date.isoformat()
    reference = f"{document.store}/{day}/{sale.register_id}/{sale.sequence}"
    return Submission(
        process="store.sale",
        channel=channel,
        object_key=store_day_key(document.store, day),
        reference=reference,
        facts=Facts(
            process="store.sale",
            channel=channel,
            legal_entity=document.legal_entity,
            store=document.store,
            business_date=day,
        ),
        body=document.model_dump(mode="json", by_alias=True, exclude_unset=True),
        digest=intake.digest(f"store.sale|{reference}", intake.canonical(received)),
    )


def _waves(items: Sequence[_Item]) -> Iterator[list[_Item]]:
    """Part what may go at once: of two receipts with one reference the first must be first."""
    wave: list[_Item] = []
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


async def _accept(call: Call, item: _Item) -> None:
    if item.submission is None:
        return
    try:
        item.outcome = await call.services.acceptor.accept(item.submission)
    except (InputError, Unavailable) as error:
        item.outcome = error


def _raise_if_none_could_be_said(items: Sequence[_Item]) -> None:
    errors = [item.outcome for item in items if isinstance(item.outcome, Unavailable)]
    if len(errors) == len(items):
        raise max(errors, key=lambda error: error.retry_after_s)


def _result(item: _Item, path: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        name: item.received[name]
        for name, kind in _KEY_TYPES.items()
        if isinstance(item.received.get(name), kind)
    }
    outcome = item.outcome
    if isinstance(outcome, Receipt):
        result["status"] = "replayed" if outcome.replayed else "accepted"
        result["transaction_id"] = outcome.transaction_id
        result["status_url"] = views.status_url(outcome.transaction_id)
    elif outcome is not None:
        result["status"] = "retry" if isinstance(outcome, Unavailable) else "rejected"
        result["problem"] = problem_of(outcome, f"{path}#{item.pointer}")
    return result
