"""`coexist load run` as it is run: a process of its own, over real HTTP, to its own end.

Locust patches the standard library when it is imported, so no test imports it: each run is a child
process, as it is for the demo.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.audit import Evidence, audit
from loadtests.events import Events
from loadtests.journal import Journal, read_journal
from tests.unit.loadtests.fake_channel import Behaviour, Claims, FakeChannel

ROOT = Path(__file__).parents[3]
KEYS = {"webshop": "key-w", "marketplace": "key-m", "pos": "key-p", "returns-desk": "key-r"}


@dataclass(frozen=True)
class Ran:
    """A finished run."""

    exit_code: int
    out: str
    journal: Journal
    summary: dict[str, Any]
    seconds: float


def command(folder: Path, scenario: str, gateways: Sequence[str], *more: str) -> list[str]:
    (folder / "keys.json").write_text(json.dumps(KEYS), "utf-8")
    named = [sys.executable, "-m", "gateway", "load", "run", scenario, *more]
    for url in gateways:
        named += ["--gateway", url]
    for name, file in (("keys", "keys.json"), ("journal", "j.jsonl"), ("json", "summary.json")):
        named += [f"--{name}", str(folder / file)]
    return named


def run(folder: Path, scenario: str, gateways: Sequence[str], *more: str) -> Ran:
    began = time.monotonic()
    done = subprocess.run(
        command(folder, scenario, gateways, *more),
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (folder / "summary.json").exists(), done.stderr
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    journal = read_journal(folder / "j.jsonl")
    return Ran(
        done.returncode, done.stdout + done.stderr, journal, summary, time.monotonic() - began
    )


def scenario(folder: Path, users: dict[str, Any], **more: Any) -> str:
    content = {"scenario": "test", "shape": {"kind": "constant"}, "users": users, **more}
    path = folder / "scenario.yaml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    return str(path)


def shaky(number: int, path: str) -> Behaviour:
    """Every fifth write loses its answer; every seventh is told to come again."""
    if path.startswith("/v1/prices") or number % 35 == 0:
        return Behaviour()
    if number % 5 == 0:
        return Behaviour(status=0)
    if number % 7 == 0:
        return Behaviour(status=503, retry_after="0.3", takes_it=False)
    return Behaviour()


@dataclass(frozen=True)
class ShakyRun:
    """The demo's traffic against two gateways that lose answers."""

    ran: Ran
    one: FakeChannel
    two: FakeChannel


@pytest.fixture(scope="module")
def shaky_run(tmp_path_factory: pytest.TempPathFactory) -> ShakyRun:
    folder = tmp_path_factory.mktemp("shaky")
    claims = Claims()
    with FakeChannel(claims, shaky) as one, FakeChannel(claims, shaky) as two:
        options = ("--rate", "60", "--duration", "4", "--seed", "42")
        ran = run(folder, "demo", [one.url, two.url], *options, "--business-date", "2026-11-21")
    return ShakyRun(ran, one, two)


def test_a_run_ends_by_itself_with_every_request_concluded(shaky_run: ShakyRun) -> None:
    ran = shaky_run.ran
    assert ran.exit_code == 0, ran.out
    assert ran.seconds < 40
    assert ran.journal.ended is not None
    assert ran.summary["unknown"] == ran.summary["rejected"] == 0
    assert ran.summary["requests"] > 120
    assert ran.summary["attempts"] > ran.summary["requests"]
    assert ran.summary["faults"] == []
    assert "60 requests/s" in ran.out


def test_both_gateways_are_used_in_turn(shaky_run: ShakyRun) -> None:
    used = Counter(attempt.gateway for attempt in shaky_run.ran.journal.attempts)
    assert abs(used[shaky_run.one.url] - used[shaky_run.two.url]) <= 1
    assert used.total() == shaky_run.ran.summary["attempts"]
    # The HTTP client itself repeats a GET whose connection broke, but never a POST.
    writes = [seen for seen in (*shaky_run.one.seen, *shaky_run.two.seen) if seen.body]
    attempts = [one for one in shaky_run.ran.journal.attempts if one.status not in (200, 0)]
    lost = [one for one in shaky_run.ran.journal.attempts if one.status == 0]
    assert len(attempts) < len(writes) <= len(attempts) + len(lost)


def test_a_repeat_is_the_same_request_under_the_same_key(shaky_run: ShakyRun) -> None:
    journal = shaky_run.ran.journal
    by_request: dict[str, list[int]] = defaultdict(list)
    for attempt in journal.attempts:
        by_request[attempt.request].append(attempt.status)
    repeated = {request: statuses for request, statuses in by_request.items() if len(statuses) > 1}
    assert len(repeated) > 20
    for statuses in by_request.values():
        assert set(statuses[:-1]) <= {0, 503}
        assert statuses[-1] in (200, 202, 207)
    keys = defaultdict(set)
    for seen in (*shaky_run.one.seen, *shaky_run.two.seen):
        if seen.method == "POST":
            keys[seen.body].add(seen.key)
    assert all(len(named) == 1 for named in keys.values())
    assert {named is None for named in set().union(*keys.values())} == {True, False}
    # Never taken twice: one transaction for each message, whatever was lost on the way.
    accepted = {entry.transaction_id for entry in journal.messages}
    assert len(accepted) == len(shaky_run.one.claims.by_body)


