"""A configured gateway for measurements: rules applied, no worker, so nothing is delivered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.servers import Server, announced, valkey
from tests.processes import spawned, wait_for_port


@contextmanager
def gateways(
    count: int = 1, **settings: str
) -> Iterator[tuple[list[Server], dict[str, str], Path]]:
    """``count`` gateway processes on one store; yields them, the API keys, and the folder whose
    environment (``environment``) further commands need."""
    with ExitStack() as stack:
        url, valkey_pid = stack.enter_context(valkey())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        coexist(folder, url, "init", "--folder", str(folder))
        (folder / "rules").mkdir()
        shutil.copy("routing_rules/defaults.yaml", folder / "rules")
        coexist(folder, url, "rules", "apply", str(folder / "rules"), "--by", "bench")
        running = []
        for n in range(count):
            announce = folder / f"gateway-{n}.json"
            command = [sys.executable, "-m", "gateway", "serve", "--port", "0"]
            command += ["--announce", str(announce)]
            child = stack.enter_context(spawned(command, environment(folder, url, **settings)))
            found = announced(announce, child)
            wait_for_port(int(str(found["url"]).rpartition(":")[2]), child)
            pids = [int(str(found["pid"])), int(str(found["worker_pid"]))]
            running.append(Server(f"gateway-{n}", str(found["url"]), pids, valkey_pid))
        (folder / "redis_url").write_text(url)
        yield running, json.loads((folder / "keys.json").read_text()), folder


@contextmanager
def simulated_erps() -> Iterator[dict[str, str]]:
    """Both simulated ERPs; yields the settings that point a gateway at them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {}
        for erp in ("legacy", "cloud"):
            announce = folder / f"{erp}.json"
            command = [sys.executable, "-m", "simulators", erp, "--port", "0"]
            command += ["--announce", str(announce), "--max-seconds", "600"]
            child = stack.enter_context(spawned(command, {"PYTHONPATH": str(Path.cwd())}))
            urls[f"COEXIST_ERPS__{erp.upper()}__URL"] = str(announced(announce, child)["url"])
        yield urls


def environment(folder: Path, url: str, **settings: str) -> dict[str, str]:
    """The environment of an installation's commands."""
    return {
        "COEXIST_CONFIG": str(folder / "coexist.yaml"),
        "COEXIST_DATA_DIR": str(folder / "data"),
        "COEXIST_REDIS_URL": url,
        "PYTHONPATH": str(Path.cwd()),
        **settings,
    }


def coexist(folder: Path, url: str, *arguments: str) -> str:
    """Run one command of the installation and return what it printed."""
    (folder / "data").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        env={**os.environ, **environment(folder, url)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"coexist {' '.join(arguments)}: {done.stderr or done.stdout}")
    return done.stdout
