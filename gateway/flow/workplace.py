"""What a worker works with, handed to each part of the story that delivers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from gateway.canonical.envelope import Envelope
from gateway.canonical.outcome import Outcome
from gateway.canonical.process import Target
from gateway.clock import Clock
from gateway.flow.leases import LeaseKeeper
from gateway.flow.status import Statuses
from gateway.policy.batching import Plan
from gateway.policy.windows import Windows
from gateway.ports import Erp, Lanes, Observer, Precedents, Quotas


@dataclass(frozen=True, slots=True)
class Workplace:
    """One worker's side of every seam; ``chance`` draws jitter and orders."""

    lanes: Lanes
    quotas: Quotas
    erps: Mapping[Target, Erp]
    keeper: LeaseKeeper
    observer: Observer
    clock: Clock
    chance: Random
    windows: Windows = field(default_factory=Windows)
    #: Told of each answer to a send; returns at once and never fails.
    delivered: Callable[[Envelope, Outcome], None] = lambda _envelope, _outcome: None
    #: How many documents go in one request, where an ERP takes several.
    batching: Mapping[Target, Plan] = field(default_factory=dict)
    #: Asked before an object is begun; None asks nobody.
    precedents: Precedents | None = None
    #: Asked for what a message is to come after; None asks nobody.
    statuses: Statuses | None = None
