"""A server between a worker and an ERP that takes requests and passes them on when it is told."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import httpx

HOLD_S_MAX = 60.0


class Holding:
    """Forwards to ``target``; a POST whose path contains ``what`` is held until :meth:`let_go`.

    What it has taken arrives at the ERP in the end, whether or not the sender still lives.
    """

    def __init__(self, target: str, what: str) -> None:
        self.held = threading.Event()
        self.passed_on = 0
        self._released = threading.Event()
        holding = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                holding._forward(self, target, what)

            def do_GET(self) -> None:
                holding._forward(self, target, what)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.let_go()
        self._server.shutdown()
        self._server.server_close()

    def let_go(self) -> None:
        """Pass on what is held, and hold nothing more."""
        self._released.set()

    def _forward(self, request: BaseHTTPRequestHandler, target: str, what: str) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {k: v for k, v in request.headers.items() if k.lower() != "host"}
        if request.command == "POST" and what in request.path and not self._released.is_set():
            self.held.set()
            self._released.wait(HOLD_S_MAX)
            self.passed_on += 1
        answer = httpx.request(
            request.command, target + request.path, content=body, headers=headers, timeout=30
        )
        try:
            request.send_response(answer.status_code)
            request.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
            request.send_header("Content-Length", str(len(answer.content)))
            request.end_headers()
            request.wfile.write(answer.content)
        except OSError:
            return  # the sender has gone; the ERP has it all the same
