"""OData batch requests in JSON: many operations in one request, each with an answer of its own.

As Business Central publishes it: `POST /api/v2.0/$batch`, at most 100 operations, addresses
relative to the service root or in full; without `Isolation: snapshot` each succeeds or fails by
itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from aiohttp import web

from simulators.cloud import exact
from simulators.cloud.errors import bad_request

OPERATIONS_MAX = 100
_ROOT = "/api/v2.0"


@dataclass(frozen=True, slots=True)
class Operation:
    """One entry of `requests`; `path` begins below the service root."""

    id: str
    method: str
    path: str
    query: dict[str, str]
    content: bytes


def read_batch(data: bytes) -> list[Operation]:
    """The operations in their order. Raises `ODataError` for a batch that is wrong as a whole."""
    try:
        body = exact.loads(data)
    except ValueError as error:
        raise bad_request(f"The batch is no valid JSON: {error}") from None
    entries = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        raise bad_request("A batch must be an object with an array 'requests'")
    if not 0 < len(entries) <= OPERATIONS_MAX:
        raise bad_request(f"A batch has 1 to {OPERATIONS_MAX} operations, not {len(entries)}")
    operations = [_operation(entry) for entry in entries]
    if len({each.id for each in operations}) < len(operations):
        raise bad_request("The ids of a batch's operations must differ")
    return operations


def _operation(entry: object) -> Operation:
    if not isinstance(entry, dict):
        raise bad_request("An operation of a batch must be an object")
    texts = [entry.get(name) for name in ("id", "method", "url")]
    if not all(isinstance(each, str) and each for each in texts):
        raise bad_request("An operation of a batch needs the texts id, method and url")
    identity, method, url = (str(each) for each in texts)
    for name in ("atomicityGroup", "dependsOn"):
        if name in entry:
            raise bad_request(f"Operation {identity}: {name} is not supported here")
    headers = entry.get("headers", {})
    if "body" in entry and "content-type" not in {str(name).lower() for name in headers}:
        raise bad_request(f"Operation {identity} has a body and no header Content-Type")
    parts = urlsplit(url)
    path = "/" + unquote(parts.path).removeprefix(_ROOT).lstrip("/")
    content = exact.dumps(entry["body"]).encode() if "body" in entry else b""
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Operation(identity, method.upper(), path, query, content)


class Replies:
    """The answers so far, in the order of the operations."""

    def __init__(self) -> None:
        self._replies: list[dict[str, object]] = []

    def add(self, operation: Operation, answer: web.StreamResponse) -> None:
        """Add what one operation was answered."""
        headers = {"Content-Type": "application/json", "OData-Version": "4.0"}
        if "Retry-After" in answer.headers:
            headers["Retry-After"] = answer.headers["Retry-After"]
        reply: dict[str, object] = {
            "id": operation.id, "status": answer.status, "headers": headers,
        }  # fmt: skip
        if isinstance(answer, web.Response) and answer.text:
            reply["body"] = exact.loads(answer.text.encode())
        self._replies.append(reply)

    def body(self) -> dict[str, object]:
        """The body of the batch's answer."""
        return {"responses": self._replies}
