"""The envelope a transaction travels in, from acceptance to its booking."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any, Final

from gateway.canonical.base import Document, matching
from gateway.canonical.order import Cancellation, Order, Return
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt
from gateway.canonical.sale import StoreSale

#: Letters of transaction ids (Crockford's base 32): five bits each.
ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = tuple(high + low for high in ALPHABET for low in ALPHABET)
# Two characters are ten bits: 50 of time, which last until the year 37648, and 80 of chance.
_TIME_SHIFTS: Final = range(40, -1, -10)
_CHANCE_SHIFTS: Final = range(70, -1, -10)

#: Partitions at most: their number is written with two hex digits in every transaction id.
PARTITIONS_MAX: Final = 256

_TRANSACTION_ID: Final = re.compile(r"[0-9a-f]{2}-[0-9a-z]{26}")


class StoredSale(Document):
    """A receipt together with the store it came from."""

    store: str
    legal_entity: str
    sale: StoreSale


class OrderCancellation(Document):
    """A cancellation together with the order it means."""

    order_ref: str
    legal_entity: str
    cancellation: Cancellation


Body = Order | OrderCancellation | ReturnAuthorisation | ReturnReceipt | Return | StoredSale


class Envelope(Document):
    """A canonical message: who sent what, about which business object, and how it was routed.

    ``object_key`` is the root business object all ordering and ownership hang on, as
    ``"order:webshop:SHOP-1"`` or ``"store-day:NL-001:2026-11-21"``. ``reference`` is what the
    channel calls this transaction. ``facts`` are what the rules may look at, kept so that a held
    message can be decided again.
    """

    transaction_id: Annotated[
        str, matching(r"^[0-9a-f]{2}-[0-9a-z]{26}$", "a transaction id as an answer gave it")
    ]
    process: str
    channel: str
    object_key: str
    reference: str
    accepted_at: datetime
    facts: dict[str, str]
    rule_id: str
    rule_version: str
    body: dict[str, Any]


class Shaped(Envelope):
    """A message as its ERP hears it. It is never stored: what was accepted stays as it was.

    ``shaped_by`` says what each step of the order chain decided, and names the crosswalk versions
    its codes went through, each with its steward, as ``"payment paid, sku 3 (item-master)"``; ""
    if nothing shaped it.
    """

    shaped_by: str

    @classmethod
    def of(cls, envelope: Envelope, shaped_by: str = "") -> Shaped:
        """Return a message with what shaped it; it was checked when it was accepted."""
        return cls.model_construct(**dict(envelope), shaped_by=shaped_by)


def new_transaction_id(partition: int, at: datetime, chance: int) -> str:
    """Make a transaction id: partition in hex, then time (ms) and 80 bits of ``chance``.

    Ids of one partition sort by time of acceptance; the partition in front lets any process find
    the transaction without a directory.
    """
    return transaction_id_of(partition, at, _pairs(chance, _CHANCE_SHIFTS))


def transaction_id_of(partition: int, at: datetime, chance: str) -> str:
    """Make a transaction id as ``new_transaction_id`` does, of chance that is 16 letters."""
    return f"{partition:02x}-{_time_text(int(at.timestamp() * 1000))}{chance}"


@lru_cache(maxsize=1)
def _time_text(ms: int) -> str:
    return _pairs(ms, _TIME_SHIFTS)


def _pairs(number: int, shifts: range) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in shifts])


def partition_of_transaction(transaction_id: str) -> int:
    """Return the partition written in a transaction id."""
    return int(transaction_id[:2], 16)


def partition_within(transaction_id: str, partitions: int) -> int | None:
    """Return the partition of what somebody gave as a transaction id.

    None if it has not the form of one, or is of no partition here: such are not looked for.
    """
    if not _TRANSACTION_ID.fullmatch(transaction_id):
        return None
    number = partition_of_transaction(transaction_id)
    return number if number < partitions else None


def partition_of(object_key: str, partitions: int) -> int:
    """Hash a business object to one of ``partitions``, the same in every process and release."""
    digest = blake2b(object_key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % partitions


def external_reference(transaction_id: str) -> str:
    """Return the reference a document carries into an ERP: unique per message, 32 characters.

    Business Central's ``externalDocumentNumber`` holds 35, an IDoc's ``BELNR`` 35.
    """
    return f"CX-{transaction_id}"


def order_key(channel: str, order_ref: str) -> str:
    """Name the business object an order and all its follow-ups belong to."""
    return f"order:{channel}:{order_ref}"


def order_channel(envelope: Envelope) -> str:
    """Return the channel that the order an envelope belongs to was placed in; "" for no order.

    A return may come from another channel (bought online, returned in store): the order's counts.
    """
    kind, _, rest = envelope.object_key.partition(":")
    return rest.partition(":")[0] if kind == "order" else ""


def store_day_key(store: str, business_date: str) -> str:
    """Name the business object the receipts of one store and business day belong to."""
    return f"store-day:{store}:{business_date}"


def receipt_reference(store: str, business_date: str, register: str, sequence: int) -> str:
    """Name a receipt by its natural key."""
    return f"{store}/{business_date}/{register}/{sequence}"


@dataclass(frozen=True, slots=True)
class Marker:
    """What rules are in force somewhere: ``epoch`` only rises, ``version`` names the rule text."""

    epoch: int
    version: str


def money_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return what a message is worth: the amount as decimal text and its currency, "" for none.

    An order, a return and a receipt have a total; a cancellation has none of its own.
    """
    document = body.get("sale", body)
    amount, currency = document.get("total"), document.get("currency")
    if not isinstance(amount, str) or not isinstance(currency, str):
        return "", ""
    return amount, currency
