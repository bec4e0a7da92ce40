"""Store sales: batches of receipts, each taken or refused for itself.

A till has to go on with the rest of its day, so one bad receipt rejects nothing but itself. The
answer is 207 with a result for each receipt; only if the buffer could take none of them is it 503.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from litestar import Controller, post
from litestar.types import ASGIApp

from gateway.api import describe, headers, intake, views
from gateway.api.answers import as_json
from gateway.api.calls import AnyRequest, Call, admit
from gateway.api.problems import instance_of, problem_of
from gateway.canonical.envelope import StoredSale
from gateway.canonical.fields import validated
from gateway.canonical.sale import Mark, StoreSale, StoreSaleBatch
from gateway.errors import InputError, Unavailable
from gateway.flow.store_sales import Item, NumberKey, Sold, status_of, submission

_KEY_TYPES: Final = {"register": str, "sequence": int, "business_date": str}


class StoreSales(Controller):
    """What the tills of a store sold."""

    path = "/v1/store-sales"
    tags = ("store sales",)

    @post(
        status_code=207,
        summary="Submit receipts of a store",
        description=(
            "Each receipt is keyed by store, business date, register and sequence, and answered "
            "for itself: `accepted`, `replayed` (taken before), `held` (its number was used before "
            "with another content; it is taken, and staff decide), `noted` (a number without a "
            "sale), `rejected` (see its problem; the same receipt will be rejected again) or "
            "`retry` (send it again)."
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
        items = [
            _prepared(call, batch.store, legal_entity, at, it)
            for at, it in enumerate(batch.transactions)
        ]
        await call.services.stores.take(call.channel.name, items)
        _raise_if_none_could_be_said(items)
        path = instance_of(request)
        results = [
            _result(it, sent, path) for it, sent in zip(items, batch.transactions, strict=True)
        ]
        return as_json({"results": results}, 207)


def _prepared(
    call: Call, store: str, legal_entity: str, at: int, received: Mapping[str, Any]
) -> Item:
    pointer = _pointer(at)
    try:
        if "kind" in received:
            mark = validated(Mark, received, pointer)
            call.checks.mark(mark, pointer)
            return Item(at, _key(store, mark), mark=mark)
        sale = validated(StoreSale, received, pointer)
        call.checks.sale(legal_entity, sale, pointer)
    except InputError as error:
        return Item(at, outcome=error)
    key = _key(store, sale)
    document = StoredSale(store=store, legal_entity=legal_entity, sale=sale)
    body = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
    digest = intake.digest(f"store.sale|{key.reference}", intake.canonical(received))
    return Item(at, key, submission(call.channel.name, key, legal_entity, body, digest))


def _key(store: str, of: StoreSale | Mark) -> NumberKey:
    return NumberKey(store, of.business_date.isoformat(), of.register_id, of.sequence)


def _pointer(at: int) -> str:
    return f"/transactions/{at}"


def _raise_if_none_could_be_said(items: Sequence[Item]) -> None:
    errors = [item.outcome for item in items if isinstance(item.outcome, Unavailable)]
    if len(errors) == len(items):
        raise max(errors, key=lambda error: error.retry_after_s)


def _result(item: Item, received: Mapping[str, Any], path: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        name: received[name]
        for name, kind in _KEY_TYPES.items()
        if isinstance(received.get(name), kind)
    }
    outcome = item.outcome
    result["status"] = status_of(outcome)
    if isinstance(outcome, Sold):
        transaction_id = outcome.receipt.transaction_id
        result["transaction_id"] = transaction_id
        result["status_url"] = views.status_url(transaction_id)
    elif isinstance(outcome, InputError | Unavailable):
        result["problem"] = problem_of(outcome, f"{path}#{_pointer(item.at)}")
    return result
