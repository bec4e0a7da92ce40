"""From a canonical message to the IDoc that books it. Pure: the same envelope, the same bytes."""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from xml.etree.ElementTree import Element

from gateway.canonical.envelope import (
    Body,
    Envelope,
    OrderCancellation,
    StoredSale,
    external_reference,
    order_channel,
)
from gateway.canonical.order import Address, Order, Return, SalesLine
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt
from gateway.canonical.sale import SaleReturn
from gateway.erp.body import business
from gateway.erp.figures import per_piece, written
from gateway.erp.legacy import goods
from gateway.erp.legacy.goods import PIECES, Head, order_reference, plant
from gateway.erp.legacy.segments import LENGTHS, cut, idoc, segment, xml

#: The means of payment that says how much less (or, below zero, more) cash was taken than due.
ROUNDING: Final = "ROUNDING"
_REGION_CHARS: Final = LENGTHS["E1EDKA1"]["REGIO"]
#: The item category of credited pieces that move no goods: no returns delivery is due for them.
_WITHOUT_GOODS: Final = "G2N"


def build(envelope: Envelope, client: str) -> bytes:
    """Write the message's IDoc. Raises :class:`gateway.erp.body.Unsendable`."""
    body: Body = business(envelope)
    head = Head(
        external_reference(envelope.transaction_id),
        order_channel(envelope),
        client,
        envelope.accepted_at,
    )
    match body:
        case Order():
            return xml(_order(body, head))
        case ReturnAuthorisation():
            return xml(goods.return_order(body, head))
        case ReturnReceipt():
            return xml(goods.movement(body, head))
        case Return():
            return xml(_return(body, head))
        case OrderCancellation():
            return xml(_cancellation(body, head))
        case StoredSale():
            return xml(_sale(body, head))


def _order(order: Order, head: Head) -> Element:
    """ORDERS. Taxes are always told; they count in the total only if prices leave them out."""
    root, into = idoc("ORDERS05", "ORDERS", head.client, head.created)
    currency = order.currency
    # An order type of its own without delivery: what the channel sends is only booked.
    kind = "ZFB" if order.fulfilled_by == "channel" else "ZOR"
    segment(into, "E1EDK01", CURCY=currency, BSART=kind, BELNR=head.reference)
    segment(into, "E1EDK14", QUALF="008", ORGID=order.legal_entity)
    segment(into, "E1EDK03", IDDAT="022", DATUM=f"{order.ordered_at:%Y%m%d}")
    taxes = sum((line.tax for line in order.lines), order.shipping.tax)
    if taxes and not order.tax_included:
        segment(into, "E1EDK04", MWSBT=written(taxes, currency))
    if order.shipping.amount:
        charge = written(order.shipping.amount, currency)
        segment(into, "E1EDK05", ALCKZ="+", KSCHL="FRA1", BETRG=charge)
    name = cut(order.customer.name, "NAME1", "NAME2")
    segment(into, "E1EDKA1", PARVW="AG", PARTN=order.customer.ref, **name)
    _ship_to(into, order.ship_to)
    order_reference(into, order.order_ref, head)
    for line in order.lines:
        item = _item(
            into, line.line, line.quantity, line.unit_price, line.amount, currency, line.node
        )
        if line.tax:
            segment(item, "E1EDP04", MWSBT=written(line.tax, currency))
        if line.discount:
            discount = written(line.discount, currency)
            segment(item, "E1EDP05", ALCKZ="-", KSCHL="RB00", BETRG=discount)
        segment(item, "E1EDP19", QUALF="002", IDTNR=line.sku)
    segment(into, "E1EDS01", SUMID="002", SUMME=written(order.total, currency))
    if taxes:
        segment(into, "E1EDS01", SUMID="005", SUMME=written(taxes, currency))
    return root


def _ship_to(into: Element, address: Address) -> None:
    segment(
        into,
        "E1EDKA1",
        PARVW="WE",
        **cut(address.name, "NAME1", "NAME2"),
        **cut(address.street, "STRAS", "STRS2"),
        **cut(address.city, "ORT01"),
        PSTLZ=_postal(address.postal_code),
        LAND1=address.country,
        # A region is SAP's code of it or nothing: half a name would be another region.
        REGIO=address.region if len(address.region) <= _REGION_CHARS else "",
    )


def _item(
    into: Element,
    line: int,
    quantity: int,
    price: Decimal,
    amount: Decimal,
    currency: str,
    node: str = "",
    category: str = "",
) -> Element:
    return segment(
        into,
        "E1EDP01",
        POSEX=f"{line * 10:06d}",
        MENGE=str(quantity),
        MENEE=PIECES,
        VPREI=written(price, currency),
        NETWR=written(amount, currency),
        WERKS=plant(node),
        PSTYV=category,
    )


