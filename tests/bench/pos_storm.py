"""A POS storm: stores come back from a day without a network, all at once, and send all of it.

The estate is the simulated one, a process of its own; some of its numbers are lost and some used
twice, on purpose. Then every store sends everything once more, backwards. Whatever is accepted is
counted by the stores, and what the report on sequences says is held against their books.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from gateway.flow.project import Projector
from gateway.policy.registers import StoreDay, report
from gateway.settings import load
from gateway.wiring import opened
from tests.bench.figure import Figure
from tests.bench.installation import environment, gateways
from tests.bench.servers import Server, announced
from tests.processes import spawned

#: Of all stores' numbers, so many were never sent, and so many used for two receipts.
LOST, TWICE = 25, 10
_LOOK_S = 0.02
_PATIENCE_S = 600


@dataclass(frozen=True, slots=True)
class Storm:
    """What a storm came to. ``second`` is the replay of everything."""

    sent: int
    first_s: float
    second_s: float
    cpu_s: float
    doubles: int
    unknown: int
    report_s: float
    wrong: int


class Stores:
    """The simulated estate."""

    def __init__(self, url: str) -> None:
        self._url = url

    def do(self, what: str, **asked: object) -> dict[str, Any]:
        """Let something happen."""
        answer = httpx.post(f"{self._url}/control/{what}", json=asked, timeout=120)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def fault(self, name: str, **asked: object) -> None:
        """Switch a fault on."""
        httpx.put(f"{self._url}/control/faults/{name}", json=asked).raise_for_status()

    def counters(self) -> dict[str, int]:
        """Read the counters."""
        found: dict[str, int] = httpx.get(f"{self._url}/control/counters", timeout=60).json()
        return found

    def books(self) -> list[dict[str, Any]]:
        """Read the books."""
        found: list[dict[str, Any]] = httpx.get(f"{self._url}/control/books", timeout=120).json()[
            "documents"
        ]
        return found

    def settled(self) -> float:
        """Wait until nothing is left to be sent; return how long that took."""
        began_s = time.perf_counter()
        while self.counters()["unsent"]:
            if time.perf_counter() - began_s > _PATIENCE_S:
                raise RuntimeError(f"the stores are not through: {self.counters()}")
            time.sleep(_LOOK_S)
        return time.perf_counter() - began_s


def run(quick: bool) -> list[Figure]:
    """Let 40 stores of 500 receipts come back at once."""
    names = store_names(4 if quick else 40)
    with gateways(1, **configured(names)) as (servers, keys, folder):
        storm = replayed(servers[0], keys["pos"], folder, names, each=50 if quick else 500)
    return figures(storm, len(names))


def figures(storm: Storm, stores: int) -> list[Figure]:
    """Return what to print."""
    what = f"{storm.sent:,} transactions of {stores} stores"
    return [
        Figure("pos-storm: all at once to accepted", storm.first_s, "s", what),
        Figure("pos-storm: all once more, backwards", storm.second_s, "s", "every one known"),
        Figure("pos-storm: CPU of a receipt", storm.cpu_s / (2 * storm.sent) * 1e6, "µs",
               "the gateway's; half of them are replays"),
        Figure("pos-storm: until the report has all", storm.report_s, "s", "one projector"),
        Figure("pos-storm: accepted twice", storm.doubles, "receipts", "", "= 0",
               storm.doubles == 0),
        Figure("pos-storm: lost, rejected", storm.unknown, "receipts", "", "= 0",
               storm.unknown == 0),
        Figure("pos-storm: wrong in the sequence report", storm.wrong, "numbers",
               "the estate's books", "= 0", storm.wrong == 0),
    ]  # fmt: skip


def store_names(count: int) -> list[str]:
    """Return so many stores of one company."""
    return [f"NL-{n:03}" for n in range(1, count + 1)]


def configured(names: list[str]) -> dict[str, str]:
    """Return the settings that know these stores."""
    return {"COEXIST_STORES": json.dumps({name: {"legal_entity": "NL01"} for name in names})}


def replayed(server: Server, key: str, folder: Path, names: list[str], each: int) -> Storm:
    """Let the stores sell without a network, then send everything, then everything again."""
    with estate(server.url, key, folder, names) as stores:
        stores.do("online", online=False)
        stores.fault("lost_receipt", count=LOST, probability=0.01 if each > 100 else 0.2)
        stores.fault("number_used_twice", count=TWICE, probability=0.01 if each > 100 else 0.2)
        stores.do("sell", each=True, count=each)
        books = [it for it in stores.books() if it["kind"] in {"sale", "void", "control"}]
        cpu_s = server.cpu_s()
        stores.do("online")
        first_s = stores.settled()
        first = stores.counters()
        stores.do("send_again")
        second_s = stores.settled()
        cpu_s = server.cpu_s() - cpu_s
        second = stores.counters()
    sales = sum(it["kind"] == "sale" and not it["lost"] for it in books)
    began_s = time.perf_counter()
    url = (folder / "redis_url").read_text()
    found = asyncio.run(_reported(environment(folder, url, **configured(names)), books))
    return Storm(
        sent=sum(not it["lost"] for it in books),
        first_s=first_s,
        second_s=second_s,
        cpu_s=cpu_s,
        doubles=second["accepted"] - first["accepted"] + max(0, first["accepted"] - sales),
        unknown=second["rejected"] + max(0, sales - first["accepted"]),
        report_s=time.perf_counter() - began_s,
        wrong=len(told(found) ^ expected(books)),
    )


def expected(books: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return what a report has to say of the books: what is missing, what was used twice.

    A number that nobody could miss (the last of a register, or its first) is not missing.
    """
    ends: dict[str, list[int]] = {}
    for it in books:
        if not it["lost"]:
            ends.setdefault(it["name"].rpartition("/")[0], []).append(it["number"])
    found = {("twice", it["name"]) for it in books if it["used_twice"]}
    for it in books:
        seen = ends.get(it["name"].rpartition("/")[0], [0])
        if it["lost"] and min(seen) < it["number"] < max(seen):
            found.add(("missing", it["name"]))
    return found


