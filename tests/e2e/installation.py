"""A whole installation of real processes: simulated ERPs, gateways, workers, Valkey."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.processes import ROOT, Running

#: Fast enough for tests, and still longer than what the simulators' faults add up to.
ABSENT_FINAL_S = 6


class Installation:
    """Starts and stops its parts one by one, as a test needs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "COEXIST_CONFIG": str(folder / "coexist.yaml"),
            "COEXIST_DATA_DIR": str(folder / "data"),
        }
        self.coexist("init", "--folder", str(folder))
        self.keys: dict[str, str] = json.loads((folder / "keys.json").read_text())
        self.running: dict[str, Running] = {}

    def erps(self, *legacy_options: str) -> None:
        """Start both simulated ERPs and point the configuration at them."""
        self._start("legacy", "simulators", "legacy", *_SIMULATOR, *legacy_options)
        self._start("cloud", "simulators", "cloud", *_SIMULATOR)
        file = self.folder / "coexist.yaml"
        config = yaml.safe_load(file.read_text())
        config |= {"lease_ms": 2000, "rule_lease_ms": 500}
        config |= {"watchdog": False}  # a machine busy with tests may stand still by itself
        for erp in ("legacy", "cloud"):
            config["erps"][erp] |= {
                "url": self.running[erp].url,
                "request_s": 2,
                "absent_final_s": ABSENT_FINAL_S,
                "poll_s": 0.3,
            }
        file.write_text(yaml.safe_dump(config))

    def rules(self, mode: str, *, by: str = "test") -> dict[str, Any]:
        """Bring rules into force that send every process to ``mode``; return the new marker."""
        directory = self.folder / f"rules-{mode}"
        (directory / "waves").mkdir(parents=True, exist_ok=True)
        rules = yaml.safe_load((ROOT / "routing_rules" / "defaults.yaml").read_text())
        for rule in rules["rules"]:
            reads = rule["process"].split(".")[0] in {"inventory", "catalog"}
            if mode == "hold":
                rule["mode"] = "legacy" if reads else "hold"
            elif rule["mode"] != "owner" and rule["process"] != "store.sale":
                rule["mode"] = mode
        (directory / "defaults.yaml").write_text(yaml.safe_dump(rules))
        sales = {"id": "sales", "process": "store.sale", "mode": "cloud"}
        wave = {"wave": "all-sales", "owner": "test", "depends_on": [], "rules": [
            sales | {"when": {"business_date": {"from": "2020-01-01"}}}
        ]}  # fmt: skip
        if mode == "cloud":
            (directory / "waves" / "1.yaml").write_text(yaml.safe_dump(wave))
        marker: dict[str, Any] = json.loads(
            # Tests flip with held transactions about, which an operator would have to answer for.
            self.coexist(
                "rules", "apply", str(directory), "--by", by, "--json", "--waive", "exceptions=test"
            )
        )
        return marker

    def gateway(self, name: str = "gateway", **environment: str) -> Running:
        """Start a gateway process."""
        return self._start(name, "gateway", "serve", "--port", "0", **environment)

    def worker(self, name: str = "worker", **environment: str) -> Running:
        """Start a worker process."""
        return self._start(name, "gateway", "work", **environment)

    def coexist(self, *arguments: str, check: bool = True) -> str:
        """Run a command and return what it printed."""
        done = self.tried(*arguments)
        if check and done.returncode:
            raise RuntimeError(f"coexist {' '.join(arguments)}: {done.stderr}{done.stdout}")
        return done.stdout

    def tried(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command, whatever comes of it."""
        return subprocess.run(
            [sys.executable, "-m", "gateway", *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def call(
        self,
        method: str,
        path: str,
        channel: str = "webshop",
        gateway: str = "gateway",
        **more: Any,
    ) -> httpx.Response:
        """Call a gateway as a channel."""
        headers = {"Authorization": f"Bearer {self.keys[channel]}", **more.pop("headers", {})}
        url = self.running[gateway].url + path
        return httpx.request(method, url, headers=headers, timeout=40, **more)

    def books(self, erp: str) -> list[dict[str, Any]]:
        """What an ERP has booked."""
        answer = httpx.get(f"{self.running[erp].url}/control/books", timeout=10).json()
        documents: list[dict[str, Any]] = answer["documents"]
        return documents

    def fault(self, erp: str, name: str, **parameters: Any) -> None:
        """Switch a fault on."""
        url = f"{self.running[erp].url}/control/faults/{name}"
        httpx.put(url, json=parameters, timeout=10).raise_for_status()

    def valkey_pid(self) -> int:
        """The process id of the embedded Valkey."""
        folder = self.folder / "data" / "valkey"
        for pid in (int(it.name) for it in Path("/proc").iterdir() if it.name.isdigit()):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                cwd = Path(f"/proc/{pid}/cwd").readlink()
            except OSError:
                continue
            if b"valkey-server" in command and (str(folder) in command.decode() or cwd == folder):
                return pid
        raise RuntimeError(f"no Valkey runs in {folder}")

    def kill_everything_but_the_erps(self) -> None:
        """``kill -9`` gateways, workers and Valkey."""
        for name, running in list(self.running.items()):
            if name not in {"legacy", "cloud"}:
                running.kill()
                del self.running[name]
        os.kill(self.valkey_pid(), signal.SIGKILL)

    def stop(self) -> None:
        """Stop all processes; the embedded Valkey stops by itself when nobody uses it."""
        for running in reversed(self.running.values()):
            running.stop()

    def _start(self, name: str, *arguments: str, **environment: str) -> Running:
        log, announce = self.folder / f"{name}.log", self.folder / f"{name}.json"
        self.running[name] = Running(arguments, {**self.environment, **environment}, log, announce)
        return self.running[name]


_BEGAN = datetime.now(UTC).isoformat(timespec="seconds")

_SIMULATOR = ("--port", "0", "--seed", "5", "--max-seconds", "300", "--latency-ms-min", "5",
              "--latency-ms-max", "20")  # fmt: skip


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition; fail naming it."""
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def order(ref: str, sku: str = "TEE-BLK-M", entity: str = "NL01") -> dict[str, Any]:
    """An order of two T-shirts with shipping."""
    country = entity[:2]
    return {
        "order_ref": ref,
        "legal_entity": entity,
        "ordered_at": now(),
        "currency": "EUR",
        "customer": {"ref": "C-1001", "name": "Pat Sample", "email": "pat@example.com"},
        "ship_to": {"name": "Pat Sample", "street": "Example Street 1", "city": "Exampleton",
                    "postal_code": "1000", "country": country},
        "lines": [{"line": 1, "sku": sku, "quantity": 2, "unit_price": "19.95", "tax": "6.93"}],
        "shipping": {"amount": "4.95", "tax": "0.86"},
        "payment": {"method": "card", "status": "paid"},
        "total": "44.85",
    }  # fmt: skip


def receipt(sequence: int, day: str, register: str = "1") -> dict[str, Any]:
    """A receipt of one T-shirt, paid in cash."""
    return {
        "register": register,
        "sequence": sequence,
        "business_date": day,
        "sold_at": now(),
        "currency": "EUR",
        "lines": [
            {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "unit_price": "19.95", "tax": "3.46"}
        ],
        "tenders": [{"type": "cash", "amount": "19.95"}],
        "total": "19.95",
    }  # fmt: skip


def returned(ref: str, order_ref: str) -> dict[str, Any]:
    """A return of one T-shirt."""
    return {
        "return_ref": ref,
        "order_ref": order_ref,
        "order_channel": "webshop",
        "legal_entity": "NL01",
        "returned_at": now(),
        "currency": "EUR",
        "reason": "too small",
        "lines": [{"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "refund": "19.95"}],
        "total": "19.95",
    }


def now() -> str:
    """The instant this run began: the same all along, so that a repeat has the same body."""
    return _BEGAN
