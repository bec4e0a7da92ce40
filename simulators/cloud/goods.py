"""Return orders and return receipts: their bodies as drafts of documents without money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from simulators.books import ZERO, Draft, Kind, Line
from simulators.cloud.errors import ODataError, bad_request
from simulators.cloud.resources import Resource
from simulators.returning import DISPOSITIONS

STEP = 10_000

Json = Mapping[str, object]


def goods_of(body: Json, lines: list[Json], resource: Resource, company: str) -> Draft:
    """The draft a checked body asks for. Raises `ODataError`."""
    day = body.get("postingDate") or body.get(resource.dated)
    if resource.kind is Kind.RETURN_ORDER and not body.get("returnReference"):
        raise bad_request("The property 'returnReference' must be provided")
    return Draft(
        kind=resource.kind,
        external_reference=str(body.get("externalDocumentNumber", "")),
        object_reference=str(body.get("channelOrderReference", "")),
        channel=str(body.get("shortcutDimension1Code", "")),
        legal_entity=company,
        currency="",
        lines=tuple(_line(line, resource) for line in lines),
        dated=date.fromisoformat(str(day)) if day else None,
        return_reference=str(body.get("returnReference", "")),
        withdrawn=body.get("withdrawn") is True,
        location=str(body.get("locationCode", "")),
    )


def _line(raw: Json, resource: Resource) -> Line:
    came = resource.kind is Kind.RETURN_RECEIPT
    disposition = str(raw.get("disposition", ""))
    if came and disposition not in DISPOSITIONS:
        raise ODataError(
            400,
            "Application_FieldValidationException",
            f"The disposition '{disposition}' is none of {', '.join(DISPOSITIONS)}",
        )
    sequence = _figure(raw, "orderLineSequence" if came else "sequence")
    if sequence % STEP or sequence <= 0:
        raise bad_request(f"The sequence {sequence} is not a multiple of {STEP}")
    return Line(
        int(sequence) // STEP,
        str(raw.get("lineObjectNumber", "")),
        _figure(raw, "quantity"),
        ZERO,
        ZERO,
        condition=str(raw.get("condition", "")),
        disposition=disposition,
    )


def _figure(raw: Json, name: str) -> Decimal:
    if name not in raw:
        raise bad_request(f"The property '{name}' is missing in a line")
    return Decimal(str(raw[name]))
