"""Stores with registers, with every fault, by API and by file, into simulated ERPs."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from loadtests.gaps import Gaps, lost_in, reported_in, wrong_gaps
from tests.e2e.installation import Installation, until

pytestmark = [pytest.mark.timeout(180), pytest.mark.long]

STORES = ("NL-001", "NL-002")


class Estate:
    """The simulated stores of an installation."""

    def __init__(self, installation: Installation, seed: int) -> None:
        gateway = installation.running["gateway"].url
        self.url = installation._start(
            "pos", "simulators", "pos", "--port", "0", "--seed", str(seed), "--gateway", gateway,
            "--api-key", installation.keys["pos"], "--stores", ",".join(STORES), "--batch", "20",
            "--retry-s", "0.1", "--max-seconds", "300",
        ).url  # fmt: skip

    def do(self, what: str, **asked: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self.url}/control/{what}", json=asked).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def fault(self, name: str, **asked: Any) -> None:
        httpx.put(f"{self.url}/control/faults/{name}", json=asked).raise_for_status()

    def get(self, what: str) -> Any:
        return httpx.get(f"{self.url}/control/{what}").raise_for_status().json()


def test_each_receipt_is_booked_once_and_what_is_missing_is_told(
    installation: Installation, seed: int
) -> None:
    installation.erps()
    installation.rules("cloud")
    installation.gateway()
    installation.worker()
    estate = Estate(installation, seed)
    for fault, more in (
        ("duplicate_receipt", {"probability": 0.4}),
        ("disordered_batch", {"probability": 0.5}),
        ("lost_answer", {"probability": 0.2}),
        ("lost_receipt", {"count": 3}),
        ("number_used_twice", {"count": 1}),
    ):
        estate.fault(fault, **more)
    estate.do("online", online=False)
    estate.do("sell", each=True, count=25)
    day = estate.get("stores")["stores"][0]["business_day"]
    estate.do("online")
    until(lambda: not estate.get("counters")["unsent"], 60, "all is sent")
    httpx.delete(f"{estate.url}/control/faults").raise_for_status()
    estate.do("end_day")
    until(lambda: not estate.get("counters")["unsent"], 60, "the day is closed")

    # The same day once more, as the file that registers write at its end.
    files = [installation.folder / f"{store}.xml" for store in STORES]
    for file in files:
        file.write_text(httpx.get(f"{estate.url}/control/poslog/{file.stem}/{day}").text)
    taken = json.loads(installation.coexist(
        "poslog", "import", *map(str, files), "--channel", "pos", "--json"
    ))  # fmt: skip
    for it in taken:
        assert set(it["counts"]) == {"replayed", "noted"}, it

    books = [it for it in estate.get("books")["documents"] if it["kind"] == "sale"]
    sent = {it["name"]: it for it in books if not it["lost"]}

    def booked() -> dict[str, str]:
        return {it["object_reference"]: it["total"] for it in installation.books("cloud")}

    until(lambda: len(booked()) == len(sent), 60, "everything is booked")
    documents = installation.books("cloud")
    assert len(documents) == len(sent), "nothing twice"
    assert booked() == {name: it["total"] for name, it in sent.items()}

    found = json.loads(installation.coexist("stores", "report", "--day", day, "--json"))
    missing, twice = set(), set()
    for it in found:
        assert it["closed_at"]
        for register in it["registers"]:
            assert not register["late"]
            name = f"{it['store']}/{it['business_date']}/{register['register']}"
            for first, last in register["gaps"]:
                missing |= {f"{name}/{n}" for n in range(first, last + 1)}
            twice |= {f"{name}/{uses['sequence']}" for uses in register["repeats"]}
    assert missing == {it["name"] for it in books if it["lost"]}
    gaps = Gaps(lost_in(estate.get("books")["documents"]), reported_in(found))
    assert gaps.lost
    assert list(wrong_gaps(gaps)) == [], "as the demo's audit says"
    assert twice == {it["name"] for it in books if it["used_twice"]}
    assert len(twice) == 1
    counters = estate.get("counters")
    assert counters["replayed"]
    assert counters["rejected"] == 0
