"""Sending over real HTTP: the same request again until it is answered, and all of it journaled."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from loadtests.answers import Answer
from loadtests.baskets import Baskets
from loadtests.journal import Journal, JournalWriter, read_journal
from loadtests.messages import Request, read
from loadtests.pos import BusinessDays, PosEstate
from loadtests.scenario import PosPlan, Retry
from loadtests.sender import Clock, Conclusion, Sender
from loadtests.templates import load_fixtures
from tests.unit.loadtests.fake_channel import Behaviour, Claims, FakeChannel

FIXTURES = load_fixtures()
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
RETRY = Retry(attempts_max=4, pause_s=0.01, pause_s_max=0.02, retry_after_s_max=3)


def exchange(gateway: str, request: Request) -> Answer:
    """One exchange with the standard library's client."""
    connection = http.client.HTTPConnection(urlsplit(gateway).netloc, timeout=5)
    try:
        connection.request(
            request.method, request.path, request.body.encode() or None, dict(request.headers)
        )
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, error=f"{type(error).__name__}: {error}")
    finally:
        connection.close()


class Bench:
    """A sender with a clock of its own: pauses take no time, and are written down."""

    def __init__(self, tmp_path: Path, *gateways: str) -> None:
        self.path = tmp_path / "journal.jsonl"
        self.now_s = 100.0
        self.slept: list[float] = []
        self.heard: list[Conclusion] = []
        self._writer = JournalWriter(self.path)
        clock = Clock(self._tick, lambda: NOW, self._sleep)
        self.sender = Sender(gateways, RETRY, self._writer, clock, Random(1), self.heard.append)

    def journal(self) -> Journal:
        self._writer.close()
        return read_journal(self.path)

    def _tick(self) -> float:
        self.now_s += 0.25
        return self.now_s

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def order(key_percent: float = 100) -> Request:
    baskets = Baskets(FIXTURES, FIXTURES.webshop, "TEST", Random(5), lambda: NOW, key_percent)
    return baskets.order("webshop-000001")


def batch() -> Request:
    plan = PosPlan(weight=1, batch_max=5, duplicate_percent=100)
    days = BusinessDays(date(2026, 11, 21), 1)
    return PosEstate(FIXTURES, plan, days, Random(4), lambda: NOW).batch("pos-000001", 0.0)


def only(*behaviours: Behaviour) -> Callable[[int, str], Behaviour]:
    """These, one a request; then what is normal."""
    return lambda number, _: behaviours[number - 1] if number <= len(behaviours) else Behaviour()


def test_an_answer_at_once_is_one_attempt(tmp_path: Path) -> None:
    with FakeChannel() as channel:
        bench = Bench(tmp_path, channel.url)
        conclusion = bench.sender.send(order(), 99.0, exchange)
    assert (conclusion.state, conclusion.attempts) == ("accepted", 1)
    journal = bench.journal()
    (attempt,) = journal.attempts
    (entry,) = journal.messages
    assert (attempt.status, attempt.attempt, attempt.gateway) == (202, 1, channel.url)
    assert (entry.state, entry.replayed, entry.attempts) == ("accepted", False, 1)
    assert entry.transaction_id == conclusion.outcomes[0].transaction_id
    assert entry.message == order().messages[0]
    assert entry.intended == 99.0 < entry.sent <= attempt.sent < attempt.answered == entry.answered
    assert conclusion.latency_ms == (attempt.answered - 99.0) * 1000
    assert bench.heard == [conclusion]


@pytest.mark.parametrize("key_percent", [0, 100])
def test_a_lost_answer_is_asked_for_with_the_same_key_elsewhere(
    tmp_path: Path, key_percent: float
) -> None:
    claims = Claims()
    with FakeChannel(claims, only(Behaviour(status=0))) as one, FakeChannel(claims) as two:
        bench = Bench(tmp_path, one.url, two.url)
        conclusion = bench.sender.send(order(key_percent), 100.0, exchange)
    (first,), (second,) = one.seen, two.seen
    assert first.body == second.body
    assert first.key == second.key
    assert (first.key is not None) == (key_percent == 100)
    assert conclusion.outcomes[0].replayed
    assert len(claims.by_body) == 1
    journal = bench.journal()
    assert [one.status for one in journal.attempts] == [0, 202]
    assert journal.attempts[0].error
    assert [one.gateway for one in journal.attempts] == [one.url, two.url]
    (entry,) = journal.messages
    assert (entry.state, entry.replayed, entry.attempts) == ("accepted", True, 2)
    assert entry.sent <= journal.attempts[0].sent


