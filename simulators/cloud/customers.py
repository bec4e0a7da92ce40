"""Customers as the API takes and shows them.

`externalReference` is a field of a per-tenant extension: the standard entity has none.
"""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

from simulators.cloud import exact
from simulators.cloud.errors import DIALOG, ODataError, bad_request
from simulators.cloud.filters import Edm
from simulators.customers import CustomerRow

ENTITY = "Microsoft.NAV.customer"
GIVEN: dict[str, Edm] = {
    "externalReference": "Edm.String",
    "displayName": "Edm.String",
    "type": "Edm.String",
    "addressLine1": "Edm.String",
    "addressLine2": "Edm.String",
    "city": "Edm.String",
    "state": "Edm.String",
    "postalCode": "Edm.String",
    "country": "Edm.String",
    "email": "Edm.String",
    "currencyCode": "Edm.String",
}
CUSTOMER: dict[str, Edm] = {"id": "Edm.Guid", "number": "Edm.String", **GIVEN}
_LENGTHS = {"displayName": 100, "addressLine1": 100, "addressLine2": 50, "city": 30, "email": 80,
            "postalCode": 20, "externalReference": 35}  # fmt: skip


def read_customer(data: bytes) -> dict[str, str]:
    """The fields a POST asks for, each a text. Raises `ODataError`."""
    try:
        body = exact.loads(data)
    except ValueError as error:
        raise bad_request(f"The body is no valid JSON: {error}", "BadRequest_InvalidJson") from None
    if not isinstance(body, dict):
        raise bad_request("The body must be a JSON object", "BadRequest_InvalidJson")
    fields: dict[str, str] = {}
    for name, value in body.items():
        if name not in GIVEN:
            raise bad_request(f"The property '{name}' does not exist on type '{ENTITY}'.")
        if not isinstance(value, str):
            raise bad_request(f"Cannot convert the literal '{value}' of '{name}' to Edm.String.")
        if len(value) > _LENGTHS.get(name, 250):
            raise ODataError(
                400,
                "Application_StringExceededLength",
                "The length of the string is greater than the maximum length allowed: "
                f"{name} has at most {_LENGTHS[name]} characters.",
            )
        fields[name] = value
    if not fields.get("displayName"):
        raise ODataError(400, DIALOG, "The 'displayName' must be filled in.")
    return fields


def customer_view(row: CustomerRow) -> dict[str, object]:
    """A customer as the API shows it."""
    identity = str(uuid5(NAMESPACE_OID, f"customer {row.number}"))
    return {
        "@odata.etag": f'W/"{identity[:8]}"',
        "id": identity,
        "number": row.number,
        "externalReference": row.reference,
        "displayName": row.name,
        "type": "Person",
        "city": row.city,
        "country": row.country,
        "email": row.email,
    }
