"""From a POSLog transaction to a canonical receipt, or to a mark: a number without a sale.

Names are those of ARTS/IXRetail POSLog 2.x as registers write them. A line that is voided is
followed by a second line that says so and links to it: together they are what is left. What cannot
be mapped stays in the draft with what is wrong; only a transaction whose number cannot be read is
none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from gateway.canonical.money import MINOR_DIGITS
from gateway.canonical.unmapped import Problem
from gateway.channels.pos.goods import ZERO, Goods, figure, plain, spread, whole
from gateway.channels.pos.markup import Node
from gateway.errors import FileProblem

_GIVEN_UP: Final = frozenset({"voided", "canceled", "cancelled"})
_NO_SALE: Final = frozenset({"suspended", "training"})
_SIGNS: Final = {"sale": 1, "refund": -1, "return": -1}


class Place(NamedTuple):
    """A store that logs name: its code here, and the time zone of times without an offset."""

    code: str
    legal_entity: str
    zone: ZoneInfo | None


class Number(NamedTuple):
    """Which number of which register a transaction has, and where it stands in the file."""

    line: int
    place: Place
    retail_store_id: str
    register_id: str
    sequence: int
    business_date: date


@dataclass(slots=True)
class Mapped:
    """A transaction as it was mapped.

    ``sale`` is a receipt (canonical if there are no ``problems``), ``mark`` a number without one.
    ``currency`` and ``amount`` are what the log says it comes to.
    """

    number: Number
    sale: dict[str, Any] | None = None
    mark: dict[str, Any] | None = None
    problems: list[Problem] = field(default_factory=list)
    currency: str = ""
    amount: Decimal = ZERO


def mapped(node: Node, places: Mapping[str, Place]) -> Mapped | list[FileProblem]:
    """Map a transaction; return what is wrong if not even its number can be read."""
    number = _number(node, places)
    if isinstance(number, list):
        return number
    found = Mapped(number, currency=node.said("CurrencyCode"))
    head: dict[str, Any] = {
        "register": number.register_id,
        "sequence": number.sequence,
        "business_date": number.business_date.isoformat(),
        "sold_at": _when(node, number.place),
    }
    if not head["sold_at"]:
        said = "is no time; write it as 2026-11-21T10:00:00+01:00"
        return [FileProblem(node.line, "EndDateTime", said)]
    if datetime.fromisoformat(head["sold_at"]).tzinfo is None:
        said = f"has no offset; set stores.{number.place.code}.time_zone, or write it with one"
        return [FileProblem(node.line, "EndDateTime", said)]
    retail = node.first("RetailTransaction")
    status = _status(retail) if retail else ""
    given_up = node.is_set("CancelFlag") or status in _GIVEN_UP
    aside = node.is_set("TrainingModeFlag") or status in _NO_SALE
    items = None if retail is None or aside or given_up else _Lines(retail, found)
    if items is None or items.is_empty:
        kind = "void" if (given_up or items is not None) and not aside else "control"
        found.mark = {"kind": kind, **head}
        if retail is None and _ends_day(node):
            found.mark["closes_day"] = True
        return found
    found.sale = {**head, "currency": found.currency, **items.made()}
    return found


def _number(node: Node, places: Mapping[str, Place]) -> Number | list[FileProblem]:
    problems = []
    store, register = node.said("RetailStoreID"), node.said("WorkstationID")
    place = places.get(store)
    if place is None:
        what = f"store {store[:40]!r} is none of the configuration's" if store else "is missing"
        remedy = "give its number as retail_store_id of a store"
        problems.append(FileProblem(node.line, "RetailStoreID", f"{what}; {remedy}"))
    if not re.fullmatch(r"[A-Za-z0-9-]{1,10}", register, re.ASCII):
        said = f"{register[:40]!r} is no register: 1 to 10 letters, digits and hyphens"
        problems.append(FileProblem(node.line, "WorkstationID", said))
    sequence = node.said("SequenceNumber")
    if not whole(sequence):
        said = f"{sequence[:40]!r} is no number of a transaction"
        problems.append(FileProblem(node.line, "SequenceNumber", said))
    day = _day(node.said("BusinessDayDate"))
    if day is None:
        said = f"{node.said('BusinessDayDate')[:40]!r} is no date; write it as 2026-11-21"
        problems.append(FileProblem(node.line, "BusinessDayDate", said))
    if problems or place is None or day is None:
        return problems
    return Number(node.line, place, store, register, int(sequence), day)


def _status(retail: Node) -> str:
    return retail.attributes.get("TransactionStatus", "").strip().lower()


def _ends_day(node: Node) -> bool:
    ended = node.first("BusinessEOD") or node.first("ControlTransaction", "BusinessEOD")
    return ended is not None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _when(node: Node, place: Place) -> str:
    """Return when it ended; a time without an offset is the store's own."""
    for name in ("EndDateTime", "BeginDateTime"):
        try:
            found = datetime.fromisoformat(node.said(name))
        except ValueError:
            continue
        if found.tzinfo is None:
            found = found.replace(tzinfo=place.zone)
        return found.isoformat()
    return ""


