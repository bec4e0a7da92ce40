"""Where in each process's document codes stand, and the document with them translated. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from gateway.canonical.crosswalk import CrosswalkKind
from gateway.canonical.envelope import Envelope, order_channel
from gateway.canonical.process import Target
from gateway.mapping.crosswalk import Crosswalks, Gap

#: Every item of a list.
EACH: Final = "*"

_SALE = (
    (CrosswalkKind.SKU, ("lines", EACH, "sku")),
    (CrosswalkKind.TAX, ("lines", EACH, "taxes", EACH, "category")),
    (CrosswalkKind.TENDER, ("tenders", EACH, "type")),
)

#: Process → (kind, path of the code in its body).
CODES: Final[dict[str, tuple[tuple[CrosswalkKind, tuple[str, ...]], ...]]] = {
    "order.intake": (
        *_SALE,
        (CrosswalkKind.TENDER, ("payment", "method")),
        (CrosswalkKind.CUSTOMER, ("customer", "ref")),
        (CrosswalkKind.LOCATION, ("lines", EACH, "node")),
        (CrosswalkKind.LOCATION, ("store",)),
    ),
    "return.authorisation": ((CrosswalkKind.SKU, ("lines", EACH, "sku")),),
    "return.receipt": (
        (CrosswalkKind.SKU, ("lines", EACH, "sku")),
        (CrosswalkKind.LOCATION, ("node",)),
    ),
    "return.credit": (
        (CrosswalkKind.SKU, ("lines", EACH, "sku")),
        (CrosswalkKind.LOCATION, ("lines", EACH, "node")),
    ),
    "store.sale": (
        (CrosswalkKind.LOCATION, ("store",)),
        *((kind, ("sale", *path)) for kind, path in _SALE),
        (CrosswalkKind.SKU, ("sale", "returns", EACH, "sku")),
    ),
}


def kinds_of(process: str) -> frozenset[CrosswalkKind]:
    """Return the kinds of code that messages of a process may carry."""
    return frozenset(kind for kind, _ in CODES.get(process, ()))


def translated(envelope: Envelope, erp: Target, tables: Crosswalks) -> Envelope | list[Gap]:
    """Return the message as ``erp`` knows its codes, or every gap that is in the way.

    Codes are looked up for the day the business happened: a store's business date, else the day
    of acceptance. A return's codes are those of the channel its order came from, but for locations:
    where goods came is said by who has them. Nothing but codes changes, and empty ones stay empty.
    """
    codes = CODES.get(envelope.process, ())
    if not tables.tables or not codes:
        return envelope
    on = day_of(envelope)
    order_of = order_channel(envelope) or envelope.channel
    gaps: dict[Gap, None] = {}
    body: object = envelope.body
    for kind, path in codes:
        if kind not in tables.tables:
            continue

        channel = envelope.channel if kind is CrosswalkKind.LOCATION else order_of

        def translate(code: str, kind: CrosswalkKind = kind, channel: str = channel) -> str:
            found = tables.find(kind, channel, code, erp, on)
            if isinstance(found, Gap):
                gaps[found] = None
                return code
            return found

        body = _replaced(body, path, translate)
    return list(gaps) if gaps else envelope.model_copy(update={"body": body})


def day_of(envelope: Envelope) -> date:
    """Return the day whose codes a message carries."""
    stated = envelope.facts.get("business_date", "")
    return date.fromisoformat(stated) if stated else envelope.accepted_at.date()


def _replaced(value: object, path: tuple[str, ...], translate: Callable[[str], str]) -> object:
    """Return ``value`` with every code at ``path`` translated; what is not there is left out."""
    if not path:
        return translate(value) if isinstance(value, str) and value else value
    here, rest = path[0], path[1:]
    if here == EACH:
        if not isinstance(value, list | tuple):
            return value
        return [_replaced(item, rest, translate) for item in value]
    if not isinstance(value, Mapping) or here not in value:
        return value
    return {**value, here: _replaced(value[here], rest, translate)}
