"""What is done to the installation while traffic runs, and when: a pure function of the seed.

Times are shares of the run's duration plus a seeded shift, so that two seeds meet the traffic at
different moments while the order of the story stays: the first wave compared, then due; the second;
every fault of the cloud ERP, a killed worker, a killed gateway, the second wave taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from loadtests.books import Erp

#: Directories under ``loadtests/rules``.
RULES_FIRST = "0-wave-1-compared"
RULES_WAVE_1 = "1-first-stores-and-split"
RULES_WAVE_2 = "2-de-orders-cloud"
RULES_BAD_WAVE = "3-bad-wave"
WAVE_1 = "wave 1: three Dutch stores, 30 % of Dutch customers"

#: The first wave is scheduled when traffic begins and due so long after, in s, at least: the
#: command that schedules it, and the one that reads what was compared before, end first.
DUE_S_MIN = 11.0
WAVE_1_AT = 0.14
COMPARED_S_MIN = 6.0

#: Steps are shifted by at most so much of the duration, either way. Half the smallest distance
#: between two steps that must keep their order.
SHIFT = 0.01

#: The longest time a request that seemed lost is booked later, in ms. With LAG_MS it bounds when
#: "absent" may be believed: see ``folder.ABSENT_FINAL_S``.
LATE_MS = 4000
#: How long a booked document stays invisible to look-ups, in ms.
LAG_MS = 2000


@dataclass(frozen=True, slots=True)
class Schedule:
    """Have a directory of rules that somebody else approved brought into force at ``due_s``."""

    rules: str
    due_s: float


@dataclass(frozen=True, slots=True)
class Compare:
    """Look at what the ERP that is to take over answered, before it does."""


@dataclass(frozen=True, slots=True)
class Flip:
    """Apply a directory of rules; ``scheduled``: see it come into force by itself."""

    rules: str
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Rollback:
    """Take the last flip back; ``rules`` are in force again then."""

    rules: str


@dataclass(frozen=True, slots=True)
class Tills:
    """Stores lose their network, end their business day, or get the network back."""

    what: Literal["cut off", "day ends", "back"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Switch a fault on; ``duration_s`` seconds at most, parameters as the control API has them."""

    erp: Erp
    name: str
    duration_s: float
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KillWorker:
    """``kill -9`` a worker that has sends under way; number ``which`` first, then the next."""

    which: int


@dataclass(frozen=True, slots=True)
class KillGateway:
    """``kill -9`` gateway process ``which`` and what it started."""

    which: int


Action = Schedule | Compare | Flip | Rollback | Fault | Tills | KillWorker | KillGateway


@dataclass(frozen=True, slots=True)
class Step:
    """``action`` is due ``at_s`` seconds after traffic began; ``words`` say it to people."""

    at_s: float
    action: Action
    words: str


def timeline(duration_s: float, seed: int, workers: int = 2, gateways: int = 2) -> list[Step]:
    """All steps of a demo in the order they are due. The same seed gives the same steps."""
    chance = Random(f"{seed}:timeline")
    kill_worker = KillWorker(chance.randrange(workers))
    kill_gateway = KillGateway(chance.randrange(gateways))
    due_s = max(DUE_S_MIN, (WAVE_1_AT + _shift(chance)) * duration_s)
    # What follows keeps its distances in what is left.
    left_s = (duration_s - due_s) / (1 - WAVE_1_AT)
    first = [
        Step(0.0, Schedule(RULES_WAVE_1, due_s), WAVE_1),
        Step(max(COMPARED_S_MIN, 0.08 * duration_s), Compare(), "the cloud ERP was asked as well"),
        Step(due_s, Flip(RULES_WAVE_1, scheduled=True), WAVE_1),
    ]
    plan: list[tuple[float, Action, str]] = [
        (0.22, _spell("legacy", "lost_reply", 0.10, duration_s, count=4), "loses replies"),
        (0.25, Tills("cut off"), "the first stores have no network"),
        (0.28, Flip(RULES_WAVE_2), "wave 2: all new German orders"),
        (
            0.34,
            _spell("cloud", "lagging_lookup", 0.24, duration_s, delay_ms=LAG_MS),
            "does not find what it has just booked",
        ),
        (0.36, _spell("cloud", "lost_reply", 0.14, duration_s, count=6), "loses replies"),
        (0.50, Tills("day ends"), "the business day ends in all stores"),
        (0.57, Tills("back"), "the first stores send what they sold without a network"),
        (
            0.46,
            _spell(
                "cloud", "late_booking", 0.12, duration_s, count=4, delay_ms=LATE_MS, mode="hang"
            ),
            "books after the caller gave up",
        ),
        (0.54, _spell("cloud", "throttle", 0.04, duration_s), "refuses everything with 429"),
        (0.60, _spell("cloud", "outage", 0.06, duration_s), "is down"),
        (0.68, _spell("cloud", "latency", 0.06, duration_s, delay_ms=600), "is slow"),
        (0.68, _spell("legacy", "latency", 0.06, duration_s, delay_ms=400), "is slow"),
        (0.70, kill_worker, "kill -9 of a worker with sends under way"),
        (0.78, kill_gateway, "kill -9 of a gateway process"),
        (0.88, Rollback(RULES_WAVE_1), "wave 2 is rolled back"),
    ]
    steps = [
        Step(round(due_s + (share - WAVE_1_AT + _shift(chance)) * left_s, 2), action, words)
        for share, action, words in plan
    ]
    return sorted([*first, *steps], key=lambda step: step.at_s)


def _shift(chance: Random) -> float:
    return chance.uniform(-SHIFT, SHIFT)


def _spell(erp: Erp, name: str, share: float, duration_s: float, **parameters: object) -> Fault:
    """A fault for ``share`` of the run, between 1.5 s and 15 s, or as often as ``count`` says."""
    return Fault(erp, name, round(min(15.0, max(1.5, share * duration_s)), 1), parameters)