def test_nobody_there_is_no_answer(tmp_path: Path) -> None:
    with FakeChannel() as gone:
        dead = gone.url
    with FakeChannel() as channel:
        bench = Bench(tmp_path, dead, channel.url)
        assert bench.sender.send(order(), 100.0, exchange).state == "accepted"
    assert [one.status for one in bench.journal().attempts] == [0, 202]


def test_retry_after_is_waited_for(tmp_path: Path) -> None:
    busy = only(
        Behaviour(status=503, retry_after="2", takes_it=False),
        Behaviour(status=429, retry_after="60", takes_it=False),
    )
    with FakeChannel(behave=busy) as channel:
        bench = Bench(tmp_path, channel.url)
        assert bench.sender.send(order(), 100.0, exchange).state == "accepted"
    assert bench.slept == [2.0, 3.0]  # 60 s are more than this channel waits
    assert [one.status for one in bench.journal().attempts] == [503, 429, 202]


def test_attempts_are_bounded_and_the_rest_is_unknown(tmp_path: Path) -> None:
    with FakeChannel(behave=lambda _n, _p: Behaviour(status=503, takes_it=False)) as channel:
        bench = Bench(tmp_path, channel.url)
        conclusion = bench.sender.send(order(), 100.0, exchange)
        assert len(channel.seen) == 4
    assert (conclusion.state, conclusion.latency_ms) == ("unknown", None)
    assert conclusion.accepted() == set()
    (entry,) = bench.journal().messages
    assert (entry.state, entry.answered, entry.attempts) == ("unknown", None, 4)
    assert entry.error == "503 come again"


def test_a_refusal_is_not_repeated(tmp_path: Path) -> None:
    with FakeChannel(behave=lambda _n, _p: Behaviour(status=422, takes_it=False)) as channel:
        bench = Bench(tmp_path, channel.url)
        conclusion = bench.sender.send(order(), 100.0, exchange)
        assert len(channel.seen) == 1
    assert conclusion.state == "rejected"
    (entry,) = bench.journal().messages
    assert (entry.state, entry.status, entry.error) == ("rejected", 422, "422 come again")
    assert entry.answered is not None


def test_a_batch_is_concluded_item_by_item(tmp_path: Path) -> None:
    request = batch()
    with FakeChannel(behave=only(Behaviour(status=0))) as channel:
        bench = Bench(tmp_path, channel.url)
        conclusion = bench.sender.send(request, 100.0, exchange)
        assert {seen.body for seen in channel.seen} == {request.body}
        assert len(channel.claims.by_body) == len({one.reference for one in request.messages})
    entries = bench.journal().messages
    assert [entry.message for entry in entries] == list(request.messages)
    assert all(entry.replayed for entry in entries)
    assert {entry.request for entry in entries} == {request.id}
    by_reference = {entry.message.reference: entry.transaction_id for entry in entries}
    assert len(by_reference) == len(entries) - 1  # the batch holds one receipt twice
    assert conclusion.accepted() == set(by_reference)


def test_reads_are_journaled_as_reads(tmp_path: Path) -> None:
    behave = only(Behaviour(), Behaviour(status=404, takes_it=False))
    with FakeChannel(behave=behave) as channel:
        bench = Bench(tmp_path, channel.url)
        for number in (1, 2):
            request = read(f"s-{number}", "catalog.price", "webshop", "/v1/prices/TEE-BLK-M")
            bench.sender.send(request, 100.0, exchange)
    journal = bench.journal()
    assert journal.messages == []
    assert [(one.state, one.status) for one in journal.reads] == [
        ("answered", 200),
        ("rejected", 404),
    ]


def test_gateways_take_turns(tmp_path: Path) -> None:
    with FakeChannel() as one, FakeChannel() as two:
        bench = Bench(tmp_path, one.url, two.url)
        for number in range(6):
            bench.sender.send(read(f"s-{number}", "p", "webshop", "/v1/x"), 100.0, exchange)
        assert (len(one.seen), len(two.seen)) == (3, 3)
    assert len(bench.journal().reads) == 6


class Stopped(BaseException):
    """As GreenletExit: the grace period is over."""


def test_stopped_while_waiting_it_journals_what_is_known(tmp_path: Path) -> None:
    def stop(_gateway: str, _request: Request) -> Answer:
        raise Stopped

    bench = Bench(tmp_path, "http://127.0.0.1:1")
    with pytest.raises(Stopped):
        bench.sender.send(order(), 100.0, stop)
    (entry,) = bench.journal().messages
    assert (entry.state, entry.answered, entry.attempts) == ("unknown", None, 1)
    assert entry.error == "stopped before an answer came"
    assert [one.state for one in bench.heard] == ["unknown"]
