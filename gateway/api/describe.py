"""The API's description of itself: OpenAPI 3.1, from the models the code itself uses.

Handlers take raw bodies and answer ready bytes, so Litestar cannot see what they read and write.
Each names an *operation class* from here instead, which says it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar.openapi.spec import (
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType
from pydantic import BaseModel

from gateway.api import examples, views
from gateway.api.problems import MEDIA_TYPE
from gateway.canonical.sale import StoreSaleBatch

ACCEPTED: Final = (
    "202 says that it is taken, durably, and will be booked once. A repeat of the same body under "
    "the same reference or `Idempotency-Key` gets the first answer again, marked "
    "`Idempotency-Replayed: true`; another body gets 422. With `Prefer: wait=N` the answer waits "
    "for the booking and is 201 if that came in time."
)
"""What every write promises."""

_TEXT: Final = Schema(type=OpenAPIType.STRING)


def _in_path(name: str, example: str) -> Parameter:
    return Parameter(name=name, param_in="path", required=True, schema=_TEXT, example=example)


def _in_query(name: str, description: str, example: str) -> Parameter:
    return Parameter(
        name=name,
        param_in="query",
        schema=Schema(type=OpenAPIType.STRING, max_length=40),
        description=description,
        example=example,
    )


def _legal_entity(description: str) -> Parameter:
    return Parameter(
        name="legal_entity",
        param_in="query",
        schema=_TEXT,
        description=description,
        example="NL01",
    )


ORDER_REF: Final = _in_path("order_ref", "SHOP-10001")
TRANSACTION_ID: Final = _in_path("transaction_id", "0a-01jd3kq0t5w6x7y8z9abcdefgh")
SKU: Final = _in_path("sku", "TEE-BLK-M")

LEGAL_ENTITY: Final = _legal_entity(
    "Whose stock or price; may be left out by a channel that has only one."
)
LEGAL_ENTITY_OPTIONAL: Final = _legal_entity(
    "Through whose master data to look; any of the channel's will do."
)
#: What the rules may route an enquiry by, beside channel and entity; none of it changes the answer.
STORE: Final = _in_query("store", "The store that asks, by its code.", "NL-001")
NODE: Final = _in_query("node", "The warehouse or store whose goods are meant.", "UTR-1")
BRAND: Final = _in_query("brand", "The item's brand, as the routing rules call it.", "house")
CATEGORY: Final = _in_query("category", "The item's category, as the rules call it.", "shirts")
CUSTOMER_GROUP: Final = _in_query("customer_group", "The group whose price is meant.", "retail")
ROUTED_BY: Final = (STORE, NODE, BRAND, CATEGORY)
LEGAL_ENTITY_OF_ORDER: Final = _legal_entity(
    "Whose order it is; spares a search if the order is older than the gateway."
)

_IDEMPOTENCY_KEY: Final = Parameter(
    name="Idempotency-Key",
    param_in="header",
    schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=255, pattern="^[ -~]+$"),
    description="Binds this request to one body, beside the reference in it.",
)
_PREFER: Final = Parameter(
    name="Prefer",
    param_in="header",
    schema=_TEXT,
    description="`wait=N` (RFC 7240): wait up to N seconds for the booking.",
    example="wait=5",
)

_REFUSALS: Final[Mapping[int, str]] = {
    400: "The body is not JSON, or a header cannot be read",
    401: "No API key, or one that belongs to no channel",
    403: "The channel lacks the scope, or may not name that legal entity",
    404: "Not known in any system",
    413: "The body is larger than the limit",
    415: "The body is not declared as JSON",
    422: "Fields that are wrong, each with its pointer; or a reference or key that was used with "
    "another body",
    503: "Cannot be answered now; repeat the same request after `Retry-After` seconds",
}
_READ: Final = (401, 403, 404, 503)
_WRITE: Final = (400, 401, 403, 413, 415, 422, 503)


def write(
    body: type[BaseModel],
    example: Mapping[str, Any],
    *parameters: Parameter,
    missing: bool = False,
) -> type[Operation]:
    """Describe a write of one document; ``missing`` says that what it follows may be unknown."""
    headers = {
        "Location": _header("Where its state is read"),
        "Idempotency-Replayed": _header("`true` if it was taken before, by an equal request"),
        "Preference-Applied": _header("`wait=N`, if the answer waited"),
    }
    return _operation(
        request=RequestBody(
            content={"application/json": _media(body, example)},
            required=True,
        ),
        answers={
            202: _answered("Taken", views.Receipt, headers),
            201: _answered("Booked within the time preferred", views.Receipt, headers),
        },
        refusals=(*_WRITE, *((404,) if missing else ())),
        parameters=(*parameters, _IDEMPOTENCY_KEY, _PREFER),
    )


def batch() -> type[Operation]:
    """Describe a batch of receipts."""
    return _operation(
        request=RequestBody(
            content={"application/json": _media(StoreSaleBatch, examples.STORE_SALES)},
            required=True,
        ),
        answers={207: _answered("A result for each receipt, in order", views.SaleResults)},
        refusals=_WRITE,
    )


def read(answer: type[BaseModel], *parameters: Parameter) -> type[Operation]:
    """Describe a read; a query parameter may be wrong."""
    queried = any(parameter.param_in == "query" for parameter in parameters)
    return _operation(
        answers={200: _answered("Found", answer)},
        refusals=(*_READ, 422) if queried else _READ,
        parameters=parameters,
    )


def open_read(answer: type[BaseModel], *, can_fail: bool = False) -> type[Operation]:
    """Describe a read that needs no key."""
    return _operation(
        answers={200: _answered("Yes", answer)},
        refusals=(503,) if can_fail else (),
        is_open=True,
    )


def text(description: str) -> type[Operation]:
    """Describe a read that answers plain text."""
    content = {"text/plain": OpenAPIMediaType(schema=_TEXT)}
    answer = OpenAPIResponse(description=description, content=content)
    return _operation(answers={200: answer}, refusals=(401, 403))


def refusals() -> dict[str, OpenAPIResponse | Reference]:
    """Return the components that describe what problem documents are answered."""
    found: dict[str, OpenAPIResponse | Reference] = {}
    for status, description in _REFUSALS.items():
        response = OpenAPIResponse(
            description=description,
            content={MEDIA_TYPE: OpenAPIMediaType(schema=_reference(views.Problem))},
        )
        if status == 401:
            response.headers = {"WWW-Authenticate": _header("`Bearer`")}
        if status == 503:
            response.headers = {"Retry-After": _header("Seconds to wait")}
        found[f"Problem{status}"] = response
    return found


def _operation(
    *,
    answers: Mapping[int, OpenAPIResponse],
    refusals: Sequence[int],
    request: RequestBody | None = None,
    parameters: Sequence[Parameter] = (),
    is_open: bool = False,
) -> type[Operation]:
    responses: dict[str, OpenAPIResponse | Reference] = {}
    for status, answered in answers.items():
        responses[str(status)] = answered
    for status in sorted(refusals):
        responses[str(status)] = Reference(ref=f"#/components/responses/Problem{status}")

    @dataclass
    class Described(Operation):
        """What Litestar found out about the handler, and what only its author knows."""

        def __post_init__(self) -> None:
            self.request_body = request
            self.responses = responses
            self.parameters = [*parameters] or None
            if is_open:
                self.security = []

    return Described


def _answered(
    description: str,
    model: type[BaseModel],
    headers: Mapping[str, OpenAPIHeader] | None = None,
) -> OpenAPIResponse:
    return OpenAPIResponse(
        description=description,
        headers=dict(headers) if headers else None,
        content={"application/json": OpenAPIMediaType(schema=_reference(model))},
    )


def _media(model: type[BaseModel], example: Mapping[str, Any]) -> OpenAPIMediaType:
    return OpenAPIMediaType(schema=_reference(model), example=dict(example))


def _reference(model: type[BaseModel]) -> Reference:
    return Reference(ref=f"#/components/schemas/{model.__name__}")


def _header(description: str) -> OpenAPIHeader:
    return OpenAPIHeader(schema=_TEXT, description=description)
