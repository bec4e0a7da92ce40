"""A benchmark that is ended early leaves nothing running."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil

from tests.processes import ROOT

#: The command line with one benchmark, which starts a process and waits.
SCRIPT = """
import sys, time, types
from tests.bench import __main__ as bench
from tests.processes import spawned
def run(quick):
    with spawned([sys.executable, "-c", "import time; time.sleep(60)"], {}) as child:
        print(child.pid, flush=True)
        time.sleep(60)
sys.modules["tests.bench.waits"] = types.SimpleNamespace(run=run)
bench.BENCHES["waits"] = "waits"
sys.argv = ["bench", "waits"]
bench.main()
"""


def test_what_it_started_is_stopped() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as running:
        assert running.stdout is not None
        child = psutil.Process(int(running.stdout.readline()))
        running.terminate()
        running.communicate(timeout=30)
        assert running.returncode == 128 + signal.SIGTERM
    assert not child.is_running()
