"""A small server of tests, on a free port of this machine, in a thread of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """A request."""

    path: str
    headers: Message
    body: bytes


#: Returns status and JSON of an answer; None hangs up without one.
Answer = Callable[[Asked], tuple[int, object] | None]


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """Serve while the block runs; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            found = answer(Asked(self.path, self.headers, self.rfile.read(length)))
            if found is None:
                self.close_connection = True
                return
            text = json.dumps(found[1]).encode()
            self.send_response(found[0])
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
