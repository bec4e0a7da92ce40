"""From IDoc segments to a draft document: ORDERS05 (ORDERS, ORDCHG), WPUBON01, MBGMCR03."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from xml.etree.ElementTree import Element

from simulators.books import ZERO, Draft, Kind, Line, cents, plain
from simulators.catalogue import company_of_store
from simulators.legacy.goods import RETURNS_ORDER, Fields, movement_of
from simulators.legacy.markup import text_of

_FIGURE = re.compile(r"[+-]?\d{1,15}(\.\d{1,6})?")
#: The item category of what is credited without a returns delivery.
_WITHOUT_GOODS = "G2N"
_WHOLE = re.compile(r"\d{1,10}")


class BadSegment(ValueError):
    """A segment is missing or a field holds what it cannot hold; the IDoc goes to status 51."""


def control_problem(idoc: Element) -> str | None:
    """What is wrong with the control record, or None; no more is checked when an IDoc comes in."""
    if idoc.find("EDI_DC40") is None:
        return "the control record EDI_DC40 is missing"
    for name in ("IDOCTYP", "MESTYP"):
        if not text_of(idoc, f"EDI_DC40/{name}"):
            return f"the control record EDI_DC40 has no {name}"
    return None


def external_reference(idoc: Element) -> str:
    """The sender's reference (BELNR), by which the IDoc can be found again."""
    for place in ("E1EDK01", ".//E1WPB01", "Z1RETURN"):
        if found := text_of(idoc, f"{place}/BELNR"):
            return found
    return ""


def order_reference(idoc: Element) -> str:
    """The reference of the order an ORDERS or ORDCHG is about, empty for others."""
    return _by_qualifier(idoc, "E1EDK02", "QUALF", "001", "BELNR")


def channel(idoc: Element) -> str:
    """The channel an ORDERS or ORDCHG is from, under a qualifier of this system's own (Z01)."""
    return _by_qualifier(idoc, "E1EDK02", "QUALF", "Z01", "BELNR")


def kind_of(idoc: Element) -> Kind:
    """What the IDoc is to become. Raises `BadSegment` for a message nobody here processes."""
    message, document_type = text_of(idoc, "EDI_DC40/MESTYP"), text_of(idoc, "E1EDK01/BSART")
    match (message, document_type):
        case ("ORDERS", "ZOR" | "ZFB"):
            return Kind.ORDER
        case ("ORDERS", "ZRE"):
            return Kind.RETURN
        case ("ORDERS" | "ORDCHG", _) if document_type == RETURNS_ORDER:
            return Kind.RETURN_ORDER
        case ("MBGMCR", _):
            return Kind.RETURN_RECEIPT
        case ("ORDCHG", _):
            return Kind.CANCELLATION
        case ("WPUBON", _):
            return Kind.STORE_SALE
        case ("ORDERS", _):
            raise BadSegment(f"Document type '{document_type}' is not defined (E1EDK01 BSART)")
        case _:
            raise BadSegment(f"Message type '{message}' is not processed here (EDI_DC40 MESTYP)")


def draft_of(idoc: Element) -> Draft:
    """The document the IDoc asks for. Raises `BadSegment`."""
    return _READERS[kind_of(idoc)](idoc)


# ---------------------------------------------------------------------- ORDERS and ORDCHG


def _order(idoc: Element) -> Draft:
    lines = tuple(_order_line(segment) for segment in idoc.findall("E1EDP01"))
    shipping = sum((_surcharge(segment) for segment in idoc.findall("E1EDK05")), ZERO)
    tax = sum((_figure(segment, "MWSBT") for segment in idoc.findall("E1EDK04")), ZERO)
    computed = sum((line.amount for line in lines), shipping + tax)
    stated = [
        ("E1EDS01 SUMME", _figure(segment, "SUMME"), computed)
        for segment in idoc.findall("E1EDS01")
        if text_of(segment, "SUMID") == "002"
    ]
    return Draft(
        kind=kind_of(idoc),
        external_reference=external_reference(idoc),
        object_reference=_required(order_reference(idoc), "E1EDK02 001 BELNR"),
        channel=channel(idoc),
        customer=_by_qualifier(idoc, "E1EDKA1", "PARVW", "AG", "PARTN"),
        legal_entity=_by_qualifier(idoc, "E1EDK14", "QUALF", "008", "ORGID"),
        currency=text_of(idoc, "E1EDK01/CURCY"),
        lines=lines,
        dated=_date(_by_qualifier(idoc, "E1EDK03", "IDDAT", "022", "DATUM"), "E1EDK03 022 DATUM"),
        shipping=shipping,
        tax=tax,
        told_tax=sum(
            (
                _figure(segment, "SUMME")
                for segment in idoc.findall("E1EDS01")
                if text_of(segment, "SUMID") == "005"
            ),
            ZERO,
        ),
        stated=tuple(stated),
        by_channel=text_of(idoc, "E1EDK01/BSART") == "ZFB",  # a type without delivery
    )


