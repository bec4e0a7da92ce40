"""Tax: whose tax is booked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

from gateway.canonical.breakdown import TaxPart
from gateway.canonical.envelope import Envelope, external_reference, order_channel
from gateway.canonical.money import plain
from gateway.canonical.order import Order, Shipping
from gateway.canonical.outcome import Cause, Delayed, Refused
from gateway.canonical.taxation import SHIPPING, TaxedLine, TaxQuestion, TaxQuoted
from gateway.chain.plan import Plan, TaxSource
from gateway.chain.step import Done, Step, changed

#: Asks the tax engine.
Quote = Callable[[TaxQuestion], Awaitable[TaxQuoted | Refused | Delayed]]


async def tax(envelope: Envelope, plan: Plan, quote: Quote) -> Step:
    """Leave the tax as the channel stated it, replace it by the engine's, or compare the two.

    What the channel owes itself is never calculated anew: it is the channel's to state.
    """
    if plan.tax is TaxSource.CHANNEL:
        return Done(envelope)
    order = Order.model_validate(envelope.body)
    if any(part.channel_liable for part in _parts(order)):
        return Done(envelope, "tax of the channel, which owes it")
    quoted = await quote(question(envelope, order))
    if not isinstance(quoted, TaxQuoted):
        return quoted
    missing = [line.line for line in order.lines if line.line not in quoted.lines]
    if missing:
        return Refused(Cause.TAX_DIFFERS, f"{quoted.source} taxed no line {missing[0]}")
    if plan.tax is TaxSource.COMPARED:
        return compared(envelope, order, quoted, plan.tax_tolerance)
    return calculated(envelope, order, quoted)


def question(envelope: Envelope, order: Order) -> TaxQuestion:
    """Return what the engine is asked of an order."""
    lines = [
        TaxedLine(
            line.line, line.sku, line.quantity, line.amount,
            line.taxes[0].category if line.taxes else "",
        )
        for line in order.lines
    ]  # fmt: skip
    if order.shipping.amount:
        lines.append(TaxedLine(SHIPPING, "", 1, order.shipping.amount))
    return TaxQuestion(
        external_reference(envelope.transaction_id),
        order.legal_entity,
        order_channel(envelope) or envelope.channel,
        order.currency,
        order.ordered_at.date(),
        order.tax_included,
        order.ship_to,
        tuple(lines),
    )


def compared(envelope: Envelope, order: Order, quoted: TaxQuoted, tolerance: Decimal) -> Step:
    """Keep the channel's tax if the engine's is near enough, line by line; else say where not."""
    stated = {line.line: line.tax for line in order.lines} | {SHIPPING: order.shipping.tax}
    far = []
    for line, given in stated.items():
        engine = _sum(quoted.lines.get(line, ()))
        if abs(engine - given) > tolerance:
            what = "shipping" if line == SHIPPING else f"line {line}"
            far.append(
                f"{what}: {plain(given, order.currency)} stated, "
                f"{plain(engine, order.currency)} calculated"
            )
    if far:
        return Refused(
            Cause.TAX_DIFFERS, f"{quoted.source} differs by more than {tolerance}: {'; '.join(far)}"
        )
    return Done(envelope, f"tax of the channel, compared with {quoted.source}")


def calculated(envelope: Envelope, order: Order, quoted: TaxQuoted) -> Step:
    """Put the engine's tax in; where prices leave tax out, the total follows it.

    What was paid does not change: if the tenders no longer pay the total, somebody has to see it.
    """
    lines = [{**line, **_taxed(quoted.lines[line["line"]])} for line in envelope.body["lines"]]
    shipping: Mapping[str, Any] = envelope.body.get("shipping", {})
    if order.shipping.amount:
        shipping = {**shipping, **_taxed(quoted.lines.get(SHIPPING, ()))}
    total = order.total
    if not order.tax_included:
        before = sum((line.tax for line in order.lines), order.shipping.tax)
        after = sum((_sum(quoted.lines[line.line]) for line in order.lines), Decimal(0))
        after += Shipping.model_validate(shipping).tax
        total += after - before
    paid = sum((it.amount for it in order.tenders), Decimal(0))
    if order.tenders and paid != total + order.cash_rounding:
        return Refused(
            Cause.TAX_DIFFERS,
            f"with the tax of {quoted.source} the total is {plain(total, order.currency)}, but "
            f"{plain(paid, order.currency)} was paid",
        )
    after_it = changed(envelope, lines=lines, shipping=shipping, total=str(total))
    return Done(after_it, f"tax of {quoted.source}")


def _parts(order: Order) -> list[TaxPart]:
    return [part for line in order.lines for part in line.taxes] + list(order.shipping.taxes)


def _taxed(parts: tuple[TaxPart, ...]) -> dict[str, Any]:
    written = [part.model_dump(mode="json", exclude_defaults=True) for part in parts]
    return {"tax": str(_sum(parts)), "taxes": written}


def _sum(parts: tuple[TaxPart, ...]) -> Decimal:
    return sum((part.amount for part in parts), Decimal(0))
