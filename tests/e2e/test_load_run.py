"""``coexist load run FILE`` against a running gateway, and the audit of what it left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import yaml

from loadtests.journal import read_journal
from tests.e2e.installation import Installation, until
from tests.processes import ROOT

pytestmark = [pytest.mark.timeout(120), pytest.mark.long]

#: Every kind of user, for three seconds.
SCENARIO = {
    "scenario": "of-our-own",
    "shape": {"kind": "constant"},
    "users": {
        "webshop": {
            "weight": 4,
            "key_percent": 50,
            "mix": {"order": 5, "repeat": 2, "cancellation": 2, "return": 1, "status": 1},
        },
        "marketplace": {"weight": 2, "mix": {"order": 4, "repeat": 1}},
        "pos": {"weight": 2, "duplicate_percent": 30, "disorder_percent": 30},
        "returns-desk": {"weight": 1, "mix": {"return": 1}},
        "shoppers": {"weight": 1, "mix": {"availability": 1, "price": 1, "product": 1}},
    },
}


def test_a_scenario_of_ones_own_drives_a_running_gateway_and_ties_out(
    installation: Installation,
) -> None:
    installation.erps()
    installation.rules("legacy")
    gateway = installation.gateway()
    installation.worker()
    folder = installation.folder
    (folder / "mine.yaml").write_text(yaml.safe_dump(SCENARIO))
    files = {name: str(folder / name) for name in ("mine.yaml", "j.jsonl", "s.json", "r.json")}
    asked = ["--gateway", gateway.url, "--keys", str(folder / "keys.json"), "--seed", "3"]
    done = installation.tried(
        "load", "run", files["mine.yaml"], *asked, "--rate", "25", "--duration", "3",
        "--journal", files["j.jsonl"], "--json", files["s.json"],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((folder / "s.json").read_text())
    journal = read_journal(folder / "j.jsonl")
    assert journal.run is not None
    assert (journal.run.scenario, journal.run.seed) == ("of-our-own", 3)
    assert journal.run.business_date == datetime.now(UTC).date().isoformat()
    channels = {it.message.channel for it in journal.messages}
    assert channels == {"webshop", "marketplace", "pos", "returns-desk"}
    assert journal.reads
    assert summary["requests"] > 20
    assert (summary["rejected"], summary["unknown"]) == (0, 0)

    def drained() -> bool:
        backlog = json.loads(installation.coexist("status", "--json"))["backlog"]
        return not any(backlog.values())

    until(drained, 60, "all that was taken is booked")
    books = [f"--{it}-books={installation.running[it].url}" for it in ("legacy", "cloud")]
    audited = subprocess.run(
        [sys.executable, "-m", "loadtests", "audit", "--journal", files["j.jsonl"], "--claims",
         "duplicates_answered", "--json", files["r.json"], *books],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert audited.returncode == 0, audited.stdout + audited.stderr
    report = json.loads((folder / "r.json").read_text())
    assert report["booked_once"] == report["accepted"] == report["booked_legacy"]
    assert report["value_booked"] == report["value_accepted"] != "0"