def _order_line(segment: Element) -> Line:
    quantity, amount = _figure(segment, "MENGE"), _figure(segment, "NETWR")
    if text_of(segment, "VPREI"):
        price = _figure(segment, "VPREI")
    else:  # a credited line may give only its value
        price = cents(amount / quantity) if quantity else ZERO
    sku = _required(_by_qualifier(segment, "E1EDP19", "QUALF", "002", "IDTNR"), "E1EDP19 002 IDTNR")
    tax = sum((_figure(each, "MWSBT") for each in segment.findall("E1EDP04")), ZERO)
    restock = text_of(segment, "PSTYV") != _WITHOUT_GOODS
    return Line(_position(segment), sku, quantity, price, amount, tax, restock=restock)


def _return_order(idoc: Element) -> Draft:
    """What is expected of a return from now on; by ORDCHG 003, nothing."""
    withdrawn = text_of(idoc, "EDI_DC40/MESTYP") == "ORDCHG"
    if withdrawn and (action := text_of(idoc, "E1EDK01/ACTION")) != "003":
        raise BadSegment(f"Action '{action}' is not supported, only 003 (E1EDK01 ACTION)")
    reference = _by_qualifier(idoc, "E1EDK02", "QUALF", "002", "BELNR")
    return Draft(
        kind=Kind.RETURN_ORDER,
        external_reference=external_reference(idoc),
        object_reference=_required(order_reference(idoc), "E1EDK02 001 BELNR"),
        channel=channel(idoc),
        legal_entity=_by_qualifier(idoc, "E1EDK14", "QUALF", "008", "ORGID"),
        currency="",
        lines=tuple(_expected_line(segment) for segment in idoc.findall("E1EDP01")),
        dated=_date(_by_qualifier(idoc, "E1EDK03", "IDDAT", "022", "DATUM"), "E1EDK03 022 DATUM"),
        return_reference=_required(reference, "E1EDK02 002 BELNR"),
        withdrawn=withdrawn,
    )


def _expected_line(segment: Element) -> Line:
    sku = _required(_by_qualifier(segment, "E1EDP19", "QUALF", "002", "IDTNR"), "E1EDP19 002 IDTNR")
    return Line(_position(segment), sku, _figure(segment, "MENGE"), ZERO, ZERO)


def _receipt(idoc: Element) -> Draft:
    return movement_of(idoc, Fields(_figure, _position, _required, _date, BadSegment))


def _change(idoc: Element) -> Draft:
    action = text_of(idoc, "E1EDK01/ACTION")
    if action != "003":
        raise BadSegment(f"Action '{action}' is not supported, only 003 (E1EDK01 ACTION)")
    lines = []
    for segment in idoc.findall("E1EDP01"):
        action = text_of(segment, "ACTION")
        if action != "003":
            raise BadSegment(f"Action '{action}' is not supported, only 003 (E1EDP01 ACTION)")
        lines.append(Line(_position(segment), "", _figure(segment, "MENGE"), ZERO, ZERO))
    return Draft(
        kind=Kind.CANCELLATION,
        external_reference=external_reference(idoc),
        object_reference=_required(order_reference(idoc), "E1EDK02 001 BELNR"),
        channel=channel(idoc),
        legal_entity=_by_qualifier(idoc, "E1EDK14", "QUALF", "008", "ORGID"),
        currency=text_of(idoc, "E1EDK01/CURCY"),
        lines=tuple(lines),
        dated=_date(_by_qualifier(idoc, "E1EDK03", "IDDAT", "022", "DATUM"), "E1EDK03 022 DATUM"),
    )


def _surcharge(segment: Element) -> Decimal:
    amount = _figure(segment, "BETRG")
    return -amount if text_of(segment, "ALCKZ") == "-" else amount


def _position(segment: Element) -> int:
    """The line number: POSEX counts in tens."""
    position = _number(segment, "POSEX")
    if position % 10 or not position:
        raise BadSegment(f"Field POSEX holds '{position}', expected a multiple of 10 (E1EDP01)")
    return position // 10


