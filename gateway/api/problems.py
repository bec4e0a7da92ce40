"""Every error as a problem document (RFC 9457), from one table.

The tree in :mod:`gateway.errors` carries status, code and title; what is added here is what a
channel must not see: the reason why something is out of reach names hosts and systems, so those
errors have a public text and the real one goes to the log. An unexpected error shows nothing but
the request id to quote.
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

from gateway.api.calls import AnyRequest
from gateway.canonical.outcome import Cause
from gateway.errors import (
    CoexistError,
    ErpUnavailable,
    FlipInterrupted,
    InputError,
    LedgerUnavailable,
    RulesUnavailable,
    StoreUnavailable,
    Unauthenticated,
    Unavailable,
)

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:coexist:problem:"

PUBLIC_DETAIL: Final[Mapping[type[Unavailable], str]] = {
    StoreUnavailable: (
        "the buffer does not answer, so it is not known whether this was taken; repeat the same "
        "request, it is taken at most once"
    ),
    LedgerUnavailable: "the record of transactions does not answer; repeat the same request",
    RulesUnavailable: "the routing rules in force cannot be read; repeat the same request",
    FlipInterrupted: "the routing rules are being changed; repeat the same request",
    ErpUnavailable: "this enquiry cannot be answered now; repeat it",
}
"""What a channel is told in place of a detail that may name hosts and systems."""

HELD: Final[Mapping[str, tuple[str, str]]] = {
    Cause.UNKNOWN_ITEM: ("An item is not known", "one of its SKUs is not known for booking"),
    Cause.UNKNOWN_ORDER: (
        "The order is not known",
        "the order it follows is not known for booking",
    ),
    Cause.UNKNOWN_CUSTOMER: (
        "The customer is not known",
        "its customer is not known for booking",
    ),
    Cause.CREDIT_BLOCK: (
        "The customer's credit is blocked",
        "its customer's credit does not allow it",
    ),
    Cause.CLOSED_PERIOD: ("The period is closed", "its date lies in a period that is closed"),
    Cause.TOTAL_DIFFERS: ("The total differs", "its total came out differently when booked"),
    Cause.NOT_ACCEPTED: ("Not accepted", "it was not accepted for booking"),
    Cause.CROSSWALK_GAP: (
        "A code is not known",
        "one of its codes is not known for booking",
    ),
    Cause.NOT_MAPPED: (
        "Not understood in full",
        "some of what was sent could not be read as a document to book",
    ),
    Cause.MISCONFIGURED: (
        "Booking is not set up",
        "the system that books it cannot be reached as it is set up",
    ),
    Cause.BOOKED_TWICE: ("Booked twice", "it was booked more than once and is put right"),
    Cause.BOOKED_ANYWAY: ("Booked after all", "it was given up, but booked, and is put right"),
    Cause.POISON: ("Cannot be processed", "processing it failed repeatedly"),
    Cause.ORDER_DISCARDED: (
        "The order will not be booked",
        "the order it follows was given up and will not be booked",
    ),
    Cause.TAKEN_BEFORE: (
        "Taken before",
        "an order of this reference was taken long before",
    ),
    Cause.OWNER_UNDECIDED: (
        "Its order is not found",
        "which system has its order could not be found out in time",
    ),
    Cause.PAYMENT_PENDING: (
        "The payment is open",
        "it is booked once its payment is settled",
    ),
    Cause.FEE_UNKNOWN: ("A fee is not known", "one of its fees is not known for booking"),
    Cause.TAX_DIFFERS: ("The tax differs", "its tax came out differently when calculated"),
}
"""Title and detail of what holds a transaction, the same whichever system refused it."""

BY_STATUS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad-request", "Bad request"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    413: ("body-too-large", "Body too large"),
    415: ("unsupported-media-type", "Unsupported media type"),
}
"""Code and title of what is refused before a handler of ours sees it, by status."""

_log = structlog.get_logger("gateway.api")


def problem_of(error: InputError | Unavailable, instance: str) -> dict[str, Any]:
    """Return the problem document of an error of the tree; ``instance`` is where it arose."""
    detail = error.detail
    if isinstance(error, Unavailable):
        detail = PUBLIC_DETAIL.get(type(error), detail)
    document = _document(error.code, error.title, error.status, detail, instance)
    if isinstance(error, InputError) and error.errors:
        document["errors"] = [
            {"pointer": each.pointer, "detail": each.detail} for each in error.errors
        ]
    return document


def held_problem(cause: str) -> dict[str, Any]:
    """Return what a channel is told about a transaction that staff must act on."""
    known = Cause(cause) if cause in HELD else Cause.NOT_ACCEPTED
    title, reason = HELD[known]
    return {
        "type": f"{TYPE_PREFIX}held:{known.value}",
        "title": title,
        "detail": f"{reason}; staff are on it, do not send it again",
    }


def discarded_problem() -> dict[str, Any]:
    """Return what a channel is told about a transaction that staff gave up."""
    return {
        "type": f"{TYPE_PREFIX}discarded",
        "title": "It will not be booked",
        "detail": "staff decided that this will not be booked; undo it where it was made, and "
        "do not send it again under this reference",
    }


def instance_of(request: AnyRequest) -> str:
    """Return the path of a request, as a URI reference."""
    return quote(request.scope["path"])


def encoded(document: Mapping[str, Any]) -> bytes:
    """Return a problem document as JSON."""
    return msgspec.json.encode(document)


def answer(
    document: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    """Return the answer that carries a problem document."""
    return Response(
        encoded(document),
        status_code=document["status"],
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def _of_the_tree(request: AnyRequest, error: CoexistError) -> Response[bytes]:
    if isinstance(error, Unavailable):
        _log.warning(
            "unavailable",
            code=error.code,
            stage=error.stage,
            detail=error.detail,
            **_where(request),
        )
        headers = {"Retry-After": str(error.retry_after_s)}
        return answer(problem_of(error, instance_of(request)), headers)
    if not isinstance(error, InputError):
        return _unexpected(request, error)
    headers = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="coexist"'
    return answer(problem_of(error, instance_of(request)), headers)


def _of_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """Litestar's own refusals: routes, methods, and what :mod:`gateway.api.intake` cannot name."""
    status = error.status_code
    if status >= 500:
        return _unexpected(request, error)
    phrase = HTTPStatus(status).phrase
    code, title = BY_STATUS.get(status, (phrase.lower().replace(" ", "-"), phrase))
    headers = {name.title(): value for name, value in (error.headers or {}).items()}
    detail = error.detail
    path = instance_of(request)
    if status == 404:
        detail = f"nothing is served at {path}; the API is described at /schema"
    elif status == 405:
        headers["Allow"] = _allowed(headers.get("Allow", ""))
        detail = f"{request.scope['method']} is not possible at {path}; use {headers['Allow']}"
    return answer(_document(code, title, status, detail, path), headers)


