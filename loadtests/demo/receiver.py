"""Whoever is to be told: takes the gateway's webhooks, and believes only what is signed well.

Signed as Standard Webhooks has it: ``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA256
over ``id.timestamp.body`` under the secret (standardwebhooks.com).
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
from collections.abc import Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: Nothing the gateway says is longer.
BODY_BYTES_MAX = 1 << 20


class Receiver:
    """Listens on this machine from when it is made until :meth:`close`."""

    def __init__(self) -> None:
        self.secret = secrets.token_urlsafe(24)
        self._told: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Take one post and return the status of its answer: 204, or 401 if it is not signed."""
        signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
        digest = hmac.new(self.secret.encode(), signed, sha256).digest()
        wanted = "v1," + base64.b64encode(digest).decode()
        if not hmac.compare_digest(headers.get("webhook-signature", ""), wanted):
            return 401
        with self._news:
            self._told.append(json.loads(body))
            self._news.notify_all()
        return 204

    def told(self, kind: str, within_s: float) -> dict[str, Any] | None:
        """The data of the first notice of a kind, waited for ``within_s``; None if none came."""
        with self._news:
            self._news.wait_for(lambda: self._of(kind), within_s)
            found = self._of(kind)
        return dict(found[0]["data"]) if found else None

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self._told if one["type"] == kind]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self.take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("content-length", 0)), BODY_BYTES_MAX)
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(take(headers, self.rfile.read(length)))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name
                """Say nothing: the board does."""

        return Handler
