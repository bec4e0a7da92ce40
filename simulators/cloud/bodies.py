"""From a JSON body to a draft document, every property checked by name and type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from simulators.books import CENT, ZERO, Draft, Kind, Line, cents
from simulators.catalogue import Item
from simulators.cloud import exact
from simulators.cloud.errors import DIALOG, ODataError, bad_request
from simulators.cloud.filters import Edm
from simulators.cloud.goods import goods_of
from simulators.cloud.resources import Resource
from simulators.refusals import Refusal, Why
from simulators.returning import GOODS

SEQUENCE_STEP = 10_000
EXTERNAL_LENGTH_MAX = 35
"""The length of the real field (Code[35])."""
DIMENSION = "shortcutDimension1Code"
"""The first global dimension: in these companies it says which channel a document came from."""
DIMENSION_LENGTH_MAX = 20
TEXT_LENGTH_MAX = 250
LINES_MAX = 1000
FREIGHT, ADJUSTMENT = "FREIGHT", "ADJUSTMENT"
"""Item charges these companies have; only a credit's adjustment may be below zero."""
_RECEIPT = re.compile(r"[^/]+/\d{4}-\d{2}-\d{2}/[^/]+/\d+")
"""How a store's receipt is referred to: a credit memo of one takes back no order."""
_FIGURE_BOUND = Decimal(10) ** exact.DIGITS_MAX

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """A body read: the draft, and the header as given, to be shown again when read."""

    draft: Draft
    header: dict[str, object]


def read_body(data: bytes, resource: Resource, company: str, items: Mapping[str, Item]) -> Asked:
    """The draft a POST asks for. Raises `ODataError` for its form, `Refusal` for its content."""
    try:
        body = exact.loads(data)
    except ValueError as error:
        raise bad_request(f"The body is no valid JSON: {error}", "BadRequest_InvalidJson") from None
    if not isinstance(body, dict):
        raise bad_request("The body must be a JSON object", "BadRequest_InvalidJson")
    raw_lines = body.pop(resource.lines, None)
    _check_properties(body, resource.given, resource.entity)
    if len(_text(body, "externalDocumentNumber")) > EXTERNAL_LENGTH_MAX:
        raise ODataError(
            400,
            "Application_StringExceededLength",
            "The length of the string is greater than the maximum length allowed: "
            f"externalDocumentNumber has at most {EXTERNAL_LENGTH_MAX} characters.",
        )
    if len(_text(body, DIMENSION)) > DIMENSION_LENGTH_MAX:
        raise ODataError(
            400,
            "Application_StringExceededLength",
            "The length of the string is greater than the maximum length allowed: "
            f"{DIMENSION} has at most {DIMENSION_LENGTH_MAX} characters.",
        )
    if DIMENSION in body:
        body[DIMENSION] = _text(body, DIMENSION).upper()  # a Code field has no small letters
    lines = _objects(raw_lines, resource)
    if resource.kind in GOODS:
        return Asked(goods_of(body, lines, resource, company), body)
    reader = _cancellation if resource.kind is Kind.CANCELLATION else _sale
    return Asked(reader(body, lines, resource, company, items), body)


# ---------------------------------------------------------------------- documents


def _cancellation(
    body: Json, lines: list[Json], resource: Resource, company: str, _: Mapping[str, Item]
) -> Draft:
    return Draft(
        kind=resource.kind,
        external_reference=_text(body, "externalDocumentNumber"),
        object_reference=_text(body, "channelOrderReference"),
        channel=_text(body, DIMENSION),
        legal_entity=company,
        currency="",
        lines=tuple(
            Line(_line_number(line, 0), "", _figure(line, "quantity"), ZERO, ZERO) for line in lines
        ),
        dated=_date(body, resource.dated),
    )


