"""What the conductor of a run did, and when: the second JSON-lines file an audit reads.

Times in seconds of the machine's monotonic clock, as in the journal. One event a line:

``apply``  ``at_start``, ``at_return`` (null if it never returned), ``epoch``, ``version``,
           ``kind`` (initial, apply, rollback), ``scheduled`` (nobody had to be there),
           ``backlog`` (drain: what was accepted before stays; move: what nobody had attempted
           follows) and ``rules``: the *whole* rule set in force
           from then on, a list of rules as the rule files write them (id, process, when, mode,
           cloud_percent, sticky_by …). The rules a run starts under are an ``initial`` event.
``kill``   ``what`` (worker, gateway, store, flip: a command that was bringing rules into force),
           ``at``, ``in_flight``: sends under way when it died
``stop``   ``what`` (worker, gateway, store) stood still from ``at`` to ``until``; ``in_flight``
           sends were under way, ``beyond_lease``: for longer than its lease lasts
``jump``   the wall clock of a worker jumped by ``by_s`` at ``at``
``strain`` ``what`` (memory: the store was full; ledger: it could not be written) from ``at`` to
           ``until``
``fault``  ``erp`` (legacy, cloud), ``name``, ``at``, ``until``, ``delay_ms``: a fault was switched
           on
``comparison``  at ``at`` the gateway had compared ``compared`` answers of the two ERPs, of which
           ``different`` differed
``channel``  what channel ``name`` counted of itself in the whole run
``day``    from ``at`` on, stores sold on ``business_date``
``traffic_end``  traffic ended ``at``, and ``counters`` are what ``erp`` had counted by then
``pause``  a guardrail paused ``wave``, and ``at`` the webhook that says so arrived, well signed
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel

from loadtests.files import Strict, validated
from loadtests.journal import json_lines


class Apply(Strict):
    """A rule set came into force some time between ``at_start`` and ``at_return``."""

    event: Literal["apply"] = "apply"
    at_start: float
    at_return: float | None
    epoch: int
    rules: tuple[Mapping[str, Any], ...]
    kind: Literal["initial", "apply", "rollback"]
    version: str = ""
    backlog: Literal["drain", "move"] = "drain"
    scheduled: bool = False


class Kill(Strict):
    """A process was killed without warning."""

    event: Literal["kill"] = "kill"
    what: Literal["worker", "gateway", "store", "flip"]
    at: float
    in_flight: Annotated[int, Field(ge=0)] = 0


class Stop(Strict):
    """A process stood still (SIGSTOP) and went on as if nothing had been."""

    event: Literal["stop"] = "stop"
    what: Literal["worker", "gateway", "store"]
    at: float
    until: float
    in_flight: Annotated[int, Field(ge=0)] = 0
    beyond_lease: bool = False


class Jump(Strict):
    """The wall clock of one process jumped."""

    event: Literal["jump"] = "jump"
    what: Literal["worker"] = "worker"
    at: float
    by_s: float


class Strain(Strict):
    """Something the gateway stands on could not take any more."""

    event: Literal["strain"] = "strain"
    what: Literal["memory", "ledger"]
    at: float
    until: float


class Fault(Strict):
    """A fault was switched on in a simulated ERP."""

    event: Literal["fault"] = "fault"
    erp: Literal["legacy", "cloud"]
    name: str
    at: float
    until: float | None = None
    delay_ms: Annotated[int, Field(ge=0)] = 0


class Comparison(Strict):
    """What the gateway had compared of the two ERPs' answers by then."""

    event: Literal["comparison"] = "comparison"
    at: float
    compared: Annotated[int, Field(ge=0)]
    different: Annotated[int, Field(ge=0)] = 0


class Channel(Strict):
    """What a simulated channel counted: deliveries that were lost, doubled, refused, and so on."""

    event: Literal["channel"] = "channel"
    name: str
    counters: Mapping[str, int]


class Day(Strict):
    """Stores opened a business day."""

    event: Literal["day"] = "day"
    at: float
    business_date: str


class Pause(Strict):
    """A guardrail paused a wave, and somebody was told."""

    event: Literal["pause"] = "pause"
    at: float
    wave: str


class TrafficEnd(Strict):
    """What an ERP had counted when traffic ended; what is done to it later is another story."""

    event: Literal["traffic_end"] = "traffic_end"
    at: float
    erp: Literal["legacy", "cloud"]
    counters: Mapping[str, int]


Event = (
    Apply | Kill | Stop | Jump | Strain | Fault | Comparison | Channel | Day | Pause | TrafficEnd
)


class _AnyEvent(RootModel[Annotated[Event, Field(discriminator="event")]]):
    """One line of the file."""


@dataclass(slots=True)
class Events:
    """All events, each kind in the order it happened."""

    applies: list[Apply] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    jumps: list[Jump] = field(default_factory=list)
    strains: list[Strain] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    traffic_ends: list[TrafficEnd] = field(default_factory=list)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Events:
        """Sort events by kind and time."""
        sorted_events = cls()
        lists: dict[type, list[Any]] = {
            Apply: sorted_events.applies,
            Kill: sorted_events.kills,
            Stop: sorted_events.stops,
            Jump: sorted_events.jumps,
            Strain: sorted_events.strains,
            Fault: sorted_events.faults,
            Comparison: sorted_events.comparisons,
            Channel: sorted_events.channels,
            Day: sorted_events.days,
            Pause: sorted_events.pauses,
            TrafficEnd: sorted_events.traffic_ends,
        }
        for event in events:
            lists[type(event)].append(event)
        sorted_events.applies.sort(key=lambda apply: (apply.at_start, apply.epoch))
        sorted_events.kills.sort(key=lambda kill: kill.at)
        sorted_events.days.sort(key=lambda day: day.at)
        return sorted_events


class EventLog:
    """Appends events to a file; for conductors. A file that exists is continued.

    Several threads may append.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def append(self, event: Event) -> None:
        """Append one event, flushed and closed when this returns."""
        row = event.model_dump(mode="json")
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_events(path: Path) -> Events:
    """Read a file of events; raises BadFile naming line and key."""
    return Events.of(
        validated(f"{path}: line {number}", row, _AnyEvent).root for number, row in json_lines(path)
    )
