"""Starting, killing and asking embedded servers, for their tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from redis import Redis

from gateway.store.redis.embedded import ask, connection
from gateway.store.redis.folder import ServerFolder

ROOT = Path(__file__).parents[3]

#: Starts (or attaches), writes for as long as it lives, and prints what was acknowledged.
WRITER = """
import sys
from pathlib import Path
from gateway.store.redis.embedded import ask, connection, ensure
client = connection(ensure(Path(sys.argv[1]), idle_s=None))
print("ready", ask(client, "INFO", "server")["process_id"], flush=True)
sys.stdin.readline()
number = 0
while True:
    number += 1
    client.rpush("backlog", number)
    print(number, flush=True)
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    folder = ServerFolder(tmp_path)
    with suppress(FileNotFoundError, ProcessLookupError):  # never started, or ended cleanly
        os.kill(int(folder.pid.read_text()), signal.SIGKILL)
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.kill(keeper_pid(tmp_path), signal.SIGKILL)
    folder.forget_socket()


def until(true: Callable[[], object], wait_s: float = 10) -> None:
    deadline_s = time.monotonic() + wait_s
    while not true():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.01)


def server_pid(url: str) -> int:
    with closing(connection(url)) as client:
        return int(ask(client, "INFO", "server")["process_id"])


def keeper_pid(data_dir: Path) -> int:
    return int((data_dir / "valkey" / "keeper.lock").read_text())


def keeper_lives(data_dir: Path) -> bool:
    lock = ServerFolder(data_dir).keeper_lock()
    if lock is not None:
        os.close(lock)
    return lock is None


def kill_server(data_dir: Path) -> None:
    folder = ServerFolder(data_dir)
    os.kill(int(folder.pid.read_text()), signal.SIGKILL)
    until(lambda: not folder.held())


def get(url: str, key: str) -> object:
    with closing(connection(url)) as client:
        return client.get(key)


def put(url: str, key: str, value: str) -> None:
    with closing(connection(url)) as client:
        client.set(key, value)


def backlog(client: Redis) -> list[int]:
    return [int(each) for each in ask(client, "LRANGE", "backlog", "0", "-1")]


@contextmanager
def writer(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a writer; it waits for a line before it writes."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(data_dir)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def write_some(process: subprocess.Popen[str], count: int) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    assert [line(process) for _ in range(count)] == [str(n + 1) for n in range(count)]


# --------------------------------------------------------------------------- start and attach