class _Lines:
    """The lines of a retail transaction, added up into what a receipt says."""

    def __init__(self, retail: Node, found: Mapped) -> None:
        self._retail = retail
        self._found = found
        self._goods: dict[int, Goods] = {}
        self._tax = ZERO
        self._tenders: dict[int, list[tuple[str, Decimal]]] = {}
        self._voided: dict[int, Decimal] = {}
        for node in retail.all("LineItem"):
            self._take(node)
        for number, pieces in self._voided.items():
            self._void(number, pieces)
        if retail.first("PostVoid") or _status(retail) == "postvoided":
            said = "takes back another receipt as a whole; say it as a return of its lines"
            self._wrong("/sale/returns", retail, said)

    @property
    def is_empty(self) -> bool:
        """Whether everything on it was voided: then it is a void itself."""
        return not self._goods and not self._found.problems and not self._tenders

    def made(self) -> dict[str, Any]:
        """Return the fields of the receipt that lines and totals say."""
        total = self._total("TransactionGrandAmount")
        goods = list(self._goods.values())
        net = sum((it.signed for it in goods), ZERO)
        own_tax = sum((it.tax * it.sign for it in goods), ZERO)
        tax = self._tax or own_tax
        if total is None:
            total = net + (tax if self._total("TransactionNetAmount") == net else ZERO)
        included = not (tax and total == net + tax and total != net)
        if not own_tax and tax:
            spread(tax, goods, self._digits)
        self._found.amount = total
        rounding = self._total("RoundingAmount") or ZERO
        made: dict[str, Any] = {
            "lines": [it.line() for it in goods if it.sign > 0],
            "returns": [
                it.back(self._found.number.place.code, self._found.number.retail_store_id)
                for it in goods
                if it.sign < 0
            ],
            "tenders": [
                {"type": kind, "amount": plain(it)}
                for tenders in self._tenders.values()
                for kind, it in tenders
            ],
            "total": plain(total),
        }
        if not included:
            made["tax_included"] = False
        if rounding:
            made["cash_rounding"] = plain(rounding)
        return made

    @property
    def _digits(self) -> int:
        return MINOR_DIGITS.get(self._found.currency, 2)

    def _total(self, kind: str) -> Decimal | None:
        stated = (it for it in self._retail.all("Total") if it.attributes.get("TotalType") == kind)
        return next((it for it in map(_figure_in, stated) if it is not None), None)

    def _wrong(self, at: str, node: Node, said: str) -> None:
        self._found.problems.append(Problem(at, f"line {node.line}: {said}"))

    def _take(self, node: Node) -> None:
        goods = node.first("Sale") or node.first("Return")
        if goods is not None:
            self._take_goods(node, goods)
            return
        number = whole(node.said("SequenceNumber"))
        if node.is_set("VoidFlag"):
            link = node.said("ItemLink") or node.said("Tender", "ItemLink")
            self._tenders.pop(whole(link), None)
            return
        for tax in node.all("Tax"):
            self._tax += self._money(tax, "Amount", "/sale/lines")
        for tender in node.all("Tender"):
            self._tenders.setdefault(number, []).extend(self._paid(tender))

    def _take_goods(self, node: Node, goods: Node) -> None:
        number = whole(node.said("SequenceNumber"))
        pieces = figure(goods.said("Quantity") or "1")
        if node.is_set("VoidFlag"):
            linked = whole(goods.said("ItemLink")) or number
            self._voided[linked] = self._voided.get(linked, ZERO) + abs(pieces or ZERO)
            return
        at = f"/sale/{'lines' if goods.name == 'Sale' else 'returns'}"
        if not number or number in self._goods:
            self._wrong(at, node, "has no SequenceNumber of its own")
            number = max(self._goods, default=0) + 1
        if pieces is None or pieces != int(pieces) or not pieces:
            said = f"Quantity {goods.said('Quantity')[:20]!r} is no count of pieces"
            self._wrong(at, node, f"{said}; say how many of what price")
        self._goods[number] = self._goods_of(number, goods, pieces or ZERO, at)

    def _goods_of(self, number: int, goods: Node, pieces: Decimal, at: str) -> Goods:
        sign = -1 if goods.name == "Return" or pieces < 0 else 1
        pieces = abs(pieces)
        worth = abs(self._money(goods, "ExtendedAmount", at))
        price = abs(figure(goods.said("RegularSalesUnitPrice")) or ZERO)
        if price * pieces < worth:
            price = abs(figure(goods.said("ActualSalesUnitPrice")) or ZERO)
        if price * pieces < worth:
            unit = Decimal(1).scaleb(-self._digits)
            price = (worth / (pieces or 1)).quantize(unit, ROUND_CEILING)
        own = [self._money(it, "Amount", at) for it in goods.all("Tax")]
        return Goods(number, goods, sign, pieces, price, worth, abs(sum(own, ZERO)))

    def _paid(self, tender: Node) -> Iterator[tuple[str, Decimal]]:
        kind = re.sub(r"[^A-Za-z0-9_]", "", tender.attributes.get("TenderType", ""))[:30].lower()
        sign = _SIGNS.get(tender.attributes.get("TypeCode", "Sale").lower(), 1)
        amount = self._money(tender, "Amount", "/sale/tenders")
        yield kind, -abs(amount) if sign < 0 else amount
        for change in tender.all("TenderChange"):
            back = abs(self._money(change, "Amount", "/sale/tenders"))
            if back:
                yield kind, -back

    def _money(self, of: Node, name: str, at: str) -> Decimal:
        node = of.first(name)
        found = figure(node.text) if node is not None else None
        if found is None:
            said = f"{node.text.strip()[:20]!r} is no amount" if node else "is missing"
            self._wrong(at, of, f"{of.name}/{name} {said}")
        return found or ZERO

    def _void(self, number: int, pieces: Decimal) -> None:
        goods = self._goods.get(number)
        if goods is None or pieces > goods.pieces:
            more = "more than it has" if goods else "which is not there"
            self._wrong("/sale/lines", self._retail, f"{pieces} of line {number} voided, {more}")
        elif pieces == goods.pieces:
            del self._goods[number]
        else:
            goods.void(pieces, self._digits)


def _figure_in(node: Node) -> Decimal | None:
    return figure(node.text)
