"""Named faults, switched at run time, each ending by itself.

A fault is drawn per request from its own seeded stream, so one seed and one sequence of requests
give the same faults. Switching a fault on again starts its stream again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from simulators.clock import Clock

DURATION_S_DEFAULT = 300.0
"""Long enough for a run's act, short enough that a forgotten fault heals within a demo."""
DURATION_S_MAX = 3600.0
COUNT_MAX = 1_000_000
DELAY_MS_MAX = 600_000


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A fault that can be switched on: the delay it takes by default, its modes, what it does."""

    delay_ms: int
    modes: tuple[str, ...]
    meaning: str


KINDS: dict[str, FaultKind] = {
    "lost_reply": FaultKind(
        0, (), "the document is booked, delay_ms later the connection is aborted without an answer"
    ),
    "late_booking": FaultKind(
        2000,
        ("abort", "hang"),
        "the connection is aborted at once (abort) or held until then (hang), and the document is "
        "booked delay_ms after the request",
    ),
    "lagging_lookup": FaultKind(
        2000, (), "a document booked meanwhile stays invisible to look-ups for delay_ms"
    ),
    "latency": FaultKind(500, (), "a request takes delay_ms longer"),
    "throttle": FaultKind(
        0, (), "429 (cloud) or 503 (legacy); Retry-After is delay_ms in whole seconds, if above 0"
    ),
    "outage": FaultKind(
        0, ("abort", "503"), "after delay_ms the connection is aborted, or answered 503"
    ),
    "reset": FaultKind(
        0,
        (),
        "it is carried out, half of the answer is sent, then the connection is reset",
    ),
    "slow_drip": FaultKind(
        5000, (), "the request is carried out, its answer trickles in over delay_ms"
    ),
    "malformed": FaultKind(
        0,
        ("cut", "html"),
        "the request is carried out, the body of its answer is cut short, or a page of some proxy",
    ),
    "maintenance": FaultKind(
        0,
        ("all", "writes"),
        "from delay_ms on requests (or only writes) are refused with 503, and what is still being "
        "served at that moment gets no answer",
    ),
    "token_expiry": FaultKind(
        0, (), "cloud: the token presented is stale at once (401); the legacy ERP has no tokens"
    ),
}


class FaultError(ValueError):
    """An unknown fault, an unknown parameter, or a value out of bounds."""


@dataclass(slots=True)
class Fault:
    """A fault that is on. `left` None means as often as it likes; `ends_s` is monotonic time."""

    name: str
    probability: float
    delay_ms: int
    mode: str | None
    duration_s: float
    ends_s: float
    left: int | None
    chance: Random
    fired: int = 0

    @property
    def begins_s(self) -> float:
        """When a fault that begins later does: its delay after it was switched on."""
        return self.ends_s - self.duration_s + self.delay_s

    @property
    def delay_s(self) -> float:
        """The delay in seconds."""
        return self.delay_ms / 1000

    def as_json(self, now_s: float) -> dict[str, object]:
        """The entry of `GET /control/faults`."""
        return {
            "probability": self.probability,
            "delay_ms": self.delay_ms,
            "mode": self.mode,
            "duration_s": self.duration_s,
            "remaining_s": round(max(0.0, self.ends_s - now_s), 3),
            "remaining_count": self.left,
            "fired": self.fired,
        }


class Faults:
    """The faults that are on."""

    def __init__(
        self, clock: Clock, seed: int, kinds: Mapping[str, FaultKind] | None = None
    ) -> None:
        self._clock = clock
        self._seed = seed
        self._kinds = KINDS if kinds is None else kinds
        self._on: dict[str, Fault] = {}

    def switch_on(self, name: str, parameters: Mapping[str, object]) -> Fault:
        """Switch a fault on, replacing one of the same name. Raises `FaultError`."""
        kind = self._kind(name)
        known = [
            "probability",
            "duration_s",
            "count",
            "delay_ms",
            *(["mode"] if kind.modes else []),
        ]
        for parameter in parameters:
            if parameter not in known:
                raise FaultError(
                    f"fault {name!r} has no parameter {parameter!r}; it takes {', '.join(known)}"
                )
        count = _figure(parameters, "count", 0, 1, COUNT_MAX, whole=True)
        duration_s = _figure(parameters, "duration_s", DURATION_S_DEFAULT, 0, DURATION_S_MAX)
        fault = Fault(
            name=name,
            probability=_figure(parameters, "probability", 1, 0, 1),
            delay_ms=int(_figure(parameters, "delay_ms", kind.delay_ms, 0, DELAY_MS_MAX)),
            mode=_mode(name, kind, parameters),
            duration_s=duration_s,
            ends_s=self._clock.monotonic_s() + duration_s,
            left=int(count) or None,
            chance=Random(f"{self._seed}/fault/{name}"),
        )
        self._on[name] = fault
        return fault

    def switch_off(self, name: str) -> None:
        """Switch a fault off, whether or not it is on. Raises `FaultError` for no such fault."""
        self._kind(name)
        self._on.pop(name, None)

    def switch_all_off(self) -> None:
        """Heal everything."""
        self._on.clear()

    def fires(self, name: str) -> Fault | None:
        """Draw: the fault if it strikes this time, None if it is off, over or lucky."""
        fault = self._on.get(name)
        if fault is None:
            return None
        if self._clock.monotonic_s() >= fault.ends_s:
            del self._on[name]
            return None
        if fault.chance.random() >= fault.probability:
            return None
        fault.fired += 1
        if fault.left is not None:
            fault.left -= 1
            if fault.left == 0:
                del self._on[name]
        return fault

    def on(self, name: str) -> Fault | None:
        """The fault while it is on; nothing is drawn and nothing used up."""
        fault = self._on.get(name)
        return fault if fault is not None and self._clock.monotonic_s() < fault.ends_s else None

    def begun(self, name: str) -> Fault | None:
        """The fault if it is on and its delay over; nothing is drawn and nothing used up."""
        fault = self._on.get(name)
        now_s = self._clock.monotonic_s()
        return fault if fault is not None and fault.begins_s <= now_s < fault.ends_s else None

    def _kind(self, name: str) -> FaultKind:
        try:
            return self._kinds[name]
        except KeyError:
            raise FaultError(f"no fault {name!r}; there are {', '.join(self._kinds)}") from None

    def as_json(self) -> dict[str, object]:
        """The faults that are on, by name."""
        now_s = self._clock.monotonic_s()
        self._on = {name: fault for name, fault in self._on.items() if fault.ends_s > now_s}
        return {name: fault.as_json(now_s) for name, fault in self._on.items()}


def _mode(name: str, kind: FaultKind, parameters: Mapping[str, object]) -> str | None:
    if not kind.modes:
        return None
    mode = parameters.get("mode", kind.modes[0])
    if mode not in kind.modes:
        raise FaultError(f"fault {name!r}: mode is {mode!r}, it must be {' or '.join(kind.modes)}")
    return str(mode)


def _figure(
    parameters: Mapping[str, object],
    name: str,
    default: float,
    low: float,
    high: float,
    *,
    whole: bool = False,
) -> float:
    if name not in parameters:
        return default
    value = parameters[name]
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (isinstance(value, int) or not whole)
        and low <= value <= high
    ):
        return value
    kind = "a whole number" if whole else "a number"
    raise FaultError(f"{name} is {value!r}, it must be {kind} from {low:g} to {high:g}")
