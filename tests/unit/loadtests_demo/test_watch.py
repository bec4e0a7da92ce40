"""What the view is fed with: a gateway's metrics, both ERPs' counters, the driver's journal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from loadtests.demo.board import Board, ErpReading
from loadtests.demo.guard import Guard
from loadtests.demo.tail import JournalTail
from loadtests.demo.watch import EVERY_S, Watch
from tests.unit.loadtests_demo.doubles import SaidChild, SaidStage, Time

METRICS = b"""\
coexist_backlog{what="legacy"} 12.0
coexist_backlog{what="cloud"} 3.0
coexist_backlog{what="flight"} 4.0
coexist_backlog{what="held"} 1.0
coexist_erp_quota{erp="cloud",reading="in_flight"} 5.0
coexist_erp_quota{erp="cloud",reading="in_window"} 77.0
coexist_erp_quota{erp="cloud",reading="closed_s"} 1.5
"""


class Metrics(BaseHTTPRequestHandler):
    """Answers the ops key only."""

    def do_GET(self) -> None:
        good = self.headers["Authorization"] == "Bearer ops-key" and self.path == "/metrics"
        self.send_response(200 if good else 401)
        self.end_headers()
        self.wfile.write(METRICS if good else b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- as inherited
        """Say nothing."""


class Living(SaidChild):
    """A process that is said to be alive."""

    def alive(self) -> bool:
        return True


@pytest.fixture
def served() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Metrics) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def stage(guard: Guard) -> SaidStage:
    made = SaidStage(Time(), [], guard)
    made.controls["cloud"].counted |= {"booked": 40, "throttled_429": 7, "throttled_503": 2}
    return made


@pytest.fixture
def board() -> Board:
    return Board("demo")


def watched(board: Board, stage: SaidStage, journal: Path) -> int:
    """Watch until something was drawn; how often."""
    drawn = threading.Event()
    tail = JournalTail(journal)
    watch = Watch(board, stage, "ops-key", tail, drawn.set, lambda: {"pos": 6, "shop-nl": 4})
    watch.start()
    assert drawn.wait(EVERY_S * 10)
    watch.end()
    return not watch.is_alive()


def gateway(guard: Guard, name: str, url: str) -> Living:
    made = Living(name, [], Path("nowhere"), {}, guard)
    made.announced = {"url": url}
    return made


def test_a_reading_joins_metrics_counters_and_journal(
    board: Board, stage: SaidStage, guard: Guard, served: str, tmp_path: Path
) -> None:
    stage.gateways = [gateway(guard, "gateway-1", served)]
    stage.controls["cloud"].switch_on("outage", {})
    journal = tmp_path / "journal.jsonl"
    taken = '{"entry": "message", "state": "accepted", "transaction_id": "a", "replayed": false'
    journal.write_text('{"entry": "read"}\n' + taken + ', "intended": 1, "answered": 2}\n')
    assert watched(board, stage, journal)
    reading = board.reading
    assert (reading.flight, reading.held, reading.parked) == (4, 1, 0)
    assert reading.erps["legacy"].waiting == 12
    assert reading.erps["cloud"] == ErpReading(
        waiting=3, open_calls=5, in_window=77, closed_s=1.5, booked=40, throttled=9,
        faults=("outage",),
    )  # fmt: skip
    assert reading.traffic.reads == 1
    assert reading.sold == {"pos": 6, "shop-nl": 4}
    assert reading.taken == 11


def test_a_killed_gateway_is_passed_over(
    board: Board, stage: SaidStage, guard: Guard, served: str, free_port: int, tmp_path: Path
) -> None:
    dead = gateway(guard, "gateway-1", f"http://127.0.0.1:{free_port}")
    stage.gateways = [dead, gateway(guard, "gateway-2", served)]
    watched(board, stage, tmp_path / "journal.jsonl")
    assert board.reading.erps["legacy"].waiting == 12


def test_what_cannot_be_read_keeps_its_last_value(
    board: Board, stage: SaidStage, guard: Guard, served: str, tmp_path: Path
) -> None:
    journal = tmp_path / "journal.jsonl"
    stage.gateways = [gateway(guard, "gateway-1", served)]
    watched(board, stage, journal)
    stage.gateways = []
    stage.controls["cloud"].counted["booked"] = 41
    stage.controls["legacy"].silent = True
    watched(board, stage, journal)
    assert (board.reading.flight, board.reading.erps["legacy"].waiting) == (4, 12)
    assert board.reading.erps["cloud"].booked == 41
