"""What happened to an order since it was accepted: pieces taken off, cancelled, changed, refunded.

A snapshot says how an order is, not what was done to it, and snapshots come in any order, some
never. So what is derived is always the difference between a snapshot and all that was taken of the
order before: a repeat, an older snapshot, or one that was overtaken, then says nothing new.

Pieces that a refund takes off before they were sent (restock type ``cancel``) are cancelled, not
returned: no ERP has invoiced them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any, Final

from gateway.canonical.envelope import OrderCancellation
from gateway.canonical.order import Return
from gateway.canonical.unmapped import UNMAPPED, Problem
from gateway.channels.known import REDUCED, FollowUp, Known, overtaxed
from gateway.channels.shopify import wire
from gateway.channels.shopify.draft import Draft, Terms
from gateway.channels.shopify.order import order_of
from gateway.channels.shopify.wire import ZERO, Payload, plain

WHOLE: Final = "cancelled"
_BESIDE: Final = "paid back beside goods"
_MONEY: Final = ("unit_price", "discount", "tax")


def since_accepted(
    payload: Payload, known: Known, terms: Terms, now: Draft | None = None
) -> list[FollowUp]:
    """Return what a snapshot says that was not taken yet; ``now`` is its order, if it is made."""
    if is_overtaken(payload, known):
        return []
    found = []
    if payload.get("cancelled_at"):
        if not known.is_whole_cancelled:
            found.append(_whole(payload, terms))
    elif known.order:
        found += _reduced(payload, known, terms)
        found += [
            rest
            for refund in wire.objects(payload, "refunds")
            if not _returned_rows(refund) and wire.objects(refund, "refund_line_items")
            for rest in _rest(refund, known, terms)
        ]
    if known.order and UNMAPPED not in known.order:
        found += _changed(payload, known, terms, now or order_of(payload, terms))
    return found


def is_overtaken(payload: Payload, known: Known) -> bool:
    """Say whether a snapshot is older than the one the order was taken from."""
    taken_as_of = wire.instant(known.order, "updated_at")
    as_of = wire.instant(payload, "updated_at")
    return taken_as_of is not None and as_of is not None and as_of < taken_as_of


def refunded(refund: Payload, known: Known, terms: Terms, channel: str) -> list[FollowUp]:
    """Return the credit of what a refund is for: goods, and what it gave back beside them."""
    rows = _returned_rows(refund)
    if not rows and wire.objects(refund, "refund_line_items"):
        return []  # cancelled before they were sent: the order's own snapshot says so
    if not rows:
        return _rest(refund, known, terms, channel)
    if not terms.credits_goods:
        return []
    draft = _credit(refund, known, terms, channel, wire.text(refund, "id"))
    draft.body["lines"] = _credited(rows, known, draft)
    _beside(refund, known, draft)
    draft.check(Return)
    return [FollowUp("return.credit", draft.body["return_ref"], draft)]


def _credit(refund: Payload, known: Known, terms: Terms, channel: str, name: str) -> Draft:
    return Draft(
        {
            "return_ref": name,
            **_about(refund, known, terms, channel),
            "returned_at": wire.text(refund, "processed_at") or wire.text(refund, "created_at"),
            "reason": wire.text(refund, "note"),
        }
    )


def _beside(refund: Payload, known: Known, draft: Draft) -> None:
    """Add what was paid back beside goods: of the shipping as the shop says, the rest as such."""
    rest = _paid_beside(refund, known, draft)
    said, tax = _shipping_back(refund, known, draft)
    shipping = max(min(said, rest), ZERO)
    if shipping:
        draft.body["shipping"] = plain(shipping)
        if tax is not None and shipping == said:
            draft.body["shipping_tax"] = plain(tax)
    if rest != shipping:
        adjustment = {"reason": _BESIDE, "amount": plain(rest - shipping)}
        draft.body["adjustments"] = [adjustment]
    goods = sum((Decimal(it["refund"]) for it in draft.body.get("lines", ())), ZERO)
    draft.body["total"] = plain(goods + rest)


def _shipping_back(refund: Payload, known: Known, draft: Draft) -> tuple[Decimal, Decimal | None]:
    """Return what of the shipping was given back, tax included, and its tax if it is stated.

    Since 2024-10 it stands in ``refund_shipping_lines``; before, it was an adjustment below zero.
    """
    names, sign = ("subtotal_amount", "tax_amount"), 1
    rows = wire.objects(refund, "refund_shipping_lines")
    if not rows:
        adjustments = wire.objects(refund, "order_adjustments")
        rows = [it for it in adjustments if it.get("kind") == "shipping_refund"]
        names, sign = ("amount", "tax_amount"), -1
    amount = sum((sign * draft.amount(it, names[0], "/shipping") for it in rows), ZERO)
    tax = sum((sign * draft.amount(it, names[1], "/shipping_tax") for it in rows), ZERO)
    if known.order.get("tax_included") is False:
        amount += tax
    stated = all(_states(it, names[1]) for it in rows)
    return amount, tax if stated else None


def _states(row: Payload, name: str) -> bool:
    return row.get(name) is not None or bool(wire.inner(row, f"{name}_set"))


def _about(refund: Payload, known: Known, terms: Terms, channel: str) -> dict[str, str]:
    return {
        "order_ref": wire.text(refund, "order_id"),
        "order_channel": channel,
        "legal_entity": terms.legal_entity,
        "currency": known.order.get("currency", ""),
    }


def _returned_rows(refund: Payload) -> list[Payload]:
    rows = wire.objects(refund, "refund_line_items")
    return [it for it in rows if it.get("restock_type") != "cancel"]


def _worth(row: Payload, known: Known, draft: Draft) -> Decimal:
    """Return what a row gives back, tax included."""
    worth = draft.amount(row, "subtotal", "/lines")
    if known.order.get("tax_included") is False:
        worth += draft.amount(row, "total_tax", "/lines")
    return worth


def _credited(rows: list[Payload], known: Known, draft: Draft) -> list[dict[str, Any]]:
    lines: dict[str, dict[str, Any]] = {}
    for row in rows:
        ref = wire.text(row, "line_item_id")
        sold = known.lines.get(ref)
        pieces = wire.number(row, "quantity") or 0
        line = lines.setdefault(ref, {"quantity": 0, "refund": "0.00"})
        if sold is None:
            line["sku"] = wire.text(wire.inner(row, "line_item"), "sku")
            what = f"line item {ref} is not of the order as it was accepted; say which line it is"
            draft.problems.append(Problem(f"/lines/{len(lines) - 1}/line", what))
        else:
            line |= {"line": sold.get("line"), "sku": sold.get("sku")}
        line["quantity"] += pieces
        line["refund"] = plain(Decimal(line["refund"]) + _worth(row, known, draft))
        if _states(row, "total_tax"):
            tax = draft.amount(row, "total_tax", f"/lines/{len(lines) - 1}/tax")
            line["tax"] = plain(Decimal(line.get("tax", "0.00")) + tax)
        _place(row, line)
    for at, (ref, line) in enumerate(lines.items()):
        if line["restock"] is None:
            what = f"some pieces of line item {ref} are restocked and some are not"
            todo = "set restock to false, and say by a receipt what came"
            draft.problems.append(Problem(f"/lines/{at}/restock", f"{what}; {todo}"))
        if said := overtaxed(known.lines.get(ref), line.get("tax")):
            draft.problems.append(Problem(f"/lines/{at}/tax", said))
    return list(lines.values())


def _place(row: Payload, line: dict[str, Any]) -> None:
    """Say whether the pieces of a row go back to stock, and where; None if rows disagree."""
    restock = row.get("restock_type") != "no_restock"
    line["restock"] = restock if line.get("restock", restock) is restock else None
    if restock and (node := wire.text(row, "location_id", 40)):
        line["node"] = node


def _paid_beside(refund: Payload, known: Known, draft: Draft) -> Decimal:
    """Return how much more was paid back than the goods are worth; below zero, a fee was kept."""
    paid = [
        draft.amount(it, "amount", "/total")
        for it in wire.objects(refund, "transactions")
        if it.get("kind") == "refund" and it.get("status") != "failure"
    ]
    rows = wire.objects(refund, "refund_line_items")
    goods = sum((_worth(row, known, draft) for row in rows), ZERO)
    return sum(paid, ZERO) - goods if paid else ZERO


def _rest(refund: Payload, known: Known, terms: Terms, channel: str = "") -> list[FollowUp]:
    """Return the credit of money that was paid back without goods that came back.

    A fee that was kept of pieces which were never sent is no credit: that is for staff.
    """
    draft = _credit(refund, known, terms, channel, f"{wire.text(refund, 'id')}-rest")
    rest = _paid_beside(refund, known, draft)
    if not rest:
        return []
    if rest > 0:
        _beside(refund, known, draft)
        draft.check(Return)
    else:
        said = (
            f"{plain(-rest)} {draft.body['currency']} less than the goods are worth was paid back, "
            "and none of them was invoiced; book it by hand, then discard this"
        )
        draft.problems.append(Problem("/total", said))
    return [FollowUp("return.credit", draft.body["return_ref"], draft)]


def _whole(payload: Payload, terms: Terms) -> FollowUp:
    reason = wire.text(payload, "cancel_reason") or "customer"
    return _cancellation(payload, terms, WHOLE, {"reason": reason})


def _reduced(payload: Payload, known: Known, terms: Terms) -> list[FollowUp]:
    """Return the pieces that are gone and were neither returned nor cancelled before."""
    if not isinstance(payload.get("refunds"), list):
        return []  # what is missing cannot be told from what was returned
    returned: Counter[str] = Counter()
    for refund in wire.objects(payload, "refunds"):
        for row in _returned_rows(refund):
            returned[wire.text(row, "line_item_id")] += wire.number(row, "quantity") or 0
    taken_off = known.taken_off
    lines = []
    for item in wire.objects(payload, "line_items"):
        ref, left = wire.text(item, "id"), wire.number(item, "current_quantity")
        sold = known.lines.get(ref)
        if sold is None or left is None or not isinstance(sold.get("quantity"), int):
            continue
        gone = sold["quantity"] - left - returned[ref] - taken_off[sold["line"]]
        if gone > 0:
            lines.append({"line": sold["line"], "quantity": gone})
    if not lines:
        return []
    # Numbered, so that of two snapshots which find the same pieces gone only one is taken.
    name = f"{REDUCED}{known.reductions + 1}"
    return [_cancellation(payload, terms, name, {"lines": lines, "reason": "edited"})]


def _cancellation(payload: Payload, terms: Terms, name: str, wish: dict[str, Any]) -> FollowUp:
    draft = Draft(
        {
            "order_ref": wire.text(payload, "id"),
            "legal_entity": terms.legal_entity,
            "cancellation": {"cancellation_ref": name, **wish},
        }
    )
    draft.check(OrderCancellation)
    return FollowUp("order.cancellation", name, draft)


def _changed(payload: Payload, known: Known, terms: Terms, made: Draft) -> list[FollowUp]:
    """Return what only staff can follow up: added lines, other prices, another address."""
    now = made.body
    left = {
        wire.text(it, "id"): wire.number(it, "current_quantity")
        for it in wire.objects(payload, "line_items")
    }
    problems = []
    for line in now["lines"]:
        ref = line["line_ref"]
        was = known.lines.get(ref)
        if was is not None:
            problems += _line_changes(was, line)
        elif left.get(ref) != 0:
            said = f"{line['quantity']} of {line['sku'] or 'no SKU'} at {line['unit_price']}"
            problems.append(Problem("/lines", f"{said} was added as line item {ref}"))
    before, after = known.order.get("shipping") or {}, now["shipping"]
    if _differ(before.get("amount"), after["amount"]):
        said = f"was {before.get('amount', '0.00')}, is {after['amount']}"
        problems.append(Problem("/shipping/amount", said))
    if payload.get("shipping_address") and now["ship_to"] != known.order.get("ship_to"):
        problems.append(Problem("/ship_to", "the address is another one now"))
    if not problems:
        return []
    mark = blake2b(repr([*problems, now["ship_to"]]).encode(), digest_size=4).hexdigest()
    problems.append(Problem("", "the order changed since; follow it up by hand, then discard this"))
    # No cancellation in the draft: completed by halves it must not cancel the order.
    body = {"order_ref": now["order_ref"], "legal_entity": terms.legal_entity}
    return [FollowUp("order.cancellation", f"changed-{mark}", Draft(body, problems))]


def _line_changes(was: Mapping[str, Any], line: Mapping[str, Any]) -> list[Problem]:
    at = f"/lines/{line['line']}"
    found = [
        Problem(f"{at}/{name}", f"was {was.get(name, '0.00')}, is {line[name]}")
        for name in _MONEY
        if _differ(was.get(name), line[name])
    ]
    if was.get("quantity") != line["quantity"]:
        said = f"was {was.get('quantity')}, is {line['quantity']}"
        found.insert(0, Problem(f"{at}/quantity", said))
    return found


def _differ(before: object, after: str) -> bool:
    try:
        return Decimal(str(before or "0")) != Decimal(after)
    except InvalidOperation:
        return True
