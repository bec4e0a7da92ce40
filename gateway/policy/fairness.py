"""Who is next: classes, ageing, the channels' shares, and what an operator pauses in a peak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.canonical.process import Priority

#: What has risen a class gets this part of its channel's weight there. A backlog of a million that
#: has all grown old would else leave every newer message of the class above half of the calls.
RISEN_SHARE: Final = 0.25

#: A first paused class that pauses nothing.
NOTHING: Final = len(Priority)


@dataclass(frozen=True, slots=True)
class Fairness:
    """How takes choose. ``weights`` are by channel, 1 where none is given.

    What has been waiting for ``rise_ms`` competes in the class above its own, after twice that in
    the one above that, but never in the most urgent one; 0 lets nothing rise. Classes from
    ``paused_from`` on are not taken.
    """

    rise_ms: int = 0
    weights: Mapping[str, float] = field(default_factory=dict)
    paused_from: int = NOTHING

    def arguments(self) -> tuple[object, ...]:
        """Return what ``take.lua`` is told."""
        weights = [it for pair in self.weights.items() for it in pair]
        return (self.rise_ms, int(self.paused_from), RISEN_SHARE, *weights)
