"""Envelopes for the ERP tests: made-up people, and hypothesis strategies for the documents."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import strategies as st

from gateway.canonical.base import Document
from gateway.canonical.envelope import (
    Envelope,
    OrderCancellation,
    StoredSale,
    external_reference,
    new_transaction_id,
)
from gateway.canonical.order import Cancellation, Order, Return
from gateway.canonical.returning import (
    Condition,
    Disposition,
    ReturnAuthorisation,
    ReturnReceipt,
)
from gateway.canonical.sale import StoreSale

AT = datetime(2026, 11, 21, 10, 0, 5, tzinfo=UTC)
_NUMBERS = count(1)
_CENT = Decimal("0.01")
_PROCESS = {
    Order: "order.intake",
    OrderCancellation: "order.cancellation",
    ReturnAuthorisation: "return.authorisation",
    ReturnReceipt: "return.receipt",
    Return: "return.credit",
    StoredSale: "store.sale",
}


def envelope(body: Document, channel: str = "webshop") -> Envelope:
    """Put a document into an envelope with a transaction id of its own, as intake does."""
    return Envelope(
        transaction_id=new_transaction_id(7, datetime.now(UTC), next(_NUMBERS)),
        process=_PROCESS[type(body)],
        channel=channel,
        object_key="order:webshop:any",
        reference="any",
        accepted_at=AT,
        facts={},
        rule_id="test",
        rule_version="test",
        body=body.model_dump(mode="json", by_alias=True),
    )


def reference_of(sent: Envelope) -> str:
    """Return the external reference a sent envelope's document carries."""
    return external_reference(sent.transaction_id)


def order(**changes: Any) -> Order:
    """An order of two lines, tax included, 44.85 EUR in all."""
    fields: dict[str, Any] = {
        "order_ref": "SHOP-10001",
        "legal_entity": "NL01",
        "ordered_at": AT,
        "currency": "EUR",
        "customer": {"ref": "C-1001", "name": "Ada Example", "email": "ada@example.com"},
        "ship_to": {
            "name": "Ada Example",
            "street": "Voorbeeldstraat 1",
            "city": "Teststad",
            "postal_code": "1234 AB",
            "country": "NL",
        },
        "lines": [
            {
                "line": 1,
                "sku": "TEE-BLK-M",
                "quantity": 2,
                "unit_price": "19.95",
                "tax": "6.93",
            },
        ],
        "shipping": {"amount": "4.95", "tax": "0.86"},
        "payment": {"method": "card"},
        "total": "44.85",
    }
    return Order.model_validate(written(fields | changes))


def cancellation(order_ref: str, lines: dict[int, int] | None = None) -> OrderCancellation:
    """A wish to cancel an order, or ``{line: pieces}`` of it."""
    wanted = [{"line": line, "quantity": pieces} for line, pieces in (lines or {}).items()]
    return OrderCancellation(
        order_ref=order_ref,
        legal_entity="NL01",
        cancellation=Cancellation.model_validate({"cancellation_ref": "X-1", "lines": wanted}),
    )


def returned(**changes: Any) -> Return:
    """A return of three pieces for 10.00, which three do not divide."""
    fields: dict[str, Any] = {
        "return_ref": "R-1",
        "order_ref": "SHOP-10001",
        "legal_entity": "NL01",
        "returned_at": AT,
        "currency": "EUR",
        "reason": "too small",
        "lines": [{"line": 1, "sku": "TEE-BLK-M", "quantity": 3, "refund": "10.00"}],
        "total": "10.00",
    }
    return Return.model_validate(written(fields | changes))


def authorisation(**changes: Any) -> ReturnAuthorisation:
    """Two pieces of the order's only line are expected back."""
    fields: dict[str, Any] = {
        "authorisation_ref": "R-1",
        "return_ref": "R-1",
        "order_ref": "SHOP-10001",
        "legal_entity": "NL01",
        "authorised_at": AT,
        "lines": [{"line": 1, "sku": "TEE-BLK-M", "quantity": 2, "reason": "too small"}],
    }
    return ReturnAuthorisation.model_validate(written(fields | changes))


def receipt(*rows: tuple[int, str], **changes: Any) -> ReturnReceipt:
    """Pieces of the order's only line came: each row is how many, and their disposition."""
    lines = [
        {"line": 1, "sku": "TEE-BLK-M", "quantity": pieces, "condition": "opened",
         "disposition": what}
        for pieces, what in rows or ((1, "restock"),)
    ]  # fmt: skip
    fields: dict[str, Any] = {
        "receipt_ref": "R-1-1",
        "return_ref": "R-1",
        "order_ref": "SHOP-10001",
        "legal_entity": "NL01",
        "received_at": AT,
        "node": "DC1",
        "lines": lines,
    }
    return ReturnReceipt.model_validate(written(fields | changes))


def sale(store: str = "NL-001", **changes: Any) -> StoredSale:
    """A receipt of 17.95 after discount, paid with a 20 note."""
    fields: dict[str, Any] = {
        "register": "1",
        "sequence": 17,
        "business_date": date(2026, 11, 21),
        "sold_at": AT,
        "currency": "EUR",
        "lines": [
            {
                "line": 1,
                "sku": "TEE-BLK-M",
                "quantity": 1,
                "unit_price": "19.95",
                "discount": "2.00",
                "tax": "3.12",
            }
        ],
        "tenders": [{"type": "cash", "amount": "20.00"}, {"type": "cash", "amount": "-2.05"}],
        "total": "17.95",
    }
    return StoredSale(
        store=store, legal_entity="NL01", sale=StoreSale.model_validate(written(fields | changes))
    )


