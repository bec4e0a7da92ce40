"""IDoc segments as XML: which field holds how much, and what may be cut to fit."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from gateway.erp.body import Overlong, Unsendable

LENGTHS: Final[dict[str, dict[str, int]]] = {
    "EDI_DC40": {
        "TABNAM": 10, "MANDT": 3, "DIRECT": 1, "IDOCTYP": 30, "MESTYP": 30, "SNDPOR": 10,
        "SNDPRT": 2, "SNDPRN": 10, "RCVPOR": 10, "RCVPRT": 2, "RCVPRN": 10, "CREDAT": 8,
        "CRETIM": 6,
    },
    "E1EDK01": {"ACTION": 3, "CURCY": 3, "BSART": 4, "BELNR": 35},
    "E1EDK14": {"QUALF": 3, "ORGID": 35},
    "E1EDK03": {"IDDAT": 3, "DATUM": 8},
    "E1EDK04": {"MWSBT": 18},
    "E1EDK05": {"ALCKZ": 3, "KSCHL": 4, "BETRG": 18},
    "E1EDKA1": {
        "PARVW": 3, "PARTN": 17, "NAME1": 35, "NAME2": 35, "STRAS": 35, "STRS2": 35, "ORT01": 35,
        "PSTLZ": 9, "LAND1": 3, "REGIO": 3,
    },
    # Qualifier Z01 is a customer extension: the channel an order's reference (001) is of.
    "E1EDK02": {"QUALF": 3, "BELNR": 35},
    "E1EDP01": {"POSEX": 6, "ACTION": 3, "MENGE": 15, "MENEE": 3, "VPREI": 15, "NETWR": 18,
                "WERKS": 4, "PSTYV": 4},
    "E1EDP04": {"MWSBT": 18},
    "E1EDP05": {"ALCKZ": 3, "KSCHL": 4, "BETRG": 18},
    "E1EDP19": {"QUALF": 3, "IDTNR": 35},
    "E1EDS01": {"SUMID": 3, "SUMME": 18},
    "E1EDKT1": {"TDID": 4},
    "E1EDKT2": {"TDLINE": 70},
    "E1EDPT1": {"TDID": 4},
    "E1EDPT2": {"TDLINE": 70},
    # A goods movement. What it is of has no place there: Z1RETURN and Z1RETPOS are customer
    # extensions, as are the 35 and 40 characters of our reference and an article.
    "E1BP2017_GM_HEAD_01": {"PSTNG_DATE": 8, "DOC_DATE": 8},
    "E1BP2017_GM_CODE": {"GM_CODE": 2},
    "E1BP2017_GM_ITEM_CREATE": {
        "MATERIAL_LONG": 40, "PLANT": 4, "MOVE_TYPE": 3, "ENTRY_QNT": 15, "ENTRY_UOM": 3,
    },
    "Z1RETURN": {"BELNR": 35, "BUKRS": 10, "ORDREF": 35, "CHANNEL": 40, "RETREF": 35},
    "Z1RETPOS": {"POSEX": 6, "ZUSTAND": 10},
    # The receipt's segments carry the fields of a customer extension (BELNR, PREIS, UMSWERT …) and
    # a POSKREIS widened from 5 to the 20 characters a store's code may have.
    "E1WPB01": {
        "POSKREIS": 20, "KASSID": 25, "VORGDATUM": 8, "VORGZEIT": 6, "BONNUMMER": 15,
        "CURRENCY": 5, "BELNR": 35,
    },
    "E1WPB02": {
        "POSNR": 6, "VORZEICHEN": 1, "ARTNR": 40, "MENGE": 15, "PREIS": 18, "UMSWERT": 18,
    },
    "E1WPB03": {"SUMME": 18},
    "E1WPB04": {"MWSBT": 18},
    "E1WPB05": {"MWSBT": 18},
    "E1WPB06": {"ZAHLART": 30, "SUMME": 18},
}  # fmt: skip
"""Characters each field holds, by segment: as SAP publishes ORDERS05, WPUBON01 and MBGMCR03."""

#: What XML 1.0 cannot carry, escaped or not.
_NO_XML: Final = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def segment(parent: Element, name: str, **fields: str) -> Element:
    """Append a segment; empty fields are left out. Raises :class:`Overlong`, never cuts."""
    element = SubElement(parent, name, SEGMENT="1")
    lengths = LENGTHS[name]
    for field, value in fields.items():
        if not value:
            continue
        if len(value) > lengths[field]:
            raise Overlong(
                f"{name}-{field} holds {lengths[field]} characters, {value!r} has {len(value)}"
            )
        if _NO_XML.search(value):
            raise Unsendable(f"{name}-{field}: {value!r} has a character XML cannot carry")
        SubElement(element, field).text = value
    return element


def cut(text: str, first: str, second: str = "") -> dict[str, str]:
    """Spread free text over one or two fields of E1EDKA1; what is left over is cut off.

    Only for names and places: a shortened name still finds its house.
    """
    words = " ".join(_NO_XML.sub(" ", text).split())
    lengths = LENGTHS["E1EDKA1"]
    fields = {first: words[: lengths[first]].rstrip()}
    if second:
        rest = words[lengths[first] :].strip()
        fields[second] = rest[: lengths[second]].rstrip()
    return fields


def idoc(
    idoc_type: str, message_type: str, client: str, created: datetime
) -> tuple[Element, Element]:
    """Begin an IDoc: its root, for :func:`xml`, and the element its segments go into.

    ``created`` is when the message was accepted, so that a repeat is the same, byte for byte.
    """
    root = Element(idoc_type)
    body = SubElement(root, "IDOC", BEGIN="1")
    segment(
        body,
        "EDI_DC40",
        TABNAM="EDI_DC40",
        MANDT=client,
        DIRECT="2",
        IDOCTYP=idoc_type,
        MESTYP=message_type,
        SNDPOR="COEXIST",
        SNDPRT="LS",
        SNDPRN="COEXIST",
        RCVPOR=f"SAP{client}",
        RCVPRT="LS",
        RCVPRN=f"CLNT{client}",
        CREDAT=f"{created:%Y%m%d}",
        CRETIM=f"{created:%H%M%S}",
    )
    return root, body


def xml(root: Element) -> bytes:
    """Write the document, in UTF-8 with a declaration."""
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written
