"""What an envelope carries, as a typed document."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from gateway.canonical.envelope import Body, Envelope, OrderCancellation, StoredSale
from gateway.canonical.order import Order, Return
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt

BODIES: Final[dict[str, type[Body]]] = {
    "order.intake": Order,
    "order.cancellation": OrderCancellation,
    "return.authorisation": ReturnAuthorisation,
    "return.receipt": ReturnReceipt,
    "return.credit": Return,
    "store.sale": StoredSale,
}
"""Which document each process carries."""


class Unsendable(ValueError):
    """No document can be made of this envelope, today or on a repeat; nothing was sent."""


class Overlong(Unsendable):
    """A reference or an amount is longer than the ERP's field, and such are never cut."""


def business(envelope: Envelope) -> Body:
    """Read the envelope's document. Raises :class:`Unsendable` naming what is wrong."""
    kind = BODIES.get(envelope.process)
    if kind is None:
        raise Unsendable(f"process {envelope.process!r} books nothing; {sorted(BODIES)} do")
    try:
        return kind.model_validate(envelope.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise Unsendable(
            f"{envelope.process} {envelope.reference!r}: {place}: {first['msg']}; "
            "it was accepted in a form this release cannot read"
        ) from error
