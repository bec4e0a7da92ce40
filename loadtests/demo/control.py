"""HTTP to the control API of a simulated ERP and to a gateway's metrics: small, quick, bounded."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from loadtests.demo.errors import DemoError

TIMEOUT_S = 5.0

#: Everything is on this machine: whatever proxy the environment names is not asked.
_OPENER = build_opener(ProxyHandler({}))
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? ([^ ]+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

#: A figure by its name and its labels, sorted by name.
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Control:
    """The control API of one simulated ERP. Every call raises DemoError if it is not answered."""

    def __init__(self, url: str) -> None:
        self.url = url

    def counters(self) -> dict[str, int]:
        """What has happened so far, by name."""
        return {str(name): int(n) for name, n in self._call("GET", "counters").items()}

    def faults(self) -> dict[str, Any]:
        """Faults that are on, by name."""
        return dict(self._call("GET", "faults")["faults"])

    def in_service(self) -> list[int]:
        """The callers' ports of the requests being served now."""
        return [int(one["port"]) for one in self._call("GET", "in_service")["requests"]]

    def switch_on(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Switch a fault on."""
        self._call("PUT", f"faults/{name}", parameters)

    def create_item(self, sku: str, like: str) -> None:
        """Create an article, as master data clerks do before a channel sells it."""
        self._call("PUT", f"items/{sku}", {"like": like})

    def heal(self) -> None:
        """Switch all faults off."""
        self._call("DELETE", "faults")

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/control/{path}", data, method=method)  # noqa: S310 -- the URL of our own process
        answer = json.loads(fetch(request))
        if not isinstance(answer, dict):
            raise DemoError(f"{request.full_url} answered {answer!r}, not an object")
        return answer


def metrics(url: str, key: str) -> Samples:
    """Read the figures of the gateway process at ``url``. Raises DemoError."""
    request = Request(f"{url}/metrics", headers={"Authorization": f"Bearer {key}"})  # noqa: S310 -- the URL of our own process
    return parse(fetch(request).decode())


def parse(text: str) -> Samples:
    """Read Prometheus' text format; lines that are no samples are left out."""
    samples: Samples = {}
    for line in text.splitlines():
        found = _SAMPLE.match(line)
        if found and not line.startswith("#"):
            labels = tuple(sorted(_LABEL.findall(found[2] or "")))
            samples[found[1], labels] = float(found[3])
    return samples


def fetch(request: Request) -> bytes:
    """Return the body of a good answer; raises DemoError naming the address otherwise."""
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S) as response:
            body: bytes = response.read()
            return body
    except (OSError, HTTPException) as error:
        where = f"{request.get_method()} {request.full_url}"
        raise DemoError(f"{where} was not answered: {error}") from error
