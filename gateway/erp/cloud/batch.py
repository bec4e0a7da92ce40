"""OData batches in JSON: several operations in one request, each answered by itself.

As Business Central publishes it: ``POST /api/v2.0/$batch`` with ``requests``, at most 100, and
``Prefer: odata.continue-on-error``, so that one that fails does not keep the others from being
tried. No ``Isolation`` header and no ``atomicityGroup``: they would make all fail with one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from gateway.erp.cloud.exact import dumps, loads
from gateway.erp.figures import BadAnswer
from gateway.erp.http import Reply

PATH: Final = "/api/v2.0/$batch"
PREFER: Final = {"Prefer": "odata.continue-on-error"}
#: Operations of one batch, as published.
SIZE_MAX: Final = 100

_ROOT: Final = "/api/v2.0/"


@dataclass(frozen=True, slots=True)
class Operation:
    """One request of a batch; ``path`` as it would be called alone, ``content`` is JSON or none."""

    method: str
    path: str
    content: bytes = b""


def written(operations: Sequence[Operation]) -> bytes:
    """Write a batch; operations are numbered from 1. Their JSON is taken as it is, to the byte."""
    return b'{"requests":[' + b",".join(map(_written, range(1, 101), operations)) + b"]}"


def answers(reply: Reply, operations: Sequence[Operation]) -> list[Reply | None]:
    """Return the answer to each operation, None where there is none.

    Raises :class:`BadAnswer` if it is no answer to a batch at all.
    """
    body = loads(reply.body)
    responses = body.get("responses") if isinstance(body, dict) else None
    if not isinstance(responses, list):
        raise BadAnswer("no list 'responses' in the answer to a batch")
    found: dict[str, Reply] = {}
    for response in responses:
        if not isinstance(response, dict) or not isinstance(response.get("id"), str):
            raise BadAnswer("a response of a batch has no id")
        identity, status = str(response["id"]), response.get("status")
        if identity in found or isinstance(status, bool) or not isinstance(status, int):
            raise BadAnswer(f"response {identity} of a batch is there twice or has no status")
        headers = response.get("headers")
        given = headers if isinstance(headers, dict) else {}
        texts = {str(name): value for name, value in given.items() if isinstance(value, str)}
        content = dumps(response["body"]).encode() if "body" in response else b""
        found[identity] = Reply(f"batch {identity}", status, httpx.Headers(texts), content)
    return [found.get(str(number)) for number in range(1, len(operations) + 1)]


def _written(number: int, operation: Operation) -> bytes:
    head = {
        "id": str(number),
        "method": operation.method,
        "url": operation.path.removeprefix(_ROOT),
    }
    if not operation.content:
        return dumps({**head, "headers": {"Accept": "application/json"}}).encode()
    typed = dumps({**head, "headers": {"Content-Type": "application/json"}}).encode()
    return typed[:-1] + b',"body":' + operation.content + b"}"
