"""A simulated shop on a free port, in a thread of its own, and a receiver of its webhooks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from simulators.shopify.options import ShopOptions
from simulators.shopify.site import shopify_shop
from tests.unit.simulators.serving import HTTP, PATIENCE_S, served

QUICK: dict[str, Any] = {"latency_ms_min": 0.0, "latency_ms_max": 0.0, "bucket": 10_000}


@dataclass
class RunningShop:
    """A shop that serves, and what tests ask of it."""

    url: str
    options: ShopOptions

    def place(self, **asked: object) -> list[dict[str, Any]]:
        """Let buyers order."""
        answer = HTTP.post(f"{self.url}/control/orders", json=asked).raise_for_status()
        orders: list[dict[str, Any]] = answer.json()["orders"]
        return orders

    def act(self, order_id: int, what: str, **asked: object) -> None:
        """Let something happen to an order."""
        HTTP.post(f"{self.url}/control/orders/{order_id}/{what}", json=asked).raise_for_status()

    def fault(self, name: str, **asked: object) -> None:
        """Switch a fault on."""
        HTTP.put(f"{self.url}/control/faults/{name}", json=asked).raise_for_status()

    def books(self, kind: str = "") -> list[dict[str, Any]]:
        """Read the books."""
        entries = HTTP.get(f"{self.url}/control/books").raise_for_status().json()["documents"]
        return [it for it in entries if kind in ("", it["kind"])]

    def counters(self) -> dict[str, int]:
        """Read the counters."""
        found: dict[str, int] = HTTP.get(f"{self.url}/control/counters").json()
        return found

    def get(self, path: str, **query: str) -> httpx.Response:
        """Ask the Admin API."""
        return HTTP.get(f"{self.url}/admin/api/2026-07{path}", params=query, headers=self.headers)

    def post(self, path: str, body: object) -> httpx.Response:
        """Tell the Admin API."""
        return HTTP.post(f"{self.url}/admin/api/2026-07{path}", json=body, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        """The credential."""
        return {"X-Shopify-Access-Token": self.options.access_token}


@contextmanager
def shop(**options: Any) -> Iterator[RunningShop]:
    """Run a shop for as long as the block lasts."""
    wanted = ShopOptions(**{**QUICK, **options})
    with served(lambda: shopify_shop(wanted)) as url:
        yield RunningShop(url, wanted)


@dataclass
class Receiver:
    """Takes webhooks; answers what `answers` says, the last one for ever."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def topics(self) -> list[str]:
        """The topics of what came, in order."""
        return [headers["x-shopify-topic"] for headers, _ in self.taken]


@contextmanager
def receiver(*answers: int) -> Iterator[Receiver]:
    """Listen for webhooks on a free port."""
    told = Receiver(answers=list(answers) or [200])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told.taken.append((headers, body))
            status = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Patient(ThreadingHTTPServer):
        request_queue_size = 128  # many deliveries connect at once

    server = Patient(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/hooks"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_S)