def _return(returned: Return, head: Head) -> Element:
    """ORDERS of a returns type; NETWR is the refund, tax included; its tax is told as an order's.

    A tax nobody could say is left out.
    """
    root, into = idoc("ORDERS05", "ORDERS", head.client, head.created)
    currency = returned.currency
    segment(into, "E1EDK01", CURCY=currency, BSART="ZRE", BELNR=head.reference)
    segment(into, "E1EDK14", QUALF="008", ORGID=returned.legal_entity)
    segment(into, "E1EDK03", IDDAT="022", DATUM=f"{returned.returned_at:%Y%m%d}")
    beside = [("FRA1", returned.shipping), *(("ZADJ", it.amount) for it in returned.adjustments)]
    for condition, amount in beside:
        if amount:
            sign, worth = "+" if amount > 0 else "-", written(abs(amount), currency)
            segment(into, "E1EDK05", ALCKZ=sign, KSCHL=condition, BETRG=worth)
    order_reference(into, returned.order_ref, head)
    segment(into, "E1EDK02", QUALF="002", BELNR=returned.return_ref)
    for line in returned.lines:
        price, _ = per_piece(line.refund, line.quantity, currency)
        category = "" if line.restock else _WITHOUT_GOODS
        item = _item(
            into, line.line, line.quantity, price, line.refund, currency, line.node, category
        )
        if line.tax:
            segment(item, "E1EDP04", MWSBT=written(line.tax, currency))
        segment(item, "E1EDP19", QUALF="002", IDTNR=line.sku)
    segment(into, "E1EDS01", SUMID="002", SUMME=written(returned.total, currency))
    beside_goods = returned.shipping_tax or Decimal(0)
    if taxes := sum((line.tax or Decimal(0) for line in returned.lines), beside_goods):
        segment(into, "E1EDS01", SUMID="005", SUMME=written(taxes, currency))
    return root


def _cancellation(wish: OrderCancellation, head: Head) -> Element:
    """ORDCHG with action 003; without items it means the whole order."""
    root, into = idoc("ORDERS05", "ORDCHG", head.client, head.created)
    segment(into, "E1EDK01", ACTION="003", BELNR=head.reference)
    segment(into, "E1EDK14", QUALF="008", ORGID=wish.legal_entity)
    order_reference(into, wish.order_ref, head)
    segment(into, "E1EDK02", QUALF="002", BELNR=wish.cancellation.cancellation_ref)
    for line in wish.cancellation.lines:
        position, pieces = f"{line.line * 10:06d}", str(line.quantity)
        segment(into, "E1EDP01", POSEX=position, ACTION="003", MENGE=pieces, MENEE=PIECES)
    return root


def _sale(stored: StoredSale, head: Head) -> Element:
    """WPUBON, one receipt. UMSWERT is after discount, which so is PREIS * MENGE - UMSWERT."""
    root, into = idoc("WPUBON01", "WPUBON", head.client, head.created)
    sale, currency = stored.sale, stored.sale.currency
    receipt = segment(
        into,
        "E1WPB01",
        POSKREIS=stored.store,
        KASSID=sale.register_id,
        VORGDATUM=f"{sale.business_date:%Y%m%d}",
        VORGZEIT=f"{sale.sold_at:%H%M%S}",
        BONNUMMER=str(sale.sequence),
        CURRENCY=currency,
        BELNR=head.reference,
    )
    for line in sale.lines:
        _sale_item(receipt, line, currency)
    for back in sale.returns:
        _sale_item(receipt, back, currency, "-")
    segment(receipt, "E1WPB03", SUMME=written(sale.total, currency))
    if not sale.tax_included and sale.tax:
        segment(receipt, "E1WPB05", MWSBT=written(sale.tax, currency))
    for tender in sale.tenders:
        amount = written(tender.amount, currency)
        segment(receipt, "E1WPB06", ZAHLART=tender.type, SUMME=amount)
    if sale.cash_rounding:
        rounding = written(-sale.cash_rounding, currency)
        segment(receipt, "E1WPB06", ZAHLART=ROUNDING, SUMME=rounding)
    return root


def _sale_item(into: Element, line: SalesLine | SaleReturn, currency: str, sign: str = "") -> None:
    """An item; VORZEICHEN says if it came back, figures are never below zero."""
    item = segment(
        into,
        "E1WPB02",
        POSNR=str(line.line),
        VORZEICHEN=sign,
        ARTNR=line.sku,
        MENGE=str(line.quantity),
        PREIS=written(line.unit_price, currency),
        UMSWERT=written(line.amount, currency),
    )
    if line.tax:
        segment(item, "E1WPB04", MWSBT=written(line.tax, currency))


def _postal(code: str) -> str:
    """Write a postal code in the nine characters SAP has: ZIP+4 needs its hyphen left out."""
    return code if len(code) <= 9 else code.replace("-", "").replace(" ", "")
