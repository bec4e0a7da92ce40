"""The simulated ERPs as processes of their own, and the little a worker does with an adapter."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import httpx

from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Timing
from gateway.canonical.outcome import Outcome, Probed, Stored
from gateway.clock import SystemClock
from gateway.erp import CloudAccess, CloudErp, LegacyAccess, LegacyErp
from gateway.ports import Erp
from tests.unit.erp.envelopes import envelope, order, reference_of

T = TypeVar("T")
WITHIN_S = 5.0
_NUMBERS = count(1)
START_S_MAX = 20.0
STOP_S_MAX = 5.0
TIMING = Timing(request_ms=3_000, absent_final_ms=5_000, poll_ms=20)
OPTIONS = {
    "latency-ms-min": "0",
    "latency-ms-max": "2",
    "closed-periods": "2020-01",
    "ship-after-s": "3600",
    "max-seconds": "600",
}
OLD = {"legacy": "OLD-L-00001", "cloud": "OLD-C-00001"}
"""An order each has from before the gateway."""
LEGACY_OPTIONS = {"posting-interval-s": "0.05", "sessions": "8"}


def adapter_of(system: str, url: str, timing: Timing = TIMING, secret: str = "") -> Erp:
    """Make an adapter of the dialect that talks to ``url``, by default with the right secret."""
    if system == "legacy":
        access = LegacyAccess(url, "GATEWAY", secret or "gateway-legacy")
        return LegacyErp(access, timing, SystemClock())
    scope = "api://coexist/.default"
    cloud = CloudAccess(url, "acme", "gateway", secret or "gateway-cloud", scope)
    return CloudErp(cloud, timing, SystemClock())


class Simulator:
    """One simulated ERP. It ends with :meth:`stop`, or by itself after ten minutes."""

    def __init__(self, system: str, folder: Path) -> None:
        self.system = system
        announce = folder / f"{system}.json"
        options = OPTIONS | {"announce": str(announce)}
        if system == "legacy":
            options |= LEGACY_OPTIONS
        given = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([sys.executable, "-m", "simulators", system, *given])
        self.url = self._announced(announce)
        self._control = httpx.Client(base_url=f"{self.url}/control", trust_env=False)

    def _announced(self, announce: Path) -> str:
        ends_s = time.monotonic() + START_S_MAX
        while not announce.exists():
            if self._process.poll() is not None or time.monotonic() > ends_s:
                self._process.kill()
                raise RuntimeError(f"simulated {self.system} ERP did not start")
            time.sleep(0.02)
        return str(json.loads(announce.read_text())["url"])

    def stop(self) -> None:
        """End the process, gently if it lets us."""
        self._control.close()
        self._process.terminate()
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S_MAX)

    # ------------------------------------------------------------------ control

    def fault(self, name: str, **parameters: object) -> None:
        """Switch a fault on, once unless ``count`` says otherwise."""
        answer = self._control.put(f"/faults/{name}", json={"count": 1} | parameters)
        answer.raise_for_status()

    def set(self, **values: object) -> None:
        """Change live settings."""
        self._control.put("/settings", json=values).raise_for_status()

    def heal(self) -> None:
        """End all faults."""
        self._control.delete("/faults").raise_for_status()

    def booked(self, sent: Envelope) -> list[Mapping[str, Any]]:
        """Return the documents the books have under the message's external reference."""
        documents = self._control.get("/books").raise_for_status().json()["documents"]
        reference = reference_of(sent)
        return [each for each in documents if each["external_reference"] == reference]

    def customers(self) -> list[Mapping[str, Any]]:
        """Return the customers that were created, doubles among them."""
        rows: list[Mapping[str, Any]] = (
            self._control.get("/customers").raise_for_status().json()["customers"]
        )
        return rows

    def counters(self) -> Mapping[str, int]:
        """Return what happened so far."""
        counters: Mapping[str, int] = self._control.get("/counters").raise_for_status().json()
        return counters


# --------------------------------------------------------------------------- what a worker does


def new_order(**changes: Any) -> Envelope:
    """An order under a reference nobody used."""
    return envelope(order(order_ref=f"SHOP-{next(_NUMBERS)}", **changes))


def an_order_of(sku: str) -> Envelope:
    """An order of two pieces of an article."""
    line = {"line": 1, "sku": sku, "quantity": 2, "unit_price": "19.95"}
    return new_order(lines=[line], shipping={}, total="39.90")


async def eventually(
    ask: Callable[[], Awaitable[T]], good: Callable[[T], bool], within_s: float = WITHIN_S
) -> T:
    """Ask until the answer is good; return the last one when time is up."""
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + within_s
    while True:
        answer = await ask()
        if good(answer) or loop.time() > ends_s:
            return answer
        await asyncio.sleep(0.02)


async def settled(erp: Erp, outcome: Outcome | Probed) -> Outcome | Probed:
    """Follow a stored document until it is posted or failed."""
    if not isinstance(outcome, Stored):
        return outcome
    number = outcome.document

    async def ask() -> Outcome:
        return (await erp.confirm([number]))[number]

    return await eventually(ask, lambda each: not isinstance(each, Stored))


async def send(erp: Erp, sent: Envelope) -> Outcome | Probed:
    """Send once and follow what is only stored."""
    return await settled(erp, await erp.send(sent))


def only(documents: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The one document; fail if it is none or more."""
    assert len(documents) == 1
    return documents[0]
