"""What is done to an installation, and when: a pure function of the seed.

Faults come from a shuffled deck that holds every kind, dealt again when it is used up, so that a
run long enough for one deal meets every kind whatever its seed. How long and how late things are
stays within what the product promises: :data:`ABSENT_FINAL_S` shows the sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Literal

from loadtests.books import Erp
from loadtests.findings import CHAOS, HAZARDS

Process = Literal["worker", "gateway", "store"]

#: How long a worker keeps its partitions without renewing, in s.
LEASE_S: Final = 2.0
#: A process stands still for at most so long, in s; from ``LEASE_S`` on beyond its lease.
STOP_S_MAX: Final = 3.5
#: A caller gives an ERP up after so long, in s.
REQUEST_S: Final = 1.5
#: A write takes effect at most so long after it arrived, in ms.
LATE_MS: Final = 2000
#: What is booked stays invisible to look-ups for at most so long, in ms.
LAG_MS: Final = 1000
#: A request takes at most so much longer, in ms.
SLOW_MS: Final = 800
#: When "absent" is final, in s: the attempt is recorded, its worker looks at a lease it trusts for
#: at most LEASE_S, stands still, and then sends; the request waits behind others that are late, is
#: slow and late itself, and is found only after the lag: 2 + 3.5 + 2 + 0.8 + 2 + 1 s, and 3.7 s
#: for a busy machine.
ABSENT_FINAL_S: Final = 15.0

#: From one step to the next, on average, in s.
STEP_S: Final = 2.0
#: No step so soon after the start, or so shortly before the end of the traffic, in s.
QUIET_S: Final = 1.5

#: Both ERPs have work under it.
RULES_FIRST: Final = "2-de-orders-cloud"
RULES: Final = (
    RULES_FIRST,
    "0-all-legacy",
    "1-first-stores-and-split",
    "3-nearly-all-cloud",
    "4-dutch-orders-held",
)
#: What is brought into force before a run is drained: it holds nothing.
RULES_LAST: Final = "3-nearly-all-cloud"


@dataclass(frozen=True, slots=True)
class Kill:
    """``kill -9`` process ``which`` of its kind; it is started again ``pause_s`` later."""

    what: Process
    which: int
    pause_s: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Process ``which`` of its kind stands still for ``for_s``."""

    what: Process
    which: int
    for_s: float


@dataclass(frozen=True, slots=True)
class Jump:
    """The wall clock of worker ``which`` jumps by ``by_s``, once more if it did before."""

    which: int
    by_s: int