def _sale(
    body: Json, lines: list[Json], resource: Resource, company: str, items: Mapping[str, Item]
) -> Draft:
    reference, kind = _text(body, "channelOrderReference"), resource.kind
    gives_back = kind is Kind.RETURN and _RECEIPT.fullmatch(reference) is not None
    if gives_back:
        kind = Kind.STORE_SALE
    if resource.kind is Kind.ORDER and not _text(body, "customerNumber"):
        raise ODataError(400, DIALOG, "The 'customerNumber' or 'customerId' must be provided.")
    sums = _Sums(kind, items, tax_included=body.get("pricesIncludeTax") is True)
    for place, line in enumerate(lines, start=1):
        sums.add(line, place)
    computed = sum((line.amount for line in sums.lines), sums.shipping + sums.tax)
    if "totalAmountIncludingTax" in body:
        stated = _figure(body, "totalAmountIncludingTax")
        sums.stated.append(("Total Amount Including Tax", stated, computed))
        if kind is Kind.STORE_SALE and stated < 0:
            raise Refusal(Why.BAD_AMOUNT, line=0, amount=stated)
    draft = Draft(
        kind=kind,
        external_reference=_text(body, "externalDocumentNumber"),
        object_reference=reference,
        channel=_text(body, DIMENSION),
        customer=_text(body, "customerNumber"),
        legal_entity=company,
        currency=_text(body, "currencyCode"),
        lines=tuple(sums.lines),
        dated=_date(body, "postingDate") or _date(body, resource.dated),
        shipping=sums.shipping,
        tax=sums.tax,
        told_tax=sum((_figure(line, "totalTaxAmount", ZERO) for line in lines), ZERO),
        stated=tuple(sums.stated),
        by_channel=body.get("fulfilledByChannel") is True,
    )
    return _turned(draft) if gives_back else draft


def _turned(draft: Draft) -> Draft:
    """A credit memo of a receipt in the words of the books, which count what was sold."""
    lines = (
        replace(it, quantity=-it.quantity, amount=-it.amount, tax=-it.tax) for it in draft.lines
    )
    return replace(draft, lines=tuple(lines), tax=-draft.tax, told_tax=-draft.told_tax)


class _Sums:
    """Adds lines up: items, freight, and the tax that prices leave out."""

    def __init__(self, kind: Kind, items: Mapping[str, Item], *, tax_included: bool) -> None:
        self._kind = kind
        self._tax_included = tax_included
        self._items = items
        self.lines: list[Line] = []
        self.shipping = ZERO
        self.tax = ZERO
        self.stated: list[tuple[str, Decimal, Decimal]] = []

    def add(self, raw: Json, place: int) -> None:
        """Add one line of the body."""
        line_type, number = _text(raw, "lineType"), _text(raw, "lineObjectNumber")
        if line_type == "Charge":
            self._add_charge(raw, number, place)
        elif line_type == "Item":
            self._add_item(raw, number, place)
        else:
            raise bad_request(f"The lineType '{line_type}' of line {place} is not Item or Charge")

    def _add_charge(self, raw: Json, number: str, place: int) -> None:
        if number not in (FREIGHT, ADJUSTMENT):
            message = (
                f"The Item Charge does not exist. Identification fields and values: No.='{number}'."
            )
            raise ODataError(400, DIALOG, message)
        quantity, price = _figure(raw, "quantity", Decimal(1)), _figure(raw, "unitPrice")
        net = cents(quantity * price) - _figure(raw, "discountAmount", ZERO)
        if net < 0 and (number == FREIGHT or self._kind is not Kind.RETURN):
            raise Refusal(Why.BAD_AMOUNT, line=place, amount=net)
        self.shipping += self._amount(raw, net, ZERO, place)

    def _add_item(self, raw: Json, sku: str, place: int) -> None:
        line, quantity = _line_number(raw, place), _figure(raw, "quantity")
        discount = _figure(raw, "discountAmount", ZERO)
        # What comes back over a store's counter has a quantity below zero, and so all its amounts.
        sign = -1 if self._kind is Kind.STORE_SALE and quantity < 0 else 1
        if sign * quantity <= 0:
            raise Refusal(Why.BAD_QUANTITY, line=line, quantity=quantity)
        credited = self._kind is Kind.RETURN and "amountIncludingTax" in raw
        if "unitPrice" in raw:
            price = _figure(raw, "unitPrice")
        elif credited:
            price = cents(_figure(raw, "amountIncludingTax") / quantity)
        elif sku in self._items:
            price = self._items[sku].price
        else:
            raise Refusal(Why.UNKNOWN_ITEM, sku=sku, line=line)
        net = cents(quantity * price) - discount
        if sign * discount < 0 or sign * net < 0:
            raise Refusal(Why.BAD_AMOUNT, line=line, amount=net)
        # a credited amount may not be a whole number of unit prices: a cent a piece is rounding
        slack = CENT * max(quantity, Decimal(1)) if credited else ZERO
        amount = self._amount(raw, net, slack, line)
        told = _figure(raw, "totalTaxAmount", ZERO)
        restock = raw.get("withoutGoods") is not True
        self.lines.append(Line(line, sku, quantity, price, amount, told, restock=restock))

    def _amount(self, raw: Json, net: Decimal, slack: Decimal, line: int) -> Decimal:
        """The line's amount; what prices leave out of it is added to the tax."""
        if "amountIncludingTax" not in raw:
            if not self._tax_included:
                self._add_tax(_figure(raw, "totalTaxAmount", ZERO), line)
            return net
        stated = _figure(raw, "amountIncludingTax")
        if not self._tax_included and self._kind is not Kind.RETURN:
            self._add_tax(stated - net, line)
            return net
        amount = stated if abs(stated - net) <= slack else net
        self.stated.append((f"Amount Including Tax of line {line}", stated, amount))
        return amount

    def _add_tax(self, tax: Decimal, line: int) -> None:
        if tax < 0 and self._kind is not Kind.STORE_SALE:
            raise Refusal(Why.BAD_AMOUNT, line=line, amount=tax)
        self.tax += tax


