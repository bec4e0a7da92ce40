"""A gateway as stores see it: takes batches, loses some answers, knows what it took before."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Tills:
    """What was taken, by natural key; the first ``lose`` batches are taken and not answered."""

    lose: int = 0
    url: str = ""
    posts: int = 0
    sales: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, batch: dict[str, Any]) -> list[dict[str, Any]]:
        """Take a batch; the results."""
        return [self._taken(batch["store"], it) for it in batch["transactions"]]

    def _taken(self, store: str, item: dict[str, Any]) -> dict[str, Any]:
        if "kind" in item:
            return {"status": "noted"}
        name = f"{store}/{item['business_date']}/{item['register']}/{item['sequence']}"
        known = name in self.sales
        sale = self.sales.setdefault(name, {**item, "transaction_id": f"0a-{len(self.sales)}"})
        status = "replayed" if known else "accepted"
        return {"status": status, "transaction_id": sale["transaction_id"]}


@contextmanager
def tills(lose: int = 0) -> Iterator[Tills]:
    """Serve for as long as the block lasts."""
    taken = Tills(lose)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            with lock:
                taken.posts += 1
                results = taken.take(json.loads(self.rfile.read(length)))
                if taken.posts <= taken.lose:
                    self.close_connection = True
                    return
            body = json.dumps({"results": results}).encode()
            self.send_response(207)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    taken.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()
