"""What the driver sends: one HTTP request, and the business messages it carries.

A message is one thing an ERP will book (an order, a cancellation, a return, one receipt of a
register). A POS batch is one request with many messages, a read is one with none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

ORDER = "order.intake"
CANCELLATION = "order.cancellation"
RETURN = "return.credit"
AUTHORISATION = "return.authorisation"
RECEIPT = "return.receipt"
SALE = "store.sale"
#: Processes whose messages follow the owner of an order instead of the rules.
FOLLOW_UPS = frozenset({CANCELLATION, RETURN, AUTHORISATION, RECEIPT})
#: Those that are about goods alone.
GOODS = frozenset({AUTHORISATION, RECEIPT})


@dataclass(frozen=True, slots=True)
class Line:
    """One line as the ERP should book it; ``amount`` after discount, None where it has no money.

    ``tax`` is that of the line, in its amount or beside it; None where nobody can say.
    ``disposition`` is what is done with goods that came. ``restock``: whether a credit brings its
    goods; None where nobody says.
    """

    line: int
    sku: str
    quantity: int
    amount: Decimal | None
    tax: Decimal | None = None
    disposition: str = ""
    restock: bool | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One business message: what it is about, what it is worth, what a rule may look at.

    ``object_key`` is the business object ordering and ownership hang on: ``order:CHANNEL:REF`` or
    ``store-day:STORE:DATE``. ``object_reference`` is how the books call it. ``facts`` are the
    routing facts by name. ``shipping`` and ``total`` in units of ``currency``; ``total`` is None
    for cancellations, which state no money. ``tax`` is all of it, in prices or beside them; None
    where nobody can say. ``repeat``: the same message was acknowledged before.
    ``return_reference`` is the return that goods are of, ``withdrawn`` says that none are expected
    any more. ``optional``: undone since, so that the gateway may never have heard of it.
    """

    process: str
    channel: str
    object_key: str
    object_reference: str
    reference: str
    legal_entity: str
    currency: str
    lines: tuple[Line, ...]
    total: Decimal | None
    shipping: Decimal = Decimal(0)
    tax: Decimal | None = None
    key: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    repeat: bool = False
    return_reference: str = ""
    withdrawn: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, with a body that never changes between attempts and repeats.

    ``keyed_by`` is the channel whose API key signs it (shoppers read with the web shop's).
    """

    id: str
    process: str
    channel: str
    method: str
    path: str
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()

    def again(self, request_id: str) -> Request:
        """The same request, byte for byte, as a deliberate repeat under a new id."""
        repeats = tuple(replace(message, repeat=True) for message in self.messages)
        return replace(self, id=request_id, messages=repeats)


def write(message: Message, request_id: str, path: str, body: Mapping[str, Any]) -> Request:
    """Wrap one message and its JSON body as a POST; the message's key becomes a header."""
    headers = {"Idempotency-Key": message.key} if message.key else {}
    return Request(
        id=request_id,
        process=message.process,
        channel=message.channel,
        method="POST",
        path=path,
        body=encode(body),
        headers=headers,
        messages=(message,),
    )


def read(request_id: str, process: str, channel: str, path: str) -> Request:
    """A GET of ``path`` for ``channel``."""
    return Request(id=request_id, process=process, channel=channel, method="GET", path=path)


def encode(body: Mapping[str, Any]) -> str:
    """Compact JSON; money is decimal strings already."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def order_key(channel: str, order_ref: str) -> str:
    """The business object of an order and of all that follows it."""
    return f"order:{channel}:{order_ref}"


def store_day_key(store: str, business_date: str) -> str:
    """The business object of all receipts of one store on one business day."""
    return f"store-day:{store}:{business_date}"
