"""Customers in the legacy ERP: RFC functions around BAPI_CUSTOMER_CREATEFROMDATA1.

The reference is kept in a customer extension of KNA1, by which they are found. The function creates
and commits before it answers; it is not idempotent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from gateway.canonical.customer import Wish
from gateway.canonical.outcome import Booked, Busy, Cause, Refused, Unknown
from gateway.erp.figures import BadAnswer
from gateway.erp.legacy import soap

Ask = Callable[[str, soap.Parameters], Awaitable[Element | soap.Fault | Busy | Unknown]]

#: Faults that are raised before anything is created.
REFUSED: Final = frozenset({"COMPANY_CODE_NOT_FOUND", "FIELD_TOO_LONG", "PARAMETER_MISSING"})

_NAME_CHARS, _PLACE_CHARS, _REGION_CHARS, _EMAIL_CHARS = 35, 35, 3, 241


async def find(ask: Ask, wish: Wish) -> Sequence[str] | Busy | Unknown:
    """Ask by reference."""
    parameters: soap.Parameters = {"REFERENCE": wish.reference, "BUKRS": wish.legal_entity}
    answer = await ask("Z_CUSTOMER_BY_REFERENCE", parameters)
    if isinstance(answer, soap.Fault):
        return Unknown(f"look-up of customer {wish.reference}: {answer}")
    if isinstance(answer, Busy | Unknown):
        return answer
    try:
        return [soap.required(item, "KUNNR") for item in answer.findall("CUSTOMERS/item")]
    except BadAnswer as error:
        return Unknown(f"look-up of customer {wish.reference}: {error}")


async def create(ask: Ask, wish: Wish) -> Booked | Refused | Busy | Unknown:
    """Create, once."""
    answer = await ask("Z_CUSTOMER_CREATE", _fields(wish))
    if isinstance(answer, soap.Fault):
        said = f"customer {wish.customer.ref}: {answer}"
        return Refused(Cause.NOT_ACCEPTED, said) if answer.code in REFUSED else Unknown(said)
    if isinstance(answer, Busy | Unknown):
        return answer
    try:
        return Booked(soap.required(answer, "KUNNR"))
    except BadAnswer as error:
        return Unknown(f"customer {wish.customer.ref}: {error}")


def _fields(wish: Wish) -> soap.Parameters:
    """Names and places are cut at the lengths of KNA1; a region is SAP's code of it or nothing."""
    to, name = wish.address, " ".join(wish.customer.name.split())
    email = wish.customer.email or ""
    fields = {
        "BUKRS": wish.legal_entity,
        "REFERENCE": wish.reference,
        "NAME1": name[:_NAME_CHARS].rstrip(),
        "NAME2": name[_NAME_CHARS:].strip()[:_NAME_CHARS].rstrip(),
        "STRAS": to.street[:_PLACE_CHARS].rstrip(),
        "PSTLZ": to.postal_code,
        "ORT01": to.city[:_PLACE_CHARS].rstrip(),
        "REGIO": to.region if len(to.region) <= _REGION_CHARS else "",
        "LAND1": to.country,
        "SMTP_ADDR": email if len(email) <= _EMAIL_CHARS else "",
        "WAERS": wish.currency,
    }
    return {field: value for field, value in fields.items() if value}
