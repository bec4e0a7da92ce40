"""Every error as a problem document (RFC 9457), from one table.

The tree in :mod:`gateway.errors` carries status, code and title; what is added here is what a
channel must not see: the reason why something is out of reach names hosts and systems, so each of
those errors has a public text, and the real one goes to the log. An unexpected error shows nothing
but the request id to quote.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from traceback import extract_tb
from typing import Any, Final
from urllib.parse import quote

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from gateway.api.services import AnyRequest
from gateway.canonical.outcome import Cause
from gateway.errors import (
    CoexistError,
    ErpUnavailable,
    InputError,
    LedgerUnavailable,
    RulesUnavailable,
    StoreUnavailable,
    Unauthenticated,
    Unavailable,
)

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:coexist:problem:"

_log = structlog.get_logger("gateway.api")

PUBLIC_DETAIL: Final[Mapping[type[Unavailable], str]] = {
    StoreUnavailable: (
        "the buffer does not answer, so it is not known whether this was taken; repeat the same "
        "request, it is taken at most once"
    ),
    LedgerUnavailable: "the record of transactions does not answer; repeat the same request",
    RulesUnavailable: "the routing rules in force cannot be read; repeat the same request",
    ErpUnavailable: "this enquiry cannot be answered now; repeat it",
}
"""What a channel is told in place of a detail that names hosts and systems."""

_HTTP: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad-request", "Bad request"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    413: ("body-too-large", "Body too large"),
    415: ("unsupported-media-type", "Unsupported media type"),
}

_HELD: Final[Mapping[str, tuple[str, str]]] = {
    Cause.UNKNOWN_ITEM: ("An item is not known", "a SKU of it is not known where it is booked"),
    Cause.UNKNOWN_ORDER: ("The order is not known", "its order is not known where it is booked"),
    Cause.CLOSED_PERIOD: ("The period is closed", "its date lies in a period that is closed"),
    Cause.TOTAL_DIFFERS: ("The total differs", "its total came out differently when booked"),
    Cause.NOT_ACCEPTED: ("Not accepted", "it was not accepted for booking"),
    Cause.POISON: ("Cannot be processed", "it could not be processed repeatedly"),
}


def problem_of(error: InputError | Unavailable, instance: str) -> dict[str, Any]:
    """Return the problem document of an error of the tree; ``instance`` is where it arose."""
    detail = PUBLIC_DETAIL.get(type(error), error.detail) if _is_unavailable(error) else error.detail
    document: dict[str, Any] = {
        "type": TYPE_PREFIX + error.code,
        "title": error.title,
        "status": error.status,
        "detail": detail,
        "instance": instance,
    }
    if isinstance(error, InputError) and error.errors:
        document["errors"] = [
            {"pointer": each.pointer, "detail": each.detail} for each in error.errors
        ]
    return document
