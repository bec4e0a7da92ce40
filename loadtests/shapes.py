"""The open model: when requests are due, whatever the gateway does.

A curve gives the rate as a share of the rate asked for, over the progress (0 … 1) of the run.
Arrivals are a seeded Poisson process along it. A user takes the next due time, waits for it, and
sends; if all users are busy the due time passes, and the latency, timed from it, says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from loadtests.files import Strict

Share = Annotated[float, Field(ge=0, le=1)]


class Constant(Strict):
    """The rate asked for, all the time."""

    kind: Literal["constant"]

    def share(self, progress: float) -> float:  # noqa: ARG002 -- one signature for all curves
        """Always 1."""
        return 1.0


class Ramp(Strict):
    """From ``start`` of the rate up to all of it, linear over the first ``over`` of the run."""

    kind: Literal["ramp"]
    start: Share = 0.1
    over: Annotated[float, Field(gt=0, le=1)] = 0.5

    def share(self, progress: float) -> float:
        """1 from ``over`` on."""
        return min(1.0, self.start + (1 - self.start) * progress / self.over)


class Peak(Strict):
    """``base`` of the rate, and a bell of half-width ``width`` that reaches all of it at ``at``."""

    kind: Literal["peak"]
    base: Share = 0.3
    at: Share = 0.5
    width: Annotated[float, Field(gt=0, le=1)] = 0.15

    def share(self, progress: float) -> float:
        """1 at the peak, ``base`` far from it."""
        distance = (progress - self.at) / self.width
        return self.base + (1 - self.base) * exp(-distance * distance / 2)


Shape = Constant | Ramp | Peak


def arrivals(
    shape: Shape,
    rate_per_s: float,
    duration_s: float,
    chance: Random,
    *,
    until_s: float = 0.0,
) -> Iterator[float]:
    """Yield when requests are due, in seconds from the start, below ``duration_s``.

    A Poisson process thinned to the curve: no curve exceeds 1, so ``rate_per_s`` bounds it. It goes
    on to ``until_s``, if that is later, as the curve ends.
    """
    until_s = max(duration_s, until_s)
    at = 0.0
    while rate_per_s > 0:
        at += chance.expovariate(rate_per_s)
        if at >= until_s:
            return
        if chance.random() < shape.share(min(1.0, at / duration_s)):
            yield at
