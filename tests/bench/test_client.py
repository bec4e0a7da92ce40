"""The load client reads answers whole, keeps to its rate, and counts from when a call was due."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.bench.client import closed, opened, post

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"


class Handler(socketserver.StreamRequestHandler):
    """Answers in ``pieces`` and stalls before its server's first answer."""

    pieces: tuple[bytes, ...]
    stalls: list[float]

    def handle(self) -> None:
        while head := self.rfile.readline():
            length = 0
            while head.strip():
                name, _, value = head.partition(b": ")
                length = int(value) if name.lower() == b"content-length" else length
                head = self.rfile.readline()
            self.rfile.read(length)
            time.sleep(self.stalls.pop() if self.stalls else 0)
            for piece in self.pieces:
                self.wfile.write(piece)
                time.sleep(0.001)


@contextmanager
def server(pieces: tuple[bytes, ...] = (ANSWER,), stall_s: float = 0) -> Iterator[str]:
    """Serve until the block ends; yields the URL."""
    handler = type("Own", (Handler,), {"pieces": pieces, "stalls": [stall_s]})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()
        thread.join()


def requests(url: str) -> bytes:
    return post(f"{url}/v1/orders", b'{"a":1}', {"X": "y"})


@pytest.mark.parametrize(
    "pieces", [(ANSWER,), (ANSWER[:20], ANSWER[20:]), (ANSWER[:-1], ANSWER[-1:])]
)
def test_answers_are_read_whole_however_they_come(pieces: tuple[bytes, ...]) -> None:
    with server(pieces) as url:
        load = closed(url, 4, 0.1, lambda: requests(url))
    assert set(load.statuses) == {202}
    assert sum(load.statuses.values()) == len(load.latencies_s) >= 4
    assert load.client_cpu_s > 0


def test_an_offered_rate_is_offered_whatever_the_server_does() -> None:
    with server() as url:
        load = opened(url, 4, 0.2, 100, lambda: requests(url))
    assert load.statuses == {202: 20}


def test_what_waits_behind_a_slow_answer_counts_from_when_it_was_due() -> None:
    with server(stall_s=0.2) as url:
        load = opened(url, 1, 0.1, 50, lambda: requests(url))
    assert load.statuses == {202: 5}
    # Due after 0, 20, 40, 60, 80 ms; the first is answered after 200 at the earliest.
    assert all(it >= 0.2 - n * 0.02 for n, it in enumerate(load.latencies_s))
