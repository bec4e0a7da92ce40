"""What registers did as they send it: JSON for the gateway's API, POSLog XML for files."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

from simulators.pos.till import PROMOTION, Keyed, Rung

CURRENCY = "EUR"
NAMESPACE = "http://www.nrf-arts.org/IXRetail/namespace/"


def as_json(rung: Rung) -> dict[str, object]:
    """An item of a batch."""
    head: dict[str, object] = {
        "register": rung.register,
        "sequence": rung.number,
        "business_date": rung.day,
        "sold_at": rung.at.isoformat(),
    }
    if rung.kind != "sale":
        closing = {"closes_day": True} if rung.what == "day ends" else {}
        return {"kind": rung.kind, **head, **closing}
    body = {
        **head,
        "currency": CURRENCY,
        "lines": [{**_line(it), **_promoted(it)} for it in rung.kept if not it.back],
        "returns": [_back(it) for it in rung.kept if it.back],
        "tenders": [{"type": kind, "amount": money(it)} for kind, it in rung.tenders],
        "total": money(rung.total),
    }
    return body | ({"cash_rounding": money(rung.rounding)} if rung.rounding else {})


def as_poslog(rungs: Sequence[Rung], stated_count: int = 0) -> str:
    """A file of a store, with its control totals; ``stated_count`` 0 states what is there."""
    parts = ['<?xml version="1.0" encoding="utf-8"?>', f'<POSLog xmlns="{NAMESPACE}">']
    parts += [_transaction(it) for it in rungs]
    total = sum((it.total for it in rungs if it.kind == "sale"), Decimal(0))
    parts.append(
        f'<ControlTotals><File Count="{stated_count or len(rungs)}" Amount="{money(total)}" '
        f'Currency="{CURRENCY}"/></ControlTotals>'
    )
    return "\n".join([*parts, "</POSLog>", ""])


def money(amount: Decimal) -> str:
    """An amount with its cents."""
    return f"{amount:.2f}"


def _line(keyed: Keyed) -> dict[str, object]:
    return {
        "line": keyed.line,
        "sku": keyed.item.sku,
        "quantity": keyed.quantity,
        "unit_price": money(keyed.item.price),
        "discount": money(keyed.off),
        "tax": money(keyed.tax),
    }


def _promoted(keyed: Keyed) -> dict[str, object]:
    if not keyed.off:
        return {}
    return {"discounts": [{"amount": money(keyed.off), "promotion_id": PROMOTION}]}


def _back(keyed: Keyed) -> dict[str, object]:
    return {**_line(keyed), **({"sold_on": dict(keyed.sold_on)} if keyed.sold_on else {})}


def _transaction(rung: Rung) -> str:
    head = "".join(
        _element(name, value)
        for name, value in (
            ("RetailStoreID", rung.store), ("WorkstationID", rung.register),
            ("SequenceNumber", str(rung.number)), ("BusinessDayDate", rung.day),
            ("EndDateTime", rung.at.isoformat()), ("CurrencyCode", CURRENCY),
        )
    )  # fmt: skip
    if rung.kind == "control":
        what = "BusinessEOD" if rung.what == "day ends" else "TillOpen"
        body = f"<ControlTransaction><{what}/></ControlTransaction>"
        return f"<Transaction>{head}{body}</Transaction>"
    flag = ' CancelFlag="true"' if rung.kind == "void" else ""
    return f"<Transaction{flag}>{head}{_retail(rung)}</Transaction>"


def _retail(rung: Rung) -> str:
    lines = [_goods(it) for it in rung.lines]
    number = len(rung.lines)
    for it in rung.lines:
        if it.voided:
            number += 1
            lines.append(_void(number, it))
    for kind, amount in _paid(rung):
        number += 1
        sign = "Refund" if amount[0] < 0 else "Sale"
        paid = _element("Amount", money(abs(amount[0])))
        change = _element("TenderChange", _element("Amount", money(amount[1])), raw=True)
        lines.append(
            f"<LineItem>{_element('SequenceNumber', str(number))}"
            f'<Tender TenderType={quoteattr(kind)} TypeCode="{sign}">{paid}'
            f"{change if amount[1] else ''}</Tender></LineItem>"
        )
    totals = f'<Total TotalType="TransactionGrandAmount">{money(rung.total)}</Total>'
    if rung.rounding:
        totals += f'<Total TotalType="RoundingAmount">{money(rung.rounding)}</Total>'
    return f"<RetailTransaction>{''.join(lines)}{totals}</RetailTransaction>"


def _paid(rung: Rung) -> list[tuple[str, tuple[Decimal, Decimal]]]:
    """What was given, and what of it was handed back."""
    if len(rung.tenders) == 2:
        (kind, given), (_, back) = rung.tenders
        return [(kind, (given, -back))]
    return [(kind, (amount, Decimal(0))) for kind, amount in rung.tenders]


def _goods(keyed: Keyed) -> str:
    name = "Return" if keyed.back else "Sale"
    link = ""
    if keyed.sold_on:
        fields = (("RetailStoreID", "store"), ("WorkstationID", "register"),
                  ("BusinessDayDate", "business_date"), ("SequenceNumber", "sequence"),
                  ("LineItemSequenceNumber", "line"))  # fmt: skip
        link = "".join(_element(tag, str(keyed.sold_on[of])) for tag, of in fields)
        link = f"<TransactionLink>{link}</TransactionLink>"
    price, tax = money(keyed.item.price), money(keyed.tax)
    if keyed.off:
        off = _element("Amount", money(keyed.off)) + _element("PromotionID", PROMOTION)
        link += f"<RetailPriceModifier>{off}</RetailPriceModifier>"
    return (
        f'<LineItem>{_element("SequenceNumber", str(keyed.line))}<{name} ItemType="Stock">'
        f"{_element('ItemID', keyed.item.sku)}{_element('Description', keyed.item.name)}"
        f"{_element('RegularSalesUnitPrice', price)}{_element('ActualSalesUnitPrice', price)}"
        f"{_element('ExtendedAmount', money(keyed.amount))}"
        f"{_element('Quantity', str(keyed.quantity))}"
        f'<Tax TaxType="VAT">{_element("Amount", tax)}</Tax>{link}</{name}></LineItem>'
    )


def _void(number: int, keyed: Keyed) -> str:
    return (
        f'<LineItem VoidFlag="true">{_element("SequenceNumber", str(number))}'
        f"<Sale>{_element('ItemID', keyed.item.sku)}"
        f"{_element('Quantity', str(keyed.quantity))}{_element('ItemLink', str(keyed.line))}"
        f"</Sale></LineItem>"
    )


def _element(name: str, text: str, *, raw: bool = False) -> str:
    return f"<{name}>{text if raw else escape(text)}</{name}>"
