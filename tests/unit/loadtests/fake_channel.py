"""A small channel API on a port of its own: claims, replays, and misbehaviour on request.

Real HTTP over real sockets; only what is behind the API is missing.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; ``at`` in monotonic seconds."""

    gateway: str
    method: str
    path: str
    key: str | None
    authorization: str | None
    body: str
    at: float


@dataclass(frozen=True)
class Behaviour:
    """What to do with a request: ``status`` 0 takes it and drops the connection."""

    status: int = 200
    retry_after: str | None = None
    delay_s: float = 0.0
    takes_it: bool = True


@dataclass
class Claims:
    """Transaction ids by body, shared by all gateways of a test."""

    by_body: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def claim(self, path: str, body: Any) -> tuple[str, bool]:
        """The transaction id of a body, and whether it was seen before."""
        text = path + json.dumps(body, sort_keys=True)
        with self.lock:
            known = text in self.by_body
            transaction_id = self.by_body.setdefault(text, f"0a-{len(self.by_body):026}")
        return transaction_id, known


class FakeChannel:
    """A gateway to the driver: serves until the ``with`` block ends."""

    def __init__(
        self,
        claims: Claims | None = None,
        behave: Callable[[int, str], Behaviour] = lambda _number, _path: Behaviour(),
    ) -> None:
        self.claims = claims or Claims()
        self.behave = behave
        self.seen: list[Seen] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def note(self, seen: Seen) -> int:
        """Keep what arrived; its number, from 1."""
        with self._lock:
            self.seen.append(seen)
            return len(self.seen)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        channel = self

        class Handler(_Handler):
            owner = channel

        return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FakeChannel

    def do_GET(self) -> None:
        self._serve("")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def log_message(self, *args: object) -> None:
        """Say nothing: the tests look at what was seen."""

    def _serve(self, body: str) -> None:
        number = self.owner.note(
            Seen(
                self.owner.url,
                self.command,
                self.path,
                self.headers["Idempotency-Key"],
                self.headers["Authorization"],
                body,
                time.monotonic(),
            )
        )
        behaviour = self.owner.behave(number, self.path)
        time.sleep(behaviour.delay_s)
        status, headers, answer = 200, dict[str, str](), dict[str, Any]()
        if behaviour.takes_it:
            status, headers, answer = self._taken(body)
        if behaviour.status == 0:
            self.close_connection = True
            return
        if behaviour.status != 200:
            status, headers = behaviour.status, {}
            answer = {"title": "not now", "status": status, "detail": "come again"}
        if behaviour.retry_after is not None:
            headers["Retry-After"] = behaviour.retry_after
        self._answer(status, headers, answer)

    def _taken(self, body: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        if not body:
            return 200, {}, {"sku": "TEE-BLK-M"}
        content = json.loads(body)
        if self.path == "/v1/store-sales":
            return (
                207,
                {},
                {"results": [self._item(content["store"], t) for t in content["transactions"]]},
            )
        transaction_id, known = self.owner.claims.claim(self.path, content)
        headers = {"Idempotency-Replayed": "true"} if known else {}
        return 202, headers, {"transaction_id": transaction_id, "status": "accepted"}

    def _item(self, store: str, sale: dict[str, Any]) -> dict[str, Any]:
        transaction_id, known = self.owner.claims.claim(store, sale)
        identity = {name: sale[name] for name in ("register", "sequence", "business_date")}
        status = "replayed" if known else "accepted"
        return {**identity, "status": status, "transaction_id": transaction_id}

    def _answer(self, status: int, headers: dict[str, str], content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
