"""What every benchmark returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. ``holds`` is None where there is no bar, only something to know."""

    name: str
    value: float
    unit: str
    against: str = ""
    bar: str = ""
    holds: bool | None = None


def at_least(name: str, value: float, unit: str, against: str, bar: float) -> Figure:
    """A figure that must not be below its bar."""
    return Figure(name, value, unit, against, f"≥ {bar:g}", value >= bar)


def at_most(name: str, value: float, unit: str, against: str, bar: float) -> Figure:
    """A figure that must not be above its bar."""
    return Figure(name, value, unit, against, f"≤ {bar:g}", value <= bar)
