"""Every fault by name at every channel, or why not; and what Loop's do to its webhooks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simulators.__main__ import SYSTEMS
from simulators.catalogue import load_catalogue
from simulators.channel import Channel
from simulators.clock import SystemClock
from simulators.faults import FaultError
from simulators.loop.webhooks import signature
from simulators.pos.estate import COUNTERS, KINDS, Estate
from simulators.pos.options import PosOptions
from tests.unit.simulators.loops import RunningPlatform, platform
from tests.unit.simulators.serving import eventually
from tests.unit.simulators.shops import Receiver, receiver, shop

README = Path("simulators/README.md").read_text()
CHANNELS = ("shopify", "amazon", "loop", "pos")
FAULTS = ("duplicate", "disordered", "missing", "clock skew", "throttle", "wrong signature",
          "schema surprise", "truncated file")  # fmt: skip


def cells() -> dict[tuple[str, str], str]:
    """The table of the page, by fault and channel."""
    _, _, table = README.partition("## The same faults everywhere")
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    assert tuple(lines[0][1:]) == CHANNELS
    return {(row[0], name): cell for row in lines[2:]
            for name, cell in zip(CHANNELS, row[1:], strict=True)}  # fmt: skip


def channel(name: str) -> Channel[Any]:
    options, build = SYSTEMS[name]
    made = build(options())
    assert isinstance(made, Channel)
    return made


def test_every_channel_is_in_the_table() -> None:
    assert {*CHANNELS, "legacy", "cloud", "tax"} == set(SYSTEMS)
    assert {fault for fault, _ in cells()} == set(FAULTS)


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_there_by_name_or_cannot_happen(fault: str, name: str) -> None:
    cell, made = cells()[fault, name], channel(name)
    if cell.startswith("- "):
        assert len(cell) > len("- why it cannot")
        if fault != "throttle":  # that one is of all channels, whether or not anybody calls
            with pytest.raises(FaultError):
                made.faults.switch_on(fault.replace(" ", "_"), {})
        return
    names = re.findall(r"`(\w+)`", cell)
    assert names
    for it in names:
        made.faults.switch_on(it, {"count": 1})
        assert it in made.faults.as_json()


def test_every_channel_surprises_in_the_same_ways() -> None:
    for name in ("shopify", "amazon", "loop"):
        for mode in ("unknown_field", "null", "new_enum"):
            channel(name).faults.switch_on("schema_surprise", {"mode": mode})


@dataclass
class Hooked:
    """A platform whose webhooks are heard, and an order of its shop."""

    there: RunningPlatform
    hears: Receiver
    order: dict[str, Any]

    def ask(self) -> str:
        """Let a buyer send a piece back; returns the return's id."""
        made = self.there.ask(self.order, {self.order["line_items"][0]["id"]: 1})
        return str(made["id"])

    def told(self, count: int) -> list[tuple[dict[str, Any], bool]]:
        """What came, once so many did: the body, and whether it is rightly signed."""
        eventually(lambda: len(self.hears.taken) >= count)
        found = [
            (json.loads(body), headers["x-loop-signature"]
             == signature(body, self.there.options.secret))
            for headers, body in self.hears.taken
        ]  # fmt: skip
        self.hears.taken.clear()
        self.there.heal()
        return found


@pytest.fixture(scope="module")
def hooked() -> Iterator[Hooked]:
    with (
        shop() as seller,
        receiver() as hears,
        platform(seller.url, hook=hears.url, retry_s=0.05) as there,
    ):
        (placed,) = seller.place(lines={"TEE-BLK-M": 50}, paid=True)
        order = seller.get(f"/orders/{placed['id']}.json").json()["order"]
        yield Hooked(there, hears, order)


def test_loop_tells_twice_late_or_never(hooked: Hooked) -> None:
    hooked.there.fault("duplicate_webhook", count=1, delay_ms=10)
    hooked.ask()
    (first, _), (again, _) = hooked.told(2)
    assert first == again
    hooked.there.fault("disordered_webhook", count=1, delay_ms=2_000)
    late, soon = hooked.ask(), hooked.ask()
    assert [it["id"] for it, _ in hooked.told(2)] == [soon, late]
    hooked.there.fault("missing_webhook", count=1)
    hooked.ask()
    heard = hooked.ask()
    assert [it["id"] for it, _ in hooked.told(1)] == [heard]
    assert hooked.there.counters()["webhooks_missing"] == 1


def test_loop_signs_wrongly_first(hooked: Hooked) -> None:
    hooked.there.fault("wrong_signature", count=1)
    hooked.ask()
    assert [signed for _, signed in hooked.told(2)] == [False, True]


@pytest.mark.parametrize(("mode", "sign"), [("ahead", 1), ("behind", -1)])
def test_loops_clock_is_wrong(hooked: Hooked, mode: str, sign: int) -> None:
    hooked.there.fault("clock_skew", mode=mode, delay_ms=600_000)
    hooked.ask()
    ((body, _),) = hooked.told(1)
    off = datetime.fromisoformat(body["created_at"]) - datetime.now(UTC)
    assert 500 < sign * off.total_seconds() < 700


def test_loop_tells_what_nobody_announced(hooked: Hooked) -> None:
    for mode, said in (
        ("unknown_field", ("loyalty_v2", {"tier": "gold"})), ("null", ("customer", None)),
        ("new_enum", ("state", "triaged")),
    ):  # fmt: skip
        hooked.there.fault("schema_surprise", mode=mode, count=1)
        hooked.ask()
        ((body, signed),) = hooked.told(1)
        assert body[said[0]] == said[1]
        assert signed
    hooked.there.fault("empty_payload", count=1)
    hooked.ask()
    assert [bool(it) for it, _ in hooked.told(2)] == [False, True]


@pytest.mark.parametrize(("mode", "sign"), [("ahead", 1), ("behind", -1)])
def test_a_registers_clock_is_wrong_and_its_business_day_is_not(mode: str, sign: int) -> None:
    made = Channel("pos", PosOptions(), SystemClock(), KINDS, COUNTERS)
    estate = Estate(made, load_catalogue())
    made.faults.switch_on("clock_skew", {"mode": mode, "delay_ms": 600_000})
    (rung,) = estate.sell()
    off = rung.at - datetime.now(UTC)
    assert 500 < sign * off.total_seconds() < 700
    assert rung.day == datetime.now(UTC).date().isoformat()