def _unexpected(request: AnyRequest, error: Exception) -> Response[bytes]:
    # Messages of foreign errors may quote customers' data: type and places find the cause too.
    frames = [
        f"{each.filename}:{each.lineno} {each.name}" for each in extract_tb(error.__traceback__)
    ]
    where = _where(request)
    _log.error("unexpected", error=type(error).__name__, frames=frames, **where)
    detail = (
        "the gateway failed; repeating the same request is safe. If it fails again, give the "
        f"operator this request id: {where['request_id']}"
    )
    return answer(_document("unexpected", "Unexpected failure", 500, detail, instance_of(request)))


def _document(code: str, title: str, status: int, detail: str, instance: str) -> dict[str, Any]:
    return {
        "type": TYPE_PREFIX + code,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
    }


def _where(request: AnyRequest) -> dict[str, str]:
    scope = request.scope
    return {
        "method": scope["method"],
        "route": scope.get("path_template", ""),
        "request_id": scope.get("state", {}).get("request_id", ""),
    }


def _allowed(methods: str) -> str:
    """HEAD is served wherever GET is."""
    names = {name.strip() for name in methods.split(",") if name.strip()}
    return ", ".join(sorted(names | {"HEAD"} if "GET" in names else names))


def answered(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Return the answer that :data:`HANDLERS` give an error outside of Litestar's own routing."""
    if isinstance(error, CoexistError):
        return _of_the_tree(request, error)
    if isinstance(error, HTTPException):
        return _of_http(request, error)
    return _unexpected(request, error)


HANDLERS: Final[ExceptionHandlersMap] = {
    CoexistError: _of_the_tree,
    HTTPException: _of_http,
    Exception: _unexpected,
}
"""What Litestar asks when a handler, or the routing before it, raises."""
