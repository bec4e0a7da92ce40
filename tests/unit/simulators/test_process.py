"""`python -m simulators` as the demo and other programs start it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulators.__main__ import build_parser, main
from simulators.options import CloudOptions, LegacyOptions
from simulators.server import CannotServe, announce

ROOT = Path(__file__).parents[3]
READY_S = 15.0


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, "-m", "simulators", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


def announced(file: Path) -> dict[str, Any]:
    """What the file says, once it is there; what is there is always whole."""
    until_s = time.monotonic() + READY_S
    while time.monotonic() < until_s:
        if file.exists():
            content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return content
        time.sleep(0.02)
    raise AssertionError(f"{file} did not appear within {READY_S} s")


@pytest.mark.parametrize("system", ["legacy", "cloud"])
def test_it_announces_itself_serves_and_stops_on_sigterm(tmp_path: Path, system: str) -> None:
    file = tmp_path / "announce.json"
    file.write_text("left by an earlier run", encoding="utf-8")
    options = ["--seed", "7", "--announce", str(file), "--latency-ms-min", "0"]
    with process(system, "--port", "0", *options) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith(f"{system} ERP at http://127.0.0.1:")
        said = announced(file)
        assert said["pid"] == running.pid
        health = httpx.get(f"{said['url']}/control/health").json()
        assert (health["system"], health["seed"], health["pid"]) == (system, 7, running.pid)
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=10) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{said['url']}/control/health")


def test_it_stops_by_itself() -> None:
    with process("legacy", "--max-seconds", "0.3") as running:
        assert running.wait(timeout=15) == 0


def test_it_stops_while_requests_hang(tmp_path: Path) -> None:
    file = tmp_path / "announce.json"
    with process("legacy", "--announce", str(file), "--latency-ms-max", "60000") as running:
        url = announced(file)["url"]
        httpx.put(f"{url}/control/settings", json={"latency_ms_min": 60_000})
        with httpx.Client(
            auth=("GATEWAY", "gateway-legacy"), timeout=httpx.Timeout(5, read=0.2)
        ) as client:
            with pytest.raises(httpx.ReadTimeout):
                client.get(f"{url}/sap/bc/soap/rfc?wsdl")
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["legacy", "--sessions", "0"], "simulators: sessions is 0, it must be from 1 to 1000"),
        (["cloud", "--limit", "many"], "simulators: limit is 'many', it must be a whole number"),
        (["cloud", "--announce", "/nowhere/at/all"], "cannot write the announce file /nowhere"),
    ],
)
def test_wrong_options_are_told_in_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert complaint in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [[], ["medium"], ["cloud", "--sessions", "4"], ["legacy", "--ses", "4"]]
)
def test_options_nobody_knows_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: simulators" in capsys.readouterr().err


def test_a_taken_port_is_told_with_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["cloud", "--port", str(port)]) == 2
    err = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1:{port}" in err
    assert "choose another --port" in err


def test_the_announce_file_appears_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    announce(file, "http://127.0.0.1:1")
    assert json.loads(file.read_text()) == {"url": "http://127.0.0.1:1", "pid": os.getpid()}
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(CannotServe, match="choose another --announce"):
        announce(tmp_path / "none" / "a.json", "http://127.0.0.1:1")


def test_every_option_has_a_switch_with_default_and_reason() -> None:
    parser = build_parser()
    given = parser.parse_args(
        ["legacy", "--posting-interval-s", "1", "--closed-periods", "2026-10"]
    )
    assert vars(given) == {
        "system": "legacy",
        "posting_interval_s": "1",
        "closed_periods": "2026-10",
    }


@pytest.mark.parametrize("options", [LegacyOptions(), CloudOptions()])
def test_the_readme_documents_each_option_with_its_default(options: Any) -> None:
    text = (ROOT / "simulators" / "README.md").read_text(encoding="utf-8")
    for name in options.__dataclass_fields__:
        default = getattr(options, name)
        shown = "none" if default in ("", ()) else str(default).removesuffix(".0")
        shown = shown.lower() if isinstance(default, bool) else shown
        assert f"| `--{name.replace('_', '-')}` | {shown} |" in text, name
