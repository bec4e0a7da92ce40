"""What an entry of the index says: a decision, a split, or one of them by business day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Final, TypeAlias

from gateway.canonical.process import Target
from gateway.routing.facts import Decision, Facts
from gateway.routing.model import TARGETS, Mode, Rule, percent_text
from gateway.routing.sticky import bucket

#: An open end of a range of days: later than any ISO date as text.
_NEVER: Final = "9999-99-99"


class Split:
    """Two decisions and how to choose; without the sticky fact there is nothing to choose by."""

    __slots__ = ("_cloud", "_index", "_legacy", "_percent_hundredths", "_unknown", "sticky_by")

    def __init__(self, rule: Rule, version: str) -> None:
        cloud, legacy, unknown = _of_split(rule.percent_hundredths, rule.sticky_by)
        self.sticky_by = rule.sticky_by
        self._index = Facts._fields.index(rule.sticky_by)
        self._percent_hundredths = rule.percent_hundredths
        self._cloud = Decision(Target.CLOUD, rule.rule_id, version, cloud)
        self._legacy = Decision(Target.LEGACY, rule.rule_id, version, legacy)
        self._unknown = Decision(Target.LEGACY, rule.rule_id, version, unknown)

    def side(self, facts: Facts) -> Decision:
        """Return the decision for one request."""
        value: str = facts[self._index]
        return self.of(bucket(self.sticky_by, value) if value else None)

    def of(self, number: int | None) -> Decision:
        """Return the decision for a bucket (0 to 9999); None is a request without the fact."""
        if number is None:
            return self._unknown
        return self._cloud if number < self._percent_hundredths else self._legacy


Outcome: TypeAlias = Decision | Split


class Days:
    """Outcomes by business day: ranges that do not overlap, found by bisection."""

    __slots__ = ("_firsts", "_lasts", "_outcomes")

    def __init__(self, ranges: Iterable[tuple[str, str, Outcome]]) -> None:
        in_order = sorted(ranges, key=itemgetter(0))
        self._firsts = [first for first, _, _ in in_order]
        self._lasts = [last or _NEVER for _, last, _ in in_order]
        self._outcomes = [outcome for _, _, outcome in in_order]

    def on(self, day: str) -> Outcome | None:
        """Return what a day's range says, or None if no range has that day."""
        at = bisect_right(self._firsts, day) - 1
        return self._outcomes[at] if day and at >= 0 and day <= self._lasts[at] else None


def outcome_of(rule: Rule, version: str) -> Outcome:
    """Build beforehand what a rule answers."""
    if rule.mode is Mode.SPLIT:
        return Split(rule, version)
    reason = _reason(rule.process, rule.dimensions, rule.mode)
    return Decision(TARGETS.get(rule.mode), rule.rule_id, version, reason, rule.shadow)


# Thousands of rules give a few reasons: each is kept once.


@lru_cache(maxsize=1024)
def _reason(process: str, dimensions: tuple[str, ...], mode: Mode) -> str:
    matched = f"matches {' + '.join(dimensions)}" if dimensions else f"default of {process}"
    return f"{matched}: the owner decides" if mode is Mode.OWNER else matched


@lru_cache(maxsize=1024)
def _of_split(percent_hundredths: int, sticky_by: str) -> tuple[str, str, str]:
    """Return the reasons for the cloud side, the legacy side, and where there is no fact."""
    share = f"split of {percent_text(percent_hundredths)} % by {sticky_by}"
    return f"{share}: cloud side", f"{share}: legacy side", f"no {sticky_by} to split by"
