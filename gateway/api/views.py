"""What the API answers: the models that describe it, and how the answers are made.

A channel sees its own references, the gateway's, and canonical states; no number, name or text of
an ERP has a field to show in. The models document the answers; on the way out plain dicts are
written, which the tests hold against the models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.problems import discarded_problem, held_problem
from gateway.flow.status import SETTLED, TransactionView

CANCELLATION = "order.cancellation"


class View(BaseModel):
    """An answer; fields that do not apply are left out."""

    model_config = ConfigDict(extra="forbid")


class ProblemField(View):
    """One wrong field: a JSON pointer into the body, and what is wrong."""

    pointer: str = Field(examples=["/lines/0/quantity"])
    detail: str


class Problem(View):
    """A problem document (RFC 9457); ``type`` tells programs what ``detail`` tells people."""

    type: str = Field(examples=["urn:coexist:problem:invalid-fields"])
    title: str
    status: int | None = None
    detail: str
    instance: str | None = None
    errors: list[ProblemField] | None = None
    checks: dict[str, str] | None = None


class Receipt(View):
    """A write that was taken, and for whom waited, what became of it."""

    transaction_id: str = Field(examples=["0a-01jd3kq0t5w6x7y8z9abcdefgh"])
    status: Literal["accepted", "booked", "held", "discarded"]
    order_ref: str | None = None
    cancellation_ref: str | None = None
    authorisation_ref: str | None = None
    receipt_ref: str | None = None
    return_ref: str | None = None
    gateway_ref: str = Field(examples=["G-0a-01jd3kq0t5w6x7y8z9abcdefgh"])
    status_url: str
    outcome: Literal["cancelled", "partly", "too_late"] | None = None
    problem: Problem | None = None


class SaleResult(View):
    """What became of one receipt of a batch.

    ``held`` is taken, and staff have to decide; ``noted`` is a number without a sale; ``rejected``
    will be rejected again; ``retry`` could not be said: send it again.
    """

    register_id: str | None = Field(default=None, alias="register")
    sequence: int | None = None
    business_date: str | None = None
    status: Literal["accepted", "replayed", "held", "noted", "rejected", "retry"]
    transaction_id: str | None = None
    status_url: str | None = None
    problem: Problem | None = None


class SaleResults(View):
    """One result for each receipt, in the order sent."""

    results: list[SaleResult]


class Transaction(View):
    """Where a transaction is."""

    transaction_id: str
    process: str = Field(examples=["order.intake"])
    status: Literal["accepted", "delivering", "booked", "held", "discarded"]
    reference: str
    gateway_ref: str
    accepted_at: datetime
    booked_at: datetime | None = None
    outcome: Literal["cancelled", "partly", "too_late"] | None = None
    problem: Problem | None = None


class OrderStatus(View):
    """An order of the channel, and all it sent about it, in the order taken.

    An order from before the gateway has no ``gateway_ref``; it counts as booked.
    """

    order_ref: str
    status: Literal["accepted", "delivering", "booked", "held", "discarded"]
    gateway_ref: str | None = None
    transactions: list[Transaction]


class Liveness(View):
    """The process answers."""

    status: Literal["alive"]


class Readiness(View):
    """Everything the process needs answers."""

    status: Literal["ready"]
    checks: dict[str, Literal["ok"]]


def gateway_ref(transaction_id: str) -> str:
    """Return the reference channels and their customers may quote."""
    return f"G-{transaction_id}"


def status_url(transaction_id: str) -> str:
    """Return where a transaction's state is read, relative to the gateway's origin."""
    return f"/v1/transactions/{transaction_id}"


def receipt(
    transaction_id: str, named: Mapping[str, str], view: TransactionView | None
) -> dict[str, Any]:
    """Return the answer to a write; ``view`` is its state if the caller waited.

    Without one it says ``accepted``, whenever it is asked: a repeat must get the first answer.
    """
    settled = view is not None and view.status in SETTLED
    document: dict[str, Any] = {
        "transaction_id": transaction_id,
        "status": view.status if view is not None and settled else "accepted",
        **named,
        "gateway_ref": gateway_ref(transaction_id),
        "status_url": status_url(transaction_id),
    }
    if view is not None and settled:
        document |= _ending(view)
    return document


def transaction(view: TransactionView) -> dict[str, Any]:
    """Return a transaction as its channel may see it."""
    document: dict[str, Any] = {
        "transaction_id": view.transaction_id,
        "process": view.process,
        "status": view.status,
        "reference": view.reference,
        "gateway_ref": gateway_ref(view.transaction_id),
        "accepted_at": view.accepted_at,
    }
    if view.booked_at is not None:
        document["booked_at"] = view.booked_at
    return document | _ending(view)


def order_status(order_ref: str, views: Sequence[TransactionView]) -> dict[str, Any]:
    """Return an order's state from the transactions its channel sent about it."""
    document: dict[str, Any] = {"order_ref": order_ref, "status": "booked"}
    for view in views:
        if view.process == "order.intake":
            document["status"] = view.status
            document["gateway_ref"] = gateway_ref(view.transaction_id)
    return document | {"transactions": [transaction(view) for view in views]}


def _ending(view: TransactionView) -> dict[str, Any]:
    if view.status == "held":
        return {"problem": held_problem(view.cause)}
    if view.status == "discarded":
        return {"problem": discarded_problem()}
    if view.status == "booked" and view.process == CANCELLATION and view.outcome:
        return {"outcome": view.outcome}
    return {}
