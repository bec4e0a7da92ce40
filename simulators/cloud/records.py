"""The documents the cloud ERP holds, as its API shows them and finds them again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from uuid import UUID

from simulators.books import Document, Kind
from simulators.catalogue import Item
from simulators.cloud.bodies import Asked
from simulators.cloud.filters import Value
from simulators.cloud.resources import SALES_ORDERS, Resource
from simulators.options import CloudOptions
from simulators.returning import GOODS
from simulators.shell import Shell

PAGE = 1000
"""Most entries one answer holds; the real page of 20,000 would only slow a simulator down."""
SERIES = {
    Kind.ORDER: ("S-ORD", 10_001, 5),
    Kind.STORE_SALE: ("S-INV", 100_001, 6),
    Kind.RETURN: ("S-CR", 1_001, 4),
    Kind.CANCELLATION: ("S-CAN", 1_001, 4),
    Kind.RETURN_ORDER: ("S-RETORD", 1_001, 4),
    Kind.RETURN_RECEIPT: ("S-RCPT", 107_001, 6),
}
_INDEXED = ("externalDocumentNumber", "channelOrderReference", "number", "id")


@dataclass(frozen=True, slots=True)
class Record:
    """A document as read through the API; look-ups see it from `visible_s` (monotonic) on."""

    view: dict[str, object]
    visible_s: float


class Records:
    """All records by resource and company, and by the properties people look for."""

    def __init__(self, shell: Shell[CloudOptions]) -> None:
        self._shell = shell
        self._guids = shell.chance("guids")
        self._all: dict[tuple[str, str], list[Record]] = {}
        self._index: dict[tuple[str, str, str, object], list[Record]] = {}

    def book(self, resource: Resource, asked: Asked) -> Record:
        """Book and keep. Raises `Refusal`."""
        document = self._shell.book(asked.draft)
        return self._keep(resource, document, asked.header, self._shell.visible_from_s())

    def adopt(self, document: Document) -> None:
        """Keep an order that was there before."""
        header: dict[str, object] = {
            "customerNumber": "C-OLD",
            "orderDate": document.booked_at.date().isoformat(),
        }
        self._keep(SALES_ORDERS, document, header, float("-inf"))

    def find(self, resource: Resource, company: str, wanted: dict[str, Value]) -> list[Record]:
        """The visible records that have all the values, in the order of booking."""
        now_s = self._shell.clock.monotonic_s()
        matching = [
            record
            for record in self._candidates(resource.path, company, wanted)
            if all(record.view.get(name) == value for name, value in wanted.items())
        ]
        visible = [record for record in matching if record.visible_s <= now_s]
        if len(visible) < len(matching):
            self._shell.counters.add("lagged_lookups")
        return visible

    def _candidates(self, path: str, company: str, wanted: dict[str, Value]) -> Iterable[Record]:
        for name in _INDEXED:
            if name in wanted:
                return self._index.get((path, company, name, wanted[name]), ())
        return self._all.get((path, company), ())

    def _keep(
        self, resource: Resource, document: Document, header: dict[str, object], visible_s: float
    ) -> Record:
        view = _view(resource, document, header, guid(self._guids))
        record = Record(view, visible_s)
        key = (resource.path, document.legal_entity)
        self._all.setdefault(key, []).append(record)
        for name in _INDEXED:
            self._index.setdefault((*key, name, view[name]), []).append(record)
        return record


def item_view(item: Item, inventory: object) -> dict[str, object]:
    """An article as the API shows it; `inventory` is that of the company asked."""
    return {
        "id": str(UUID(int=int(item.ean))),
        "number": item.sku,
        "displayName": item.name,
        "gtin": item.ean,
        "baseUnitOfMeasureCode": item.unit,
        "taxGroupCode": item.tax_category,
        "unitPrice": item.price,
        "priceIncludesTax": True,
        "inventory": inventory,
        "blocked": False,
    }


def guid(chance: Random) -> str:
    """A seeded GUID."""
    return str(UUID(int=chance.getrandbits(128), version=4))


def _view(
    resource: Resource, document: Document, header: dict[str, object], identity: str
) -> dict[str, object]:
    view: dict[str, object] = {
        "@odata.etag": f'W/"{identity[:8]}"',
        "id": identity,
        "number": document.number,
        "externalDocumentNumber": document.external_reference,
        "channelOrderReference": document.object_reference,
        **{name: value for name, value in header.items() if name in resource.given},
        "lastModifiedDateTime": document.booked_at.isoformat(),
    }
    if resource.kind is Kind.CANCELLATION:
        return {**view, "status": "Closed", "outcome": document.outcome}
    if resource.kind in GOODS:
        return {**view, "status": "Released"}
    return {
        **view,
        "currencyCode": document.currency,
        "status": "Open",
        "totalTaxAmount": document.tax,
        "totalAmountIncludingTax": document.total,
    }
