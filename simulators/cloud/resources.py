"""The resources of the API: which properties each has, of which type, and what it books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.books import Kind
from simulators.cloud.filters import Edm

_ADDRESS = ("AddressLine1", "AddressLine2", "City", "State", "PostCode", "Country")
_DOCUMENT: dict[str, Edm] = {
    "externalDocumentNumber": "Edm.String",
    "channelOrderReference": "Edm.String",
    "shortcutDimension1Code": "Edm.String",
    "customerNumber": "Edm.String",
    "customerName": "Edm.String",
    "currencyCode": "Edm.String",
    "postingDate": "Edm.Date",
    "email": "Edm.String",
    "phoneNumber": "Edm.String",
    "pricesIncludeTax": "Edm.Boolean",
    "fulfilledByChannel": "Edm.Boolean",
    "totalAmountIncludingTax": "Edm.Decimal",
}
_COMPUTED: dict[str, Edm] = {
    "id": "Edm.Guid",
    "number": "Edm.String",
    "status": "Edm.String",
    "totalTaxAmount": "Edm.Decimal",
}
_SHIP_TO: dict[str, Edm] = {
    f"shipTo{part}": "Edm.String" for part in ("Name", "Contact", *_ADDRESS)
}
LINE: dict[str, Edm] = {
    "sequence": "Edm.Decimal",
    "lineType": "Edm.String",
    "lineObjectNumber": "Edm.String",
    "description": "Edm.String",
    "unitOfMeasureCode": "Edm.String",
    "taxCode": "Edm.String",
    "locationCode": "Edm.String",
    "quantity": "Edm.Decimal",
    "unitPrice": "Edm.Decimal",
    "discountAmount": "Edm.Decimal",
    "totalTaxAmount": "Edm.Decimal",
    "amountIncludingTax": "Edm.Decimal",
    "withoutGoods": "Edm.Boolean",
}
CANCELLATION_LINE: dict[str, Edm] = {"sequence": "Edm.Decimal", "quantity": "Edm.Decimal"}
ITEM: dict[str, Edm] = {
    "id": "Edm.Guid",
    "number": "Edm.String",
    "displayName": "Edm.String",
    "gtin": "Edm.String",
    "baseUnitOfMeasureCode": "Edm.String",
    "taxGroupCode": "Edm.String",
    "unitPrice": "Edm.Decimal",
    "priceIncludesTax": "Edm.Boolean",
    "inventory": "Edm.Decimal",
    "blocked": "Edm.Boolean",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind of document behind a path.

    `given` are the properties a caller may set, `line` those of a line, `lines` the property that
    holds the lines; `dated` is the one that dates the document unless postingDate is given.
    """

    path: str
    entity: str
    kind: Kind
    lines: str
    dated: str
    given: Mapping[str, Edm]
    line: Mapping[str, Edm]

    @property
    def properties(self) -> dict[str, Edm]:
        """Everything that can be read and filtered by."""
        return {**_COMPUTED, **self.given}


SALES_ORDERS = Resource(
    path="salesOrders",
    entity="Microsoft.NAV.salesOrder",
    kind=Kind.ORDER,
    lines="salesOrderLines",
    dated="orderDate",
    given={
        **_DOCUMENT,
        **_SHIP_TO,
        "orderDate": "Edm.Date",
        "requestedDeliveryDate": "Edm.Date",
    },
    line=LINE,
)
SALES_INVOICES = Resource(
    path="salesInvoices",
    entity="Microsoft.NAV.salesInvoice",
    kind=Kind.STORE_SALE,
    lines="salesInvoiceLines",
    dated="invoiceDate",
    given={**_DOCUMENT, "invoiceDate": "Edm.Date", "dueDate": "Edm.Date"},
    line=LINE,
)
SALES_CREDIT_MEMOS = Resource(
    path="salesCreditMemos",
    entity="Microsoft.NAV.salesCreditMemo",
    kind=Kind.RETURN,
    lines="salesCreditMemoLines",
    dated="creditMemoDate",
    given={**_DOCUMENT, "creditMemoDate": "Edm.Date", "dueDate": "Edm.Date"},
    line=LINE,
)
SALES_ORDER_CANCELLATIONS = Resource(
    path="salesOrderCancellations",
    entity="Coexist.salesOrderCancellation",
    kind=Kind.CANCELLATION,
    lines="lines",
    dated="cancellationDate",
    given={
        "externalDocumentNumber": "Edm.String",
        "channelOrderReference": "Edm.String",
        "shortcutDimension1Code": "Edm.String",
        "reason": "Edm.String",
        "cancellationDate": "Edm.Date",
    },
    line=CANCELLATION_LINE,
)
_GOODS: dict[str, Edm] = {
    "externalDocumentNumber": "Edm.String",
    "channelOrderReference": "Edm.String",
    "returnReference": "Edm.String",
    "shortcutDimension1Code": "Edm.String",
    "postingDate": "Edm.Date",
}
_GOODS_LINE: dict[str, Edm] = {
    "sequence": "Edm.Decimal",
    "lineType": "Edm.String",
    "lineObjectNumber": "Edm.String",
    "quantity": "Edm.Decimal",
}
SALES_RETURN_ORDERS = Resource(
    path="salesReturnOrders",
    entity="Coexist.salesReturnOrder",
    kind=Kind.RETURN_ORDER,
    lines="salesReturnOrderLines",
    dated="orderDate",
    given={**_GOODS, "orderDate": "Edm.Date", "reason": "Edm.String", "withdrawn": "Edm.Boolean"},
    line={**_GOODS_LINE, "returnReason": "Edm.String"},
)
RETURN_RECEIPTS = Resource(
    path="returnReceipts",
    entity="Coexist.returnReceipt",
    kind=Kind.RETURN_RECEIPT,
    lines="returnReceiptLines",
    dated="receiptDate",
    given={**_GOODS, "receiptDate": "Edm.Date", "locationCode": "Edm.String"},
    line={
        **_GOODS_LINE,
        "orderLineSequence": "Edm.Decimal",
        "condition": "Edm.String",
        "disposition": "Edm.String",
    },
)
RESOURCES = {
    resource.path: resource
    for resource in (
        SALES_ORDERS,
        SALES_INVOICES,
        SALES_CREDIT_MEMOS,
        SALES_ORDER_CANCELLATIONS,
        SALES_RETURN_ORDERS,
        RETURN_RECEIPTS,
    )
}