@dataclass(frozen=True, slots=True)
class Strain:
    """The store is full (memory), or the ledger cannot be written, for ``for_s``."""

    what: Literal["memory", "ledger"]
    for_s: float


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of an ERP, for ``for_s`` at most, with parameters as the control API has them.

    ``lost`` answers to writes are lost beside it: nobody looks up what was answered.
    """

    erp: Erp
    name: str
    for_s: float
    parameters: Mapping[str, Any] = field(default_factory=dict)
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Flip:
    """Bring ``rules`` into force: by ``apply``, or by a ``rollback`` to them.

    With ``move`` what was accepted before and never attempted follows; else it stays.
    ``killed_ms`` None lets the command end. Else it is killed so long after it opened the flip,
    and the flip is then finished, or taken ``back`` to the rules of before.
    """

    rules: str
    rollback: bool = False
    killed_ms: int | None = None
    back: bool = False
    move: bool = False


Action = Kill | Stop | Jump | Strain | Fault | Flip


@dataclass(frozen=True, slots=True)
class Step:
    """``action`` is due ``at_s`` seconds after traffic began; ``kind`` names it in the deck."""

    at_s: float
    kind: str
    action: Action


#: How long a flip that is to be killed has been open: raising the partitions takes some tens
#: of ms, waiting for the gateways up to their rule lease.
_KILLED_MS: Final = (0, 5, 10, 20, 40, 80, 160, 320)

_ERP_FAULTS: Final[Mapping[str, str]] = {
    "lost_reply": "lost_replies_after_booking",
    "late_booking": "late_bookings",
    "lagging_lookup": "lagged_lookups",
    "latency": "latency_faults",
    "throttle": "erp_429",
    "outage": "outage_refusals",
    "reset": "resets",
    "slow_drip": "slow_drips",
    "malformed": "malformed_answers",
    "token_expiry": "token_expiries",
}

#: Every kind of step by the name of the hazard it is to bring about (``findings.CHAOS``).
KINDS: Final[Mapping[str, str]] = {
    "kill-worker": "workers_killed",
    "kill-gateway": "gateways_killed",
    "kill-store": "stores_killed",
    "stop-worker": "workers_stopped",
    "stop-worker-beyond-lease": "stopped_beyond_lease",
    "stop-gateway": "gateways_stopped",
    "stop-store": "stores_stopped",
    "jump-clock": "clock_jumps",
    "fill-memory": "refusals_when_full",
    "lose-ledger": "ledger_outages",
    "flip": "flips",
    "rollback": "rollbacks",
    "kill-flip": "flips_interrupted",
    "kill-rollback": "flips_interrupted",
} | {
    f"{erp}-{name}": hazard
    for name, hazard in _ERP_FAULTS.items()
    for erp in ("legacy", "cloud")
    if (erp, name) != ("legacy", "token_expiry")  # it has no tokens
}

#: Of the legacy ERP's own refusals by load none is a 429: only the cloud's are claimed.
UNCLAIMED: Final = frozenset({"legacy-throttle"})

#: Hazards that one step of their kind may miss: a flip may end, or a store have room again, before
#: anybody is met.
OF_THE_MOMENT: Final = frozenset({"flips_interrupted", "refusals_when_full"})

#: A deal holds some more often: flips, because everything else is to happen across them, and killed
#: workers, because not every kill meets a send.
_DECK: Final = (
    *KINDS, "flip", "flip", "rollback", "kill-flip", "kill-worker", "kill-worker", "stop-worker",
)  # fmt: skip

#: Seeds in a row whose short runs together meet every kind.
SHORT_RUNS: Final = 5


def deal_s() -> float:
    """Return how long a run has to be to meet every kind once, in s."""
    return (1 + len(_DECK)) * STEP_S + 2 * QUIET_S


def schedule(duration_s: float, seed: int) -> list[Step]:
    """Return the steps of a long run, in the order they are due."""
    chance = Random(f"{seed}:chaos")
    count = int((duration_s - 2 * QUIET_S) / STEP_S)
    kinds = ["flip"]
    while len(kinds) < count:
        deck = list(_DECK)
        chance.shuffle(deck)
        kinds += deck
    return _steps(kinds[:count], chance)


def short(seed: int) -> list[Step]:
    """Return the steps of a short run: a fifth of all kinds, the next fifth with the next seed."""
    chance = Random(f"{seed}:chaos")
    kinds = list(KINDS)[seed % SHORT_RUNS :: SHORT_RUNS]
    chance.shuffle(kinds)
    return _steps(["flip", *kinds], chance)


def duration_s(steps: Sequence[Step]) -> float:
    """Return how long the traffic has to go on for these steps to end by themselves, in s."""
    ends_s = [step.at_s + getattr(step.action, "for_s", STEP_S) for step in steps]
    return round(max(ends_s) + QUIET_S, 2)


def claims(steps: Sequence[Step], *, whole: bool) -> frozenset[str]:
    """Return the hazards that must have occurred in a run of these steps; in a whole one all.

    Except that stores must have moved between two business days, which is the demo's to show: here
    it is a matter of which rules were drawn. A short run leaves out what one try may miss.
    """
    if whole:
        return frozenset({*HAZARDS, *CHAOS} - {"late_days_after_flip"})
    hazards = frozenset(KINDS[step.kind] for step in steps if step.kind not in UNCLAIMED)
    return hazards - OF_THE_MOMENT


def _steps(dealt: Sequence[str], chance: Random) -> list[Step]:
    """Time the steps; a rollback that would find nothing to go back to waits for a flip."""
    kinds, steps, rules = list(dealt), [], [RULES_FIRST]
    for place in range(len(kinds)):
        if kinds[place].endswith("rollback") and len(rules) == 1:
            flip = next((n for n in range(place, len(kinds)) if kinds[n] == "flip"), None)
            if flip is None:
                kinds[place] = "flip"
            else:
                kinds[place], kinds[flip] = kinds[flip], kinds[place]
        at_s = QUIET_S + (place + chance.random() * 0.8) * STEP_S
        steps.append(Step(round(at_s, 2), kinds[place], _action(kinds[place], rules, chance)))
    return steps


def _action(kind: str, rules: list[str], chance: Random) -> Action:
    """Draw the action of a kind; ``rules`` stand on each other, the last in force."""
    verb, _, rest = kind.partition("-")
    action: Action
    match verb, rest:
        case ("kill", "worker" | "gateway" | "store" as what):
            action = Kill(what, chance.randrange(8), _between(chance, 0, 2))
        case ("stop", "worker-beyond-lease"):
            for_s = _between(chance, LEASE_S + 0.5, STOP_S_MAX)
            action = Stop("worker", chance.randrange(8), for_s)
        case ("stop", "worker" | "gateway" | "store" as what):
            action = Stop(what, chance.randrange(8), _between(chance, 0.2, STOP_S_MAX))
        case ("jump", _):
            action = Jump(chance.randrange(8), chance.choice((-600, 600)))
        case ("fill", _):
            action = Strain("memory", _between(chance, 1.5, 4))
        case ("lose", _):
            action = Strain("ledger", _between(chance, 2, 6))
        case ("flip" | "rollback", _) | ("kill", "flip" | "rollback"):
            action = _flip(kind, rules, chance)
        case _:
            action = _fault("legacy" if verb == "legacy" else "cloud", rest, chance)
    return action


def _flip(kind: str, rules: list[str], chance: Random) -> Flip:
    killed_ms = chance.choice(_KILLED_MS) if kind.startswith("kill") else None
    move = chance.random() < 0.5
    if kind.endswith("rollback"):
        rules.pop()
        return Flip(rules[-1], rollback=True, killed_ms=killed_ms, move=move)
    wanted = chance.choice([name for name in RULES if name != rules[-1]])
    back = killed_ms is not None and chance.random() < 0.4
    if not back:
        rules.append(wanted)
    return Flip(wanted, killed_ms=killed_ms, back=back, move=move)


def _fault(erp: Erp, name: str, chance: Random) -> Fault:
    for_s = _between(chance, 3, 7)
    parameters: dict[str, Any] = {}
    match name:
        case "lost_reply" | "reset":
            parameters = {"count": chance.randint(2, 6)}
        case "late_booking":
            parameters = {
                "count": chance.randint(2, 4),
                "delay_ms": chance.randint(round(REQUEST_S * 1000), LATE_MS),
                "mode": chance.choice(("abort", "hang")),
            }
            for_s = 10
        case "lagging_lookup":
            parameters, for_s = {"delay_ms": chance.randint(LAG_MS // 2, LAG_MS)}, 10
        case "latency":
            parameters = {"delay_ms": chance.randint(200, SLOW_MS)}
        case "throttle":
            parameters = {
                "probability": chance.choice((0.5, 1)),
                "delay_ms": chance.choice((0, 1000)),
            }
        case "outage":
            parameters = {"mode": chance.choice(("abort", "503"))}
        case "slow_drip":
            parameters = {"count": 6, "delay_ms": chance.randint(500, 3000)}
        case "malformed":
            parameters = {"count": chance.randint(2, 6), "mode": chance.choice(("cut", "html"))}
        case "token_expiry":
            parameters = {"count": chance.randint(2, 5)}
    return Fault(erp, name, for_s, parameters, lost=3 if name == "lagging_lookup" else 0)


def _between(chance: Random, low: float, high: float) -> float:
    return round(chance.uniform(low, high), 2)