def written(value: Any) -> Any:
    """Write every amount as a channel does: as text."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {name: written(each) for name, each in value.items()}
    return [written(each) for each in value] if isinstance(value, list) else value


# --------------------------------------------------------------------------- strategies

# Any text a name may hold, control characters and the far planes included, but not only blanks.
_TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=120,
).filter(lambda text: text.strip() != "" and len(text.strip()) <= 120)
_MONEY = st.integers(0, 9_999_999).map(lambda minor: Decimal(minor).scaleb(-2))
_SKUS = st.from_regex(r"[A-Z0-9][A-Z0-9._-]{0,20}", fullmatch=True)
_REFERENCES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:#-]{0,34}", fullmatch=True)


@st.composite
def _sales_lines(draw: st.DrawFn) -> list[dict[str, Any]]:
    numbers = draw(st.lists(st.integers(1, 9999), min_size=1, max_size=5, unique=True))
    lines = []
    for number in numbers:
        quantity, price = draw(st.integers(1, 100_000)), draw(_MONEY)
        discount = min(draw(_MONEY), quantity * price)
        lines.append(
            {
                "line": number,
                "sku": draw(_SKUS),
                "quantity": quantity,
                "unit_price": price,
                "discount": discount,
                "tax": draw(_MONEY),
            }
        )
    return lines


def _amount(line: dict[str, Any]) -> Decimal:
    return Decimal(line["quantity"] * line["unit_price"] - line["discount"])


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Orders whose parts add up, with and without tax in the prices."""
    lines, included = draw(_sales_lines()), draw(st.booleans())
    shipping = {"amount": draw(_MONEY), "tax": draw(_MONEY)}
    total = sum(map(_amount, lines), shipping["amount"])
    if not included:
        total += sum((line["tax"] for line in lines), shipping["tax"])
    name, street, city = draw(_TEXTS), draw(_TEXTS), draw(_TEXTS)
    return order(
        order_ref=draw(_REFERENCES),
        customer={"ref": "C-1", "name": name},
        ship_to={
            "name": name,
            "street": street,
            "city": city,
            "postal_code": "1234 AB",
            "country": "NL",
        },
        tax_included=included,
        lines=lines,
        shipping=shipping,
        total=total,
    )


@st.composite
def returns(draw: st.DrawFn) -> Return:
    """Returns with refunds that need not divide by the pieces, and some of whose tax is stated."""
    numbers = draw(st.lists(st.integers(1, 9999), min_size=1, max_size=5, unique=True))
    lines: list[dict[str, Any]] = [
        {
            "line": number,
            "sku": draw(_SKUS),
            "quantity": draw(st.integers(1, 999)),
            "refund": draw(_MONEY),
        }
        for number in numbers
    ]
    for line in lines:
        line["tax"] = draw(st.sampled_from((None, line["refund"], min(line["refund"], _CENT))))
    total = sum((line["refund"] for line in lines), Decimal(0))
    return returned(order_ref=draw(_REFERENCES), lines=lines, total=total)


_REASONS = _TEXTS.map(lambda text: text.strip()[:120])


@st.composite
def authorisations(draw: st.DrawFn) -> ReturnAuthorisation:
    """What is expected of a return, and returns that are withdrawn."""
    numbers = draw(st.lists(st.integers(1, 9999), min_size=1, max_size=5, unique=True))
    lines = [
        {"line": number, "sku": draw(_SKUS), "quantity": draw(st.integers(1, 999)),
         "reason": draw(_REASONS)}
        for number in numbers
    ]  # fmt: skip
    known = {"order_ref": draw(_REFERENCES), "return_ref": draw(_REFERENCES)}
    if draw(st.booleans()):
        return authorisation(**known, lines=[], status="withdrawn", reason=draw(_REASONS))
    return authorisation(**known, lines=lines, reason=draw(_REASONS))


@st.composite
def receipts(draw: st.DrawFn) -> ReturnReceipt:
    """Goods that came, a line in several rows, announced or not."""
    skus = draw(st.dictionaries(st.integers(1, 9999), _SKUS, min_size=1, max_size=3))
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from(sorted(skus)), st.sampled_from(Condition),
                      st.sampled_from(Disposition)),
            min_size=1, max_size=6, unique=True,
        )
    )  # fmt: skip
    lines = [
        {"line": line, "sku": skus[line], "quantity": draw(st.integers(1, 999)),
         "condition": condition.value, "disposition": disposition.value}
        for line, condition, disposition in rows
    ]  # fmt: skip
    return receipt(
        order_ref=draw(_REFERENCES), return_ref=draw(st.none() | _REFERENCES), lines=lines
    )


@st.composite
def sales(draw: st.DrawFn) -> StoredSale:
    """Receipts paid with two tenders, one of which may be change given back."""
    lines = draw(_sales_lines())
    total = sum(map(_amount, lines), Decimal(0))
    first = draw(_MONEY)
    tenders = [{"type": "card", "amount": first}, {"type": "cash", "amount": total - first}]
    return sale(lines=lines, tenders=tenders, total=total)