# ---------------------------------------------------------------------- properties


def _objects(value: object, resource: Resource) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > LINES_MAX:
        raise bad_request(f"{resource.lines} must be an array of at most {LINES_MAX} lines")
    for line in value:
        if not isinstance(line, dict):
            raise bad_request(f"{resource.lines} must be an array of objects, it holds {line!r}")
        _check_properties(line, resource.line, f"{resource.entity}Line")
    return value


def _check_properties(body: Json, known: Mapping[str, Edm], entity: str) -> None:
    for name, value in body.items():
        if name not in known:
            raise bad_request(
                f"The property '{name}' does not exist on type '{entity}'. Make sure to only use "
                "property names that are defined by the type"
            )
        edm = known[name]
        if not _is_of(value, edm):
            shown = exact.dumps(value)[:100]
            raise bad_request(f"Cannot convert {shown} to the type '{edm}' of property '{name}'")


def _is_of(value: object, edm: Edm) -> bool:
    match edm:
        case "Edm.Decimal":
            if isinstance(value, bool) or not isinstance(value, int | Decimal):
                return False
            return -_FIGURE_BOUND < value < _FIGURE_BOUND
        case "Edm.Boolean":
            return isinstance(value, bool)
        case "Edm.Date":
            return isinstance(value, str) and _is_date(value)
        case _:
            return isinstance(value, str) and len(value) <= TEXT_LENGTH_MAX


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10


def _text(body: Json, name: str) -> str:
    return str(body.get(name, ""))


def _figure(body: Json, name: str, default: Decimal | None = None) -> Decimal:
    value = body.get(name, default)
    if value is None:
        raise bad_request(f"The property '{name}' is missing in a line")
    return Decimal(str(value))


def _date(body: Json, name: str) -> date | None:
    return date.fromisoformat(_text(body, name)) if name in body else None


def _line_number(raw: Json, place: int) -> int:
    """The line's number: sequence counts in ten thousands, and is given in order if left out."""
    if "sequence" not in raw and place:
        return place
    sequence = _figure(raw, "sequence")
    if sequence % SEQUENCE_STEP or not 0 < sequence <= SEQUENCE_STEP * LINES_MAX * 10:
        raise bad_request(f"The sequence {sequence} is not a multiple of {SEQUENCE_STEP}")
    return int(sequence) // SEQUENCE_STEP
