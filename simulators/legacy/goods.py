"""Returns orders without billing (ZRMA) and goods movements (MBGMCR) as drafts.

A movement type says where returned goods go. What is scrapped comes to blocked stock first, and is
scrapped from there by the item that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element

from simulators.books import ZERO, Draft, Kind, Line
from simulators.legacy.markup import text_of

RETURNS_ORDER = "ZRMA"
_SCRAPPED = "555"
_MOVEMENTS = {"653": "restock", "655": "quarantine", "657": "refurbish"}


@dataclass(frozen=True, slots=True)
class Fields:
    """How fields are read; each raises `BadSegment` for what cannot be in it."""

    figure: Callable[[Element, str], Decimal]
    position: Callable[[Element], int]
    required: Callable[[str, str], str]
    day: Callable[[str, str], date | None]
    wrong: Callable[[str], Exception]


def movement_of(idoc: Element, fields: Fields) -> Draft:
    """The receipt a goods movement asks for."""
    of = idoc.find("Z1RETURN")
    if of is None:
        raise fields.wrong("Segment Z1RETURN is missing: a goods movement of nothing known")
    plants = {text_of(it, "PLANT") for it in idoc.findall("E1BP2017_GM_ITEM_CREATE")}
    day = text_of(idoc, "E1BP2017_GM_HEAD_01/PSTNG_DATE")
    return Draft(
        kind=Kind.RETURN_RECEIPT,
        external_reference=text_of(of, "BELNR"),
        object_reference=fields.required(text_of(of, "ORDREF"), "Z1RETURN ORDREF"),
        channel=text_of(of, "CHANNEL"),
        legal_entity=text_of(of, "BUKRS"),
        currency="",
        lines=tuple(_rows(idoc, fields)),
        dated=fields.day(day, "E1BP2017_GM_HEAD_01 PSTNG_DATE"),
        return_reference=text_of(of, "RETREF"),
        location=plants.pop() if len(plants) == 1 else "",
    )


def _rows(idoc: Element, fields: Fields) -> Iterator[Line]:
    came: Line | None = None
    for item in idoc.findall("E1BP2017_GM_ITEM_CREATE"):
        line, moved = _item(item, fields), text_of(item, "MOVE_TYPE")
        if moved == _SCRAPPED:
            if came != replace(line, disposition="refurbish"):
                raise fields.wrong(f"Movement {moved} of item {line.line} has nothing to scrap")
            yield replace(line, disposition="scrap")
            came = None
            continue
        if moved not in _MOVEMENTS:
            raise fields.wrong(f"Movement type {moved} is not allowed here (item {line.line})")
        if came is not None:
            yield came
        came = replace(line, disposition=_MOVEMENTS[moved])
    if came is not None:
        yield came


def _item(item: Element, fields: Fields) -> Line:
    of = item.find("Z1RETPOS")
    if of is None:
        raise fields.wrong("An item has no segment Z1RETPOS")
    sku = fields.required(text_of(item, "MATERIAL_LONG"), "MATERIAL_LONG")
    quantity = fields.figure(item, "ENTRY_QNT")
    condition = text_of(of, "ZUSTAND")
    return Line(fields.position(of), sku, quantity, ZERO, ZERO, condition=condition)
