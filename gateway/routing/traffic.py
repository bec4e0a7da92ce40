"""Rules as traffic: who wins where, and what moves between two rule sets.

A rule set cuts the requests of a process into disjoint regions, one winner each. A piece of the
winner of one set, walked through the other set from its most specific rule down, falls apart into
pieces with two winners; those whose answers differ are what moves. Only what changed is walked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from gateway.canonical.process import PROCESSES
from gateway.routing.model import HUNDREDTHS, Mode, Rule, percent_text
from gateway.routing.region import Region, intersection, region_of
from gateway.routing.ruleset import RuleSet
from gateway.routing.winners import Piece, Winners


@dataclass(frozen=True, slots=True)
class Move:
    """Requests of ``region`` that are answered otherwise: by ``before`` then, ``after`` now."""

    process: str
    region: Region
    before: Rule
    after: Rule

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values for machines."""
        return {
            "process": self.process,
            "when": self.region.as_json(),
            "from": answer(self.before),
            "to": answer(self.after),
            "moves": self.moving(),
            "rule_before": self.before.rule_id,
            "rule_after": self.after.rule_id,
        }

    def moving(self) -> str:
        """Say which of them change the ERP: all, a share, or none but the shadow."""
        before, after = self.before, self.after
        if before.mode is Mode.SPLIT or after.mode is Mode.SPLIT:
            return _share(before, after)
        return "all" if before.mode is not after.mode else "none, the shadow only"

    def __str__(self) -> str:
        return (
            f"{self.process}: {self.region.described()}: {answer(self.before)} -> "
            f"{answer(self.after)} ({self.moving()}; {self.before.rule_id} -> {self.after.rule_id})"
        )


def answer(rule: Rule) -> str:
    """Say what a rule does, in words."""
    shadow = f", shadow {rule.shadow}" if rule.shadow else ""
    if rule.mode is Mode.SPLIT:
        return f"split {percent_text(rule.percent_hundredths)} % by {rule.sticky_by}"
    if rule.mode is Mode.OWNER:
        return "the owner"
    return f"{rule.mode}{shadow}"


def _share(before: Rule, after: Rule) -> str:
    """Say what a changed split moves; two splits by the same key differ by a stretch of buckets."""
    if before.mode is after.mode and before.sticky_by != after.sticky_by:
        return f"some, the split is by {after.sticky_by} now"
    low, high = _cloud_share(before), _cloud_share(after)
    if low is None or high is None:
        return "all, from hold" if low is None else "all, to hold"
    key = after.sticky_by or before.sticky_by
    if low == high:
        return f"only those without {key}"
    direction = "to cloud" if high > low else "to legacy"
    return f"{percent_text(abs(high - low))} % by {key} {direction}"


def _cloud_share(rule: Rule) -> int | None:
    """Return the share of buckets in the cloud, in hundredths of a percent; None for a hold."""
    if rule.mode is Mode.SPLIT:
        return rule.percent_hundredths
    return {Mode.CLOUD: HUNDREDTHS, Mode.LEGACY: 0}.get(rule.mode)


def _says(rule: Rule) -> tuple[object, ...]:
    """Return what decides an answer: not the rule's name, its wave or its place."""
    return rule.mode, rule.percent_hundredths, rule.sticky_by, rule.shadow


def _content(rule: Rule) -> Rule:
    return replace(rule, rule_id="", wave="", needs=(), place=None)


def moves(before: RuleSet, after: RuleSet) -> list[Move]:
    """Return what moves between two rule sets, by process, in the order of the rules before.

    A process that only one of them knows is left out: no request can be of both.
    """
    found: list[Move] = []
    for process in PROCESSES:
        old, new = Winners(before.rules_of(process)), Winners(after.rules_of(process))
        if old.rules and new.rules:
            found += _moves(process, old, new)
    return found


def _moves(process: str, old: Winners, new: Winners) -> Iterator[Move]:
    unchanged = {_content(it) for it in old.rules} & {_content(it) for it in new.rules}
    changed = [region_of(it) for it in new.rules if _content(it) not in unchanged]
    for rule in old.rules:
        region = region_of(rule)
        if _content(rule) in unchanged and not any(intersection(region, it) for it in changed):
            continue
        for mine in old.pieces_of(rule):
            for piece in new.within(mine):
                if _says(piece.rule) != _says(rule):
                    yield Move(process, piece.region, rule, piece.rule)


def on_legacy(rules: RuleSet, process: str) -> list[Piece]:
    """Return what of a process the legacy ERP still serves, wholly or by its side of a split."""
    found = Winners(rules.rules_of(process)).won_by((Mode.LEGACY, Mode.SPLIT, Mode.HOLD))
    return [
        piece
        for piece in found
        if piece.rule.mode is not Mode.SPLIT or piece.rule.percent_hundredths < HUNDREDTHS
    ]
