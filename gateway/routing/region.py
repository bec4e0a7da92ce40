"""Regions of requests: what a rule matches, as sets that can be intersected and subtracted.

The world is open: a dimension may take values no rule names, so what a region leaves free can
only be used up by regions that leave it free too. Days are the exception, they form a line with
both ends: ``to 30 June`` and ``from 1 July`` together are all days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from gateway.routing.model import ALWAYS, DATE, Rule


class Region(NamedTuple):
    """All requests with one of ``values`` in each named dimension, on days ``first`` to ``last``.

    Days are ordinals (day 1 is 0001-01-01), both ends included.
    """

    values: Mapping[str, frozenset[str]]
    first: int
    last: int

    def __str__(self) -> str:
        parts = [f"{name}={min(values)}" for name, values in sorted(self.values.items())]
        if (self.first, self.last) != ALWAYS.ordinals:
            open_start = self.first == ALWAYS.ordinals[0]
            parts.append(f"{DATE}={date.fromordinal(self.last if open_start else self.first)}")
        return ", ".join(parts) or "any request"


def region_of(rule: Rule) -> Region:
    """Return what a rule matches."""
    first, last = (rule.dates or ALWAYS).ordinals
    return Region({name: frozenset(values) for name, values in rule.when}, first, last)


def intersection(one: Region, other: Region) -> Region | None:
    """Return what both match, None if nothing."""
    values = dict(one.values)
    for name, allowed in other.values.items():
        values[name] = values[name] & allowed if name in values else allowed
        if not values[name]:
            return None
    first, last = max(one.first, other.first), min(one.last, other.last)
    return Region(values, first, last) if first <= last else None


def remainder(region: Region, holes: Iterable[Region]) -> Region | None:
    """Return some part of ``region`` that no hole covers, None if they cover all of it.

    Holes may name only dimensions that ``region`` names; others cannot use it up (open world).
    """
    pieces = [region]
    for hole in holes:
        pieces = [left for piece in pieces for left in _subtract(piece, hole)]
        if not pieces:
            return None
    return pieces[0]


def _subtract(region: Region, hole: Region) -> list[Region]:
    """Cut a hole out, dimension by dimension; what is left are at most dimensions + 2 pieces."""
    if intersection(region, hole) is None:
        return [region]
    pieces = []
    values = dict(region.values)
    for name, cut in hole.values.items():
        outside = values[name] - cut
        if outside:
            pieces.append(Region({**values, name: outside}, region.first, region.last))
        values[name] &= cut
    if region.first < hole.first:
        pieces.append(Region(values, region.first, hole.first - 1))
    if hole.last < region.last:
        pieces.append(Region(values, hole.last + 1, region.last))
    return pieces
