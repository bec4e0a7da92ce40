"""Channels of the demo: what they sold is waited for, and what never came is said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loadtests.channels.port import Entry, Gateway, Sold
from loadtests.demo import market as markets
from loadtests.demo.board import Board
from loadtests.demo.folder import WorkFolder
from loadtests.demo.gateway import Gateway as Commands
from loadtests.demo.guard import Guard
from loadtests.demo.market import DRIVEN, SHARES, Market
from loadtests.events import EventLog, read_events
from loadtests.gaps import Gap, Gaps
from loadtests.journal import read_journal
from loadtests.messages import ORDER, RETURN, Message, order_key
from tests.serving import Asked, served
from tests.unit.loadtests_demo.doubles import SaidStage, Time

AT = datetime.now(UTC)


class Fixed:
    """A channel that sold one thing."""

    name = "shop-nl"
    lingers_s = 0.0

    def __init__(self, process: str) -> None:
        self.process = process
        self.opened: list[tuple[str, Gateway, float]] = []

    def open(self, url: str, at: Gateway, rate_per_s: float) -> None:
        self.opened.append((url, at, rate_per_s))

    def sold(self, books: list[Entry]) -> list[Sold]:
        message = Message(
            process=self.process, channel=self.name, object_key=order_key(self.name, "1"),
            object_reference="1", reference="1", legal_entity="NL01", currency="EUR", lines=(),
            total=None,
        )  # fmt: skip
        return [Sold(message, AT) for _ in books]


class Commanded(Commands):
    """Says how far the poll is."""

    polled: Mapping[str, datetime] = {}

    reports: Sequence[list[dict[str, Any]]] = ()
    asked = 0

    def stores(self) -> list[dict[str, Any]]:
        self.asked += 1
        return self.reports[min(self.asked, len(self.reports)) - 1]

    def pulled_until(self) -> dict[str, datetime]:
        return dict(self.polled)


@pytest.fixture
def url() -> Iterator[str]:
    """A simulator and a gateway at one address; the gateway knows the order when it is asked."""
    answers: dict[str, Any] = {
        "/control/books?after=0": {"documents": [{"kind": "order"}]},
        "/control/counters": {"webhooks_missing": 2},
        "/v1/orders/1": {
            "transactions": [
                {"process": ORDER, "reference": "1", "transaction_id": "0a-1",
                 "accepted_at": AT.isoformat()}
            ]
        },
    }  # fmt: skip

    def answer(asked: Asked) -> tuple[int, object]:
        return 200, answers[asked.path]

    with served(answer) as address:
        yield address


class Scene:
    """A market with one channel."""

    def __init__(self, url: str, guard: Guard, folder: Path, process: str) -> None:
        stage = SaidStage(Time(), [], guard)
        for child in stage.gateways:
            child.announced = {"url": url}
        stage.channels = {"shop-nl": stage.gateways[0]}
        self.folder = WorkFolder(folder, temporary=False)
        self.folder.keys.write_text(json.dumps({"shop-nl": "key"}))
        self.board = Board("demo")
        self.commands = Commanded({})
        log = EventLog(self.folder.events)
        self.market = Market(stage, self.folder, self.board, log, self.commands, date(2026, 11, 21))
        self.source = Fixed(process)
        self.market.sources = (self.source,)  # type: ignore[assignment]  # -- as much as is asked of

    def settle(self) -> str:
        (path,) = self.market.settle(lambda: None)
        (entry,) = read_journal(path).messages
        return entry.transaction_id


def test_what_the_gateway_knows_is_written_down(url: str, guard: Guard, tmp_path: Path) -> None:
    scene = Scene(url, guard, tmp_path, ORDER)
    assert scene.settle() == "0a-1"
    assert scene.market.sales.read()["shop-nl"] == 1, "the view counts what the audit counts"
    assert "knows of all of it" in scene.board.notes()[-1].text
    (counted,) = read_events(scene.folder.events).channels
    assert counted.counters == {"webhooks_missing": 2}


def test_a_return_a_poll_found_is_not_waited_for_once_the_poll_has_passed(
    url: str, guard: Guard, tmp_path: Path
) -> None:
    scene = Scene(url, guard, tmp_path, RETURN)
    scene.commands.polled = {"shop-nl": AT + timedelta(seconds=1)}
    assert scene.settle() == ""
    assert scene.board.notes()[-1].kind == "good"


def test_what_never_comes_is_said_and_left_to_the_audit(
    url: str, guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markets, "KNOWN_WITHIN_S", 0.1)
    monkeypatch.setattr(markets, "LOOK_S", 0.02)
    scene = Scene(url, guard, tmp_path, RETURN)
    scene.commands.polled = {"shop-nl": AT - timedelta(seconds=1)}
    assert scene.settle() == ""
    assert "1 never came, 1 first" in scene.board.notes()[-1].text


def stores_day(*gaps: list[int]) -> list[dict[str, Any]]:
    return [{"store": "NL-001", "registers": [{"register": "1", "gaps": list(gaps)}]}]


def test_what_registers_lost_is_asked_for_until_it_is_in_the_record(
    url: str, guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markets, "LOOK_S", 0.01)
    scene = Scene(url, guard, tmp_path, ORDER)
    scene.market._stage.channels["pos"] = scene.market._stage.channels["shop-nl"]
    scene.commands.reports = [stores_day([2, 2]), stores_day()]
    assert scene.market.gaps() == Gaps(frozenset(), ())
    assert scene.commands.asked == 2
    monkeypatch.setattr(markets, "RECORDED_WITHIN_S", 0.05)
    scene.commands.reports = [stores_day([2, 3])]
    assert scene.market.gaps().reported == (Gap("NL-001", "1", 2, 3),), "the audit's to judge"


def test_every_channel_has_a_share_and_the_driver_the_rest(
    url: str, guard: Guard, tmp_path: Path
) -> None:
    scene = Scene(url, guard, tmp_path, ORDER)
    market = Market(
        SaidStage(Time(), [], guard), scene.folder, scene.board, EventLog(scene.folder.events),
        scene.commands, date(2026, 11, 21),
    )  # fmt: skip
    assert {it.name for it in market.sources} == set(SHARES)
    assert 0 < DRIVEN < 1
    assert sum(SHARES.values()) + DRIVEN == pytest.approx(1)


def test_channels_are_opened_at_their_share_of_the_rate(
    url: str, guard: Guard, tmp_path: Path
) -> None:
    scene = Scene(url, guard, tmp_path, ORDER)
    scene.market.open(20.0)
    ((at, gateway, rate),) = scene.source.opened
    assert (at, gateway.url, gateway.key) == (url, url, "key")
    assert rate == 20.0 * SHARES["shop-nl"]
    (day,) = read_events(scene.folder.events).days
    assert day.business_date == "2026-11-20", "the stores' first day"