def test_retry_after_is_waited_for(shaky_run: ShakyRun) -> None:
    by_request = defaultdict(list)
    for attempt in shaky_run.ran.journal.attempts:
        by_request[attempt.request].append(attempt)
    pauses = [
        later.sent - earlier.answered
        for attempts in by_request.values()
        for earlier, later in pairwise(attempts)
        if earlier.status == 503
    ]
    assert len(pauses) > 5
    assert min(pauses) >= 0.29


def test_each_channel_signs_with_its_own_key(shaky_run: ShakyRun) -> None:
    seen = (*shaky_run.one.seen, *shaky_run.two.seen)
    signed = {one.authorization for one in seen}
    assert signed == {f"Bearer {key}" for key in KEYS.values()}
    for one in seen:
        if one.path == "/v1/store-sales":
            assert one.authorization == "Bearer key-p"
        if one.path.startswith("/v1/inventory/"):
            assert one.authorization == "Bearer key-w"


def test_deliberate_repeats_are_answered_as_repeats(shaky_run: ShakyRun) -> None:
    entries = shaky_run.ran.journal.messages
    repeats = [entry for entry in entries if entry.message.repeat]
    assert len(repeats) > 5
    first = {
        (entry.message.process, entry.message.channel, entry.message.reference): entry
        for entry in reversed(entries)
        if not entry.message.repeat
    }
    for entry in repeats:
        message = entry.message
        original = first[message.process, message.channel, message.reference]
        assert entry.transaction_id == original.transaction_id
    replayed = sum(entry.replayed for entry in repeats)
    assert replayed == len(repeats)
    assert shaky_run.ran.summary["replayed"] > replayed / 2


def test_the_journal_has_all_the_audit_needs(shaky_run: ShakyRun) -> None:
    journal = shaky_run.ran.journal
    assert journal.run is not None
    assert (journal.run.seed, journal.run.scenario) == (42, "demo")
    assert (journal.run.business_date, journal.run.business_days) == ("2026-11-21", 2)
    assert journal.run.gateways == [shaky_run.one.url, shaky_run.two.url]
    processes = Counter(entry.message.process for entry in journal.messages)
    assert {"order.intake", "order.cancellation", "return.credit", "store.sale"} == set(processes)
    assert {read.process for read in journal.reads} >= {"inventory.availability"}
    for entry in journal.messages:
        assert journal.run.started <= entry.intended <= entry.sent
        assert entry.answered is not None
        assert entry.sent < entry.answered
        assert entry.gateway in journal.run.gateways
    days = {entry.message.facts.get("business_date") for entry in journal.messages} - {None}
    assert {"2026-11-20", "2026-11-21"} < days
    # Nothing was booked: the audit says so of each transaction, and of nothing else.
    report = audit(Evidence(journal, Events(), ()))
    assert {finding.kind for finding in report.findings} == {"lost"}
    assert report.lost == report.accepted > 150
    assert report.duplicates_answered > 5
    assert report.accept_p99_ms >= report.accept_p50_ms > 0


def test_follow_ups_are_sent_only_after_the_order_was_acknowledged(shaky_run: ShakyRun) -> None:
    answered: dict[str, float] = {}
    for entry in shaky_run.ran.journal.messages:
        message = entry.message
        if message.process == "order.intake" and not message.repeat:
            answered[message.object_key] = entry.answered or 0.0
    follow_ups = [
        entry
        for entry in shaky_run.ran.journal.messages
        if entry.message.process in ("order.cancellation", "return.credit")
        and not entry.message.object_reference.startswith("OLD-")
    ]
    assert len(follow_ups) > 20
    for entry in follow_ups:
        assert entry.sent > answered[entry.message.object_key]


def test_latency_counts_from_when_a_request_was_due(tmp_path: Path) -> None:
    users = {"shoppers": {"weight": 1, "users": 1, "mix": {"price": 1}}}
    slow = FakeChannel(behave=lambda _n, _p: Behaviour(delay_s=0.2))
    with slow:
        options = ("--rate", "15", "--duration", "2")
        ran = run(tmp_path, scenario(tmp_path, users), [slow.url], *options)
    assert ran.exit_code == 0, ran.out
    # One user, 5 a second at most, 15 a second due: what waits its turn is late, and says so.
    reads = ran.journal.reads
    assert len(reads) > 15
    answered = [one.answered - one.sent for one in reads if one.answered is not None]
    assert min(answered) < 0.5
    assert ran.summary["p50_ms"] > 500
    assert ran.summary["p99_ms"] > 1500
    late = [one.sent - one.intended for one in reads]
    assert late[-1] > late[0] + 1.5


