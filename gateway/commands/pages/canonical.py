"""The canonical documents: their JSON Schema, and a page that lists them."""

from __future__ import annotations

import json
from typing import Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.canonical.customer import CustomerRecord
from gateway.canonical.enquiry import Availability, Price, Product
from gateway.canonical.inventory import InventoryEvent
from gateway.canonical.journal import Journal
from gateway.canonical.order import Cancellation, Order, Return
from gateway.canonical.refund import Refund
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt
from gateway.canonical.sale import Mark, StoreSale
from gateway.canonical.settlement import Settlement
from gateway.canonical.shipment import Shipment
from gateway.commands.pages.markdown import page, table

DOCUMENTS: Final[tuple[type[BaseModel], ...]] = (
    Order, Cancellation, ReturnAuthorisation, ReturnReceipt, Return, Refund, Shipment, StoreSale,
    Mark, Settlement, InventoryEvent, Product, Price, Availability, CustomerRecord, Journal,
)  # fmt: skip

_INTRO: Final = (
    "What channels send and ERPs are sent, in one shape that belongs to neither. Money is a "
    "decimal, written as text and never as a JSON number, in the minor unit of its currency; "
    "instants carry their offset; a field that nobody declared is an error. What has a total is "
    "checked to the minor unit, and the difference is named.\n\n"
    "[canonical.schema.json](canonical.schema.json) has the JSON Schema of each under `$defs`."
)


def canonical() -> str:
    """Write the page."""
    rows = [
        (f"`{model.__name__}`", _first_line(model), ", ".join(f"`{it}`" for it in _names(model)))
        for model in DOCUMENTS
    ]
    return page("Canonical documents", [_INTRO, table(("document", "what it is", "fields"), rows)])


def schemas() -> str:
    """Write the JSON Schema of all documents, one under each name."""
    _, bundle = models_json_schema(
        [(model, "validation") for model in DOCUMENTS],
        title="Canonical documents",
        ref_template="#/$defs/{model}",
    )
    bundle["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(bundle, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").split("\n", maxsplit=1)[0].replace("``", "`")


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
