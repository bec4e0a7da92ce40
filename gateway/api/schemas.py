"""JSON schemas of everything the API reads and answers, for the components of its description."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import (
    GenerateJsonSchema,
    JsonSchemaMode,
    JsonSchemaValue,
    models_json_schema,
)
from pydantic_core import core_schema

from gateway.api import views
from gateway.canonical.enquiry import Availability, Price, Product
from gateway.canonical.order import Cancellation, Order, Return
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt
from gateway.canonical.sale import Mark, StoreSale, StoreSaleBatch

_READ: Final[tuple[type[BaseModel], ...]] = (
    Order,
    Cancellation,
    ReturnAuthorisation,
    ReturnReceipt,
    Return,
    StoreSaleBatch,
    StoreSale,
    Mark,
)
_ANSWERED: Final[tuple[type[BaseModel], ...]] = (
    views.Receipt,
    views.SaleResults,
    views.Transaction,
    views.OrderStatus,
    views.Problem,
    views.Liveness,
    views.Readiness,
    Availability,
    Price,
    Product,
)

_MONEY: Final[JsonSchemaValue] = {
    "type": "string",
    "pattern": r"^-?[0-9]{1,13}(\.[0-9]{1,4})?$",
    "examples": ["19.95"],
}


class _MoneyIsText(GenerateJsonSchema):
    """Pydantic would describe a decimal as a number or a text; numbers are refused here."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        del schema
        return dict(_MONEY)


def components() -> dict[str, Any]:
    """Return the schemas by name; all references in them stay among them."""
    validation: JsonSchemaMode = "validation"
    serialization: JsonSchemaMode = "serialization"
    models = [(model, validation) for model in _READ]
    models += [(model, serialization) for model in _ANSWERED]
    _, document = models_json_schema(
        models, ref_template="#/components/schemas/{model}", schema_generator=_MoneyIsText
    )
    schemas: dict[str, Any] = document["$defs"]
    # Receipts are checked one by one, so the model of the batch leaves them open.
    items = schemas["StoreSaleBatch"]["properties"]["transactions"]
    names = ("StoreSale", "Mark")
    items["items"] = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}
    return schemas
