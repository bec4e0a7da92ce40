"""What builds on each other: waves that come after others, processes that need others.

A wave that moves business needs those before it to have moved. A process that the cloud ERP serves
needs the processes it names to be served there too, for the same requests.

A wave *moves* something if one of its rules lets the cloud ERP serve, or holds what will move: a
wave that only shadows, or was put back to legacy, moves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from gateway.canonical.process import PROCESSES, Kind
from gateway.routing.model import DATE, Mode, Rule, Wave
from gateway.routing.region import Region
from gateway.routing.traffic import answer
from gateway.routing.winners import Winners

#: Unmet needs reported; the rest shows up once these are resolved.
FOUND_MAX: Final = 100


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


@dataclass(frozen=True, slots=True)
class Lacking:
    """``rule`` moves requests of ``where`` to the cloud ERP, and ``other`` keeps what they need."""

    rule: Rule
    other: Rule
    where: Region

    def __str__(self) -> str:
        rule, other = self.rule, self.other
        return (
            f"'{rule.rule_id}' sends {rule.process} to the cloud ERP, which needs {other.process} "
            f"there for {self.where}: {other.label} says {answer(other)}"
        )


def lacking(rules: Iterable[Rule]) -> list[Lacking]:
    """Return where a process goes to the cloud ERP and one it needs does not go with it.

    Of two rules one request is named. What a rule holds goes nowhere yet, so it needs nothing.
    """
    by_process: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        by_process[rule.process].append(rule)
    needs = {it.process: it.needs for each in by_process.values() for it in each if it.needs}
    return list(islice(_lacking(by_process, needs), FOUND_MAX))


def _lacking(
    by_process: Mapping[str, Sequence[Rule]], needs: Mapping[str, Sequence[str]]
) -> Iterator[Lacking]:
    winners = {name: Winners(by_process[name]) for name in {*needs, *chain(*needs.values())}}
    for process, others in needs.items():
        moved = [it for it in winners[process].won_by((Mode.CLOUD, Mode.SPLIT)) if _moves(it.rule)]
        for needed in others:
            reported: set[tuple[str, str]] = set()
            for region, rule in moved:
                for where, other in winners[needed].within(_seen_by(needed, region)):
                    pair = (rule.rule_id, other.rule_id)
                    if not _goes_along(rule, other) and pair not in reported:
                        reported.add(pair)
                        yield Lacking(rule, other, where)


def _seen_by(process: str, region: Region) -> Region:
    """Leave out of a region what requests of another process do not have."""
    basis = PROCESSES[process].basis
    values = {name: them for name, them in region.values.items() if name in basis}
    return Region(values, region.first, region.last) if DATE in basis else Region(values)


def _goes_along(rule: Rule, other: Rule) -> bool:
    """Return whether ``other`` serves in the cloud ERP all of what ``rule`` sends there.

    A follow-up is where its object is, unless it is held. Of two splits by one key the larger has
    the smaller one's objects: the same hash decides.
    """
    if PROCESSES[other.process].kind is Kind.FOLLOW_UP:
        return other.mode is not Mode.HOLD
    if other.mode is not Mode.SPLIT:
        return other.mode is Mode.CLOUD
    alike = rule.mode is Mode.SPLIT and rule.sticky_by == other.sticky_by
    return alike and rule.percent_hundredths <= other.percent_hundredths


def _moves(rule: Rule) -> bool:
    if rule.mode is Mode.SPLIT:
        return rule.percent_hundredths > 0
    return rule.mode in (Mode.CLOUD, Mode.HOLD)
