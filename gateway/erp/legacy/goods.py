"""The goods of a return as IDocs: a returns order without billing, and a goods movement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element

from gateway.canonical.returning import Disposition, ReturnAuthorisation, ReturnReceipt
from gateway.erp.legacy.segments import LENGTHS, idoc, segment

#: Canonical lines count pieces; "EA" is the ISO code for them, whatever unit SAP stocks in.
PIECES: Final = "EA"

#: A returns order that is not billed: what it expects is credited by another one (ZRE).
RETURNS_ORDER: Final = "ZRMA"

#: The code of other goods receipts.
_OTHER_RECEIPT: Final = "05"

MOVEMENTS: Final[dict[Disposition, tuple[str, ...]]] = {
    Disposition.RESTOCK: ("653",),  # returns to unrestricted-use stock
    Disposition.QUARANTINE: ("655",),  # returns to quality inspection
    Disposition.REFURBISH: ("657",),  # returns to blocked stock
    Disposition.SCRAP: ("657", "555"),  # the same, and scrapped from there
}
"""What each disposition is in SAP's movement types, in the order in which they are posted."""

_PLANT_CHARS: Final = LENGTHS["E1EDP01"]["WERKS"]
_TEXT_CHARS: Final = LENGTHS["E1EDKT2"]["TDLINE"]
#: The text of a document or item that says why.
_WHY: Final = "Z001"


@dataclass(frozen=True, slots=True)
class Head:
    """What every IDoc says of itself: our reference, the order's channel, client and time."""

    reference: str
    channel: str
    client: str
    created: datetime


def order_reference(into: Element, order_ref: str, head: Head) -> None:
    """The channel's reference, and the channel: two of them may use the same one."""
    segment(into, "E1EDK02", QUALF="001", BELNR=order_ref)
    if head.channel:
        segment(into, "E1EDK02", QUALF="Z01", BELNR=head.channel)


def plant(node: str) -> str:
    """A node is a plant or nothing: the crosswalk says which, and half a code is another plant."""
    return node if len(node) <= _PLANT_CHARS else ""


def return_order(authorised: ReturnAuthorisation, head: Head) -> Element:
    """ORDERS of what is expected from now on, or ORDCHG with action 003: nothing any more."""
    withdrawn = authorised.status == "withdrawn"
    message = "ORDCHG" if withdrawn else "ORDERS"
    root, into = idoc("ORDERS05", message, head.client, head.created)
    action = "003" if withdrawn else ""
    segment(into, "E1EDK01", ACTION=action, BSART=RETURNS_ORDER, BELNR=head.reference)
    segment(into, "E1EDK14", QUALF="008", ORGID=authorised.legal_entity)
    segment(into, "E1EDK03", IDDAT="022", DATUM=f"{authorised.authorised_at:%Y%m%d}")
    order_reference(into, authorised.order_ref, head)
    segment(into, "E1EDK02", QUALF="002", BELNR=authorised.return_ref)
    _why(into, "E1EDK", authorised.reason)
    for line in authorised.lines:
        item = segment(
            into, "E1EDP01",
            POSEX=_position(line.line), MENGE=str(line.quantity), MENEE=PIECES,
        )  # fmt: skip
        segment(item, "E1EDP19", QUALF="002", IDTNR=line.sku)
        _why(item, "E1EDP", line.reason)
    return root


def movement(received: ReturnReceipt, head: Head) -> Element:
    """MBGMCR: what came, each item with the movement that its disposition is."""
    root, body = idoc("MBGMCR03", "MBGMCR", head.client, head.created)
    day = f"{received.received_at:%Y%m%d}"
    segment(body, "E1BP2017_GM_HEAD_01", PSTNG_DATE=day, DOC_DATE=day)
    segment(body, "E1BP2017_GM_CODE", GM_CODE=_OTHER_RECEIPT)
    segment(
        body,
        "Z1RETURN",
        BELNR=head.reference,
        BUKRS=received.legal_entity,
        ORDREF=received.order_ref,
        CHANNEL=head.channel,
        RETREF=received.return_ref or "",
    )
    for line in received.lines:
        for moved in MOVEMENTS[line.disposition]:
            item = segment(
                body,
                "E1BP2017_GM_ITEM_CREATE",
                MATERIAL_LONG=line.sku,
                PLANT=plant(received.node),
                MOVE_TYPE=moved,
                ENTRY_QNT=str(line.quantity),
                ENTRY_UOM=PIECES,
            )
            condition = line.condition.value
            segment(item, "Z1RETPOS", POSEX=_position(line.line), ZUSTAND=condition)
    return root


def _position(line: int) -> str:
    return f"{line * 10:06d}"


def _why(into: Element, prefix: str, text: str) -> None:
    """Texts stand in lines of a length of their own."""
    if not text:
        return
    held = segment(into, f"{prefix}T1", TDID=_WHY)
    for start in range(0, len(text), _TEXT_CHARS):
        segment(held, f"{prefix}T2", TDLINE=text[start : start + _TEXT_CHARS])