def test_the_grace_period_is_bounded_and_what_is_open_is_unknown(tmp_path: Path) -> None:
    users = {"webshop": {"weight": 1, "users": 4, "mix": {"order": 1}}}
    retry = {"timeout_s": 60, "attempts_max": 2}
    silent = FakeChannel(behave=lambda _n, _p: Behaviour(delay_s=30))
    with silent:
        path = scenario(tmp_path, users, grace_s=1, retry=retry)
        ran = run(tmp_path, path, [silent.url], "--rate", "10", "--duration", "1")
    assert ran.exit_code == 1
    assert ran.seconds < 25  # the silent gateway answers after 30
    assert ran.journal.ended is not None
    assert {entry.state for entry in ran.journal.messages} == {"unknown"}
    assert len(ran.journal.messages) == ran.summary["requests"] == ran.summary["unknown"] == 4
    assert "4 x order.intake: stopped before an answer came" in ran.out


def test_asked_to_stop_it_concludes_what_is_open(tmp_path: Path) -> None:
    users = {"webshop": {"weight": 1, "users": 8, "mix": {"order": 1}}}
    with FakeChannel(behave=lambda _n, _p: Behaviour(delay_s=0.05)) as channel:
        path = scenario(tmp_path, users)
        named = command(tmp_path, path, [channel.url], "--rate", "10", "--duration", "50")
        child = subprocess.Popen(named, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 20
            while len(channel.seen) < 5 and time.monotonic() < deadline:
                time.sleep(0.05)
            os.kill(child.pid, signal.SIGTERM)
            out, _ = child.communicate(timeout=10)
        finally:
            child.kill()
            child.wait(timeout=5)
    assert child.returncode == 0, out.decode()
    journal = read_journal(tmp_path / "j.jsonl")
    assert journal.ended is not None
    assert {entry.state for entry in journal.messages} == {"accepted"}
    assert len(journal.messages) == len(channel.seen) >= 5


def test_refusals_are_reported_and_exit_1(tmp_path: Path) -> None:
    users = {"webshop": {"weight": 1, "mix": {"order": 1}}}
    with FakeChannel(behave=lambda _n, _p: Behaviour(status=422, takes_it=False)) as channel:
        path = scenario(tmp_path, users)
        ran = run(tmp_path, path, [channel.url], "--rate", "20", "--duration", "1")
    assert ran.exit_code == 1
    assert ran.summary["rejected"] == ran.summary["requests"] == ran.summary["attempts"] > 5
    assert "order.intake: 422 come again" in ran.out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--gateway", "localhost:1"), "--gateway localhost:1: not a base URL"),
        (("--keys", "no-keys.json"), "no-keys.json: cannot be read: No such file or directory"),
        (("--journal", "no/journal"), "no/journal: cannot be written: No such file or directory"),
    ],
)
def test_wrong_input_exits_2_before_anything_is_sent(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    named = [*command(tmp_path, "normal", ["http://127.0.0.1:1"]), *change]
    done = subprocess.run(named, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "j.jsonl").exists()


def test_a_scenario_that_is_not_there_is_named(tmp_path: Path) -> None:
    named = command(tmp_path, "nowhere.yaml", ["http://127.0.0.1:1"])
    done = subprocess.run(named, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("nowhere.yaml: cannot be read: No such file")


def test_locusts_own_entry_point_drives_the_same(tmp_path: Path) -> None:
    users = {"webshop": {"weight": 1, "mix": {"order": 3, "repeat": 1}}, "pos": {"weight": 1}}
    (tmp_path / "keys.json").write_text(json.dumps(KEYS), "utf-8")
    with FakeChannel() as channel:
        named = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless"]
        named += ["--scenario", scenario(tmp_path, users), "--gateway", channel.url]
        named += ["--keys", str(tmp_path / "keys.json"), "--pace", "20", "--for-s", "2"]
        named += ["--journal", str(tmp_path / "j.jsonl"), "--json-file", str(tmp_path / "stats")]
        done = subprocess.run(
            named, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stderr
    journal = read_journal(tmp_path / "j.jsonl")
    assert journal.ended is not None
    assert {entry.state for entry in journal.messages} == {"accepted"}
    concluded = {entry.request for entry in journal.messages}
    assert len(concluded) == len(channel.seen) > 15
    stats = json.loads((tmp_path / "stats.json").read_text("utf-8"))
    assert sum(row["num_requests"] for row in stats) == len(concluded)