def told(days: list[StoreDay]) -> set[tuple[str, str]]:
    """Return what a report says, in the same words."""
    found = set()
    for day in days:
        for it in day.registers:
            name = f"{day.store}/{day.business_date}/{it.register_id}"
            for gap in it.gaps:
                found |= {("missing", f"{name}/{n}") for n in range(gap.first, gap.last + 1)}
            found |= {("twice", f"{name}/{uses[0].sequence}") for uses in it.conflicts}
    return found


@contextmanager
def estate(url: str, key: str, folder: Path, names: list[str]) -> Iterator[Stores]:
    """Start the simulated stores."""
    announce = folder / "pos.json"
    command = [
        sys.executable, "-m", "simulators", "pos", "--port", "0", "--announce", str(announce),
        "--gateway", url, "--api-key", key, "--stores", ",".join(names), "--batch", "200",
        "--max-seconds", "1200",
    ]  # fmt: skip
    with spawned(command, {}) as child:
        yield Stores(str(announced(announce, child)["url"]))


async def _reported(given: dict[str, str], books: list[dict[str, Any]]) -> list[StoreDay]:
    """Bring the record up to date, and report."""
    days = [date.fromisoformat(it["business_date"]) for it in books]
    with patch.dict(os.environ, given):
        settings = load()
    async with opened(settings) as parts:
        projector = Projector(parts.feed, parts.ledger)
        for partition in range(parts.settings.partitions):
            lease = await parts.lanes.lease(partition, "bench", 600_000)
            while lease is not None and await projector.project(lease):
                pass
        return report(await parts.ledger.store_numbers("", min(days), max(days)), min(days), {})
