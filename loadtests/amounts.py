"""Whether a document is what was accepted: same kind, object and entity, every line and cent."""

from __future__ import annotations

from decimal import Decimal

from loadtests.books import KINDS, BookedLine, Document
from loadtests.messages import CANCELLATION, GOODS, Line, Message


def wrong_document(message: Message, document: Document) -> list[str]:
    """Differences that make it another document."""
    wanted = {
        "kind": KINDS[message.process],
        "object_reference": message.object_reference,
        "legal_entity": message.legal_entity,
        **(
            {"return_reference": message.return_reference, "withdrawn": message.withdrawn}
            if message.process in GOODS
            else {}
        ),
    }
    return [
        f"{name} is {getattr(document, name)}, accepted was {value}"
        for name, value in wanted.items()
        if getattr(document, name) != value
    ]


def wrong_amounts(message: Message, document: Document, order: Message | None) -> list[str]:
    """Differences in currency, total, shipping, tax and lines, to the cent.

    ``order`` is the order a follow-up belongs to, if it is known: a cancellation without lines
    cancels all of them. A cancellation that came too late takes nothing back.
    """
    differences = []
    if document.currency != message.currency:
        differences.append(f"currency is {document.currency}, accepted was {message.currency}")
    if message.total is not None and document.total != message.total:
        differences.append(f"total is {document.total}, accepted was {message.total}")
    if message.process == CANCELLATION:
        return differences + _cancelled(message, document, order)
    if document.shipping is not None and document.shipping != message.shipping:
        differences.append(f"shipping is {document.shipping}, accepted was {message.shipping}")
    if None not in (message.tax, document.tax) and document.tax != message.tax:
        differences.append(f"tax is {document.tax}, accepted was {message.tax}")
    return differences + _lines(message.lines, document.lines)


def _cancelled(message: Message, document: Document, order: Message | None) -> list[str]:
    if document.outcome == "too_late":
        return [] if not document.lines else ["too late, and yet it takes lines back"]
    if message.lines:
        return _lines(message.lines, document.lines)
    return [] if order is None else _lines(_without_money(order), document.lines)


def _without_money(order: Message) -> tuple[Line, ...]:
    return tuple(Line(line.line, line.sku, line.quantity, None) for line in order.lines)


def _lines(accepted: tuple[Line, ...], booked: tuple[BookedLine, ...]) -> list[str]:
    by_number = {(line.line, line.disposition): line for line in booked}
    differences = [] if len(by_number) == len(booked) else ["a line number occurs twice"]
    for wanted in accepted:
        found = by_number.pop((wanted.line, wanted.disposition), None)
        if found is None:
            what = " ".join(filter(None, (wanted.sku, wanted.disposition)))
            differences.append(f"line {wanted.line} ({what}) is missing")
        else:
            differences += _line(wanted, found)
    extra = [f"line {line.line} ({line.sku}) was never accepted" for line in by_number.values()]
    return differences + extra


def _line(wanted: Line, found: BookedLine) -> list[str]:
    pairs: list[tuple[str, object, object]] = [
        ("SKU", wanted.sku, found.sku),
        ("quantity", Decimal(wanted.quantity), found.quantity),
    ]
    if wanted.amount is not None:
        pairs.append(("amount", wanted.amount, found.amount))
    if None not in (wanted.tax, found.tax):
        pairs.append(("tax", wanted.tax, found.tax))
    if wanted.restock is not None:
        pairs.append(("restock", wanted.restock, found.restock))
    return [
        f"line {wanted.line}: {name} is {is_}, accepted was {was}"
        for name, was, is_ in pairs
        if was != is_
    ]