# ---------------------------------------------------------------------- WPUBON


def _sale(idoc: Element) -> Draft:
    """One receipt; its lines may stand beside or inside E1WPB01."""
    heads = list(idoc.iter("E1WPB01"))
    if len(heads) != 1:
        raise BadSegment(f"{len(heads)} receipts (E1WPB01) in one IDoc, expected 1")
    head = heads[0]
    store = _required(text_of(head, "POSKREIS"), "E1WPB01 POSKREIS")
    company = company_of_store(store)
    if company is None:
        raise BadSegment(f"Store {store} is not assigned to a company code")
    day = _date(_required(text_of(head, "VORGDATUM"), "E1WPB01 VORGDATUM"), "E1WPB01 VORGDATUM")
    register = _required(text_of(head, "KASSID"), "E1WPB01 KASSID")
    receipt = f"{store}/{day}/{register}/{_number(head, 'BONNUMMER')}"
    lines = tuple(_sale_line(segment) for segment in idoc.iter("E1WPB02"))
    tax = sum((_figure(segment, "MWSBT") for segment in idoc.iter("E1WPB05")), ZERO)
    computed = sum((line.amount for line in lines), tax)
    stated = [
        ("E1WPB03 SUMME", _figure(segment, "SUMME"), computed) for segment in idoc.iter("E1WPB03")
    ]
    tenders = [_figure(segment, "SUMME") for segment in idoc.iter("E1WPB06")]
    if tenders:
        stated.append(("E1WPB06 SUMME", sum(tenders, ZERO), computed))
    return Draft(
        kind=Kind.STORE_SALE,
        external_reference=external_reference(idoc),
        object_reference=receipt,
        legal_entity=company,
        currency=text_of(head, "CURRENCY"),
        lines=lines,
        dated=day,
        tax=tax,
        told_tax=sum((line.tax for line in lines), ZERO),
        stated=tuple(stated),
    )


def _sale_tax(segment: Element) -> Decimal:
    tax = sum((_figure(each, "MWSBT") for each in segment.iter("E1WPB04")), ZERO)
    return _sign(segment) * tax


def _sign(segment: Element) -> int:
    """-1 for what came back."""
    return -1 if text_of(segment, "VORZEICHEN") == "-" else 1


def _sale_line(segment: Element) -> Line:
    """An item; VORZEICHEN - says that it came back."""
    sign = _sign(segment)
    return Line(
        _number(segment, "POSNR"),
        _required(text_of(segment, "ARTNR"), "E1WPB02 ARTNR"),
        sign * _figure(segment, "MENGE"),
        _figure(segment, "PREIS"),
        sign * _figure(segment, "UMSWERT"),
        _sale_tax(segment),
    )


_READERS: dict[Kind, Callable[[Element], Draft]] = {
    Kind.ORDER: _order,
    Kind.RETURN: _order,
    Kind.CANCELLATION: _change,
    Kind.STORE_SALE: _sale,
    Kind.RETURN_ORDER: _return_order,
    Kind.RETURN_RECEIPT: _receipt,
}


# ---------------------------------------------------------------------- fields


def _by_qualifier(parent: Element, segment: str, key: str, value: str, field: str) -> str:
    for each in parent.findall(segment):
        if text_of(each, key) == value:
            return text_of(each, field)
    return ""


def _required(value: str, name: str) -> str:
    if not value:
        raise BadSegment(f"Field {name} is missing or empty")
    return value


def _figure(segment: Element, field: str) -> Decimal:
    text = text_of(segment, field)
    if not _FIGURE.fullmatch(text) or not text.isascii():
        raise BadSegment(f"Field {field} holds '{text}', expected a number ({segment.tag})")
    return Decimal(text)


def _number(segment: Element, field: str) -> int:
    text = text_of(segment, field)
    if not _WHOLE.fullmatch(text) or not text.isascii():
        raise BadSegment(f"Field {field} holds '{text}', expected digits ({segment.tag})")
    return int(text)


def _date(text: str, name: str) -> date | None:
    if not text:
        return None
    try:
        if len(text) != 8:
            raise ValueError(text)
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 -- a day has no zone
    except ValueError:
        raise BadSegment(f"Field {name} holds '{text}', expected a date yyyymmdd") from None


def quantity_text(value: Decimal) -> str:
    """A quantity as the system writes it: three places, 12.000."""
    return format(value.quantize(Decimal("0.001")), "f") if value.is_finite() else plain(value)
