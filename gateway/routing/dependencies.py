"""Waves that build on each other (B9): one that moves business needs those before it to have moved.

A wave *moves* something if one of its rules lets the cloud ERP serve, or holds what will move: a
wave that only shadows, or was put back to legacy, moves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.routing.model import Mode, Rule, Wave


@dataclass(frozen=True, slots=True)
class Unmet:
    """``wave`` moves something and ``needs`` does not, for ``why``."""

    wave: str
    needs: str
    why: str


def moving(rules: Iterable[Rule]) -> frozenset[str]:
    """Return the names of the waves that move something."""
    return frozenset(rule.wave for rule in rules if rule.wave and _moves(rule))


def unmet(waves: Iterable[Wave], rules: Iterable[Rule]) -> Iterator[Unmet]:
    """Return each dependency of a wave that moves something on one that does not.

    A wave without rules is a step outside the gateway (items are migrated, people are trained):
    whether it is done nobody can see here. Waves that are not there at all are reported elsewhere.
    """
    by_wave: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        by_wave[rule.wave].append(rule)
    moved = moving(rule for mine in by_wave.values() for rule in mine)
    for wave in waves:
        if wave.name not in moved:
            continue
        for needs in wave.depends_on:
            if by_wave[needs] and needs not in moved:
                modes = sorted({rule.mode.value for rule in by_wave[needs]})
                yield Unmet(wave.name, needs, f"all its rules say {', '.join(modes)}")


def _moves(rule: Rule) -> bool:
    if rule.mode is Mode.SPLIT:
        return rule.percent_hundredths > 0
    return rule.mode in (Mode.CLOUD, Mode.HOLD)
