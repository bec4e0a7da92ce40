"""HTTP to simulators and gateways: JSON, one connection, bounded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from loadtests.errors import LoadTestError

TIMEOUT_S = 10.0


class Web:
    """One server at ``url``; its connection is kept, and made anew if it was lost."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self.url = url
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self._connection = HTTPConnection(str(urlsplit(url).netloc), timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def get(self, path: str, *, unknown: bool = False) -> dict[str, Any]:
        """Return an object; with ``unknown`` an empty one for a 404. Raises LoadTestError."""
        return self.call("GET", path, unknown=unknown)

    def call(
        self, method: str, path: str, body: object = None, *, unknown: bool = False
    ) -> dict[str, Any]:
        """Return the object of a good answer. Raises LoadTestError naming the request."""
        where = f"{method} {self.url}{path}"
        try:
            status, text = self._exchange(method, path, body)
            if status == 404 and unknown:
                return {}
            answer = json.loads(text or b"{}")
        except (OSError, HTTPException, ValueError) as error:
            raise LoadTestError(f"{where} was not answered: {error!r}") from error
        if status >= 300 or not isinstance(answer, dict):
            said = text[:300].decode(errors="replace")
            raise LoadTestError(f"{where} was answered {status}: {said}")
        return answer

    def _exchange(self, method: str, path: str, body: object) -> tuple[int, bytes]:
        data = None if body is None else json.dumps(body).encode()
        with suppress(OSError, HTTPException):  # a connection kept too long is made anew
            return self._once(method, path, data)
        self._connection.close()
        return self._once(method, path, data)

    def _once(self, method: str, path: str, data: bytes | None) -> tuple[int, bytes]:
        self._connection.request(method, path, data, self._headers)
        response = self._connection.getresponse()
        return response.status, response.read()
