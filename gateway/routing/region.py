"""Regions of requests: what a rule matches, as sets that can be intersected and subtracted.

The world is open: a dimension may take values no rule names, so what a region leaves free can
only be used up by regions that leave it free too. Days are the exception, they form a line with
both ends: ``to 30 June`` and ``from 1 July`` together are all days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from gateway.routing.model import ALWAYS, DATE, Rule
from gateway.routing.values import ANYTHING, Values

_FIRST, _LAST = ALWAYS.ordinals


class Region(NamedTuple):
    """All requests with one of ``values`` in each named dimension, on days ``first`` to ``last``.

    Days are ordinals (day 1 is 0001-01-01), both ends included.
    """

    values: Mapping[str, Values]
    first: int = _FIRST
    last: int = _LAST

    def __str__(self) -> str:
        """Name one request of the region."""
        parts = [f"{name}={values.example()}" for name, values in sorted(self.values.items())]
        if (self.first, self.last) != (_FIRST, _LAST):
            day = self.last if self.first == _FIRST else self.first
            parts.append(f"{DATE}={date.fromordinal(day)}")
        return ", ".join(parts) or "any request"

    def described(self) -> str:
        """Say all that is in it, for people."""
        parts = [f"{name} {values}" for name, values in sorted(self.values.items())]
        days = self.days()
        if days:
            parts.append(f"{DATE} " + " ".join(f"{word} {day}" for word, day in days.items()))
        return "; ".join(parts) or "any request"

    def days(self) -> dict[str, str]:
        """Return the bounds it has, ISO 8601; an open end is left out."""
        bounds = {}
        if self.first != _FIRST:
            bounds["from"] = date.fromordinal(self.first).isoformat()
        if self.last != _LAST:
            bounds["to"] = date.fromordinal(self.last).isoformat()
        return bounds

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values for machines."""
        named: dict[str, Any] = {n: v.as_json() for n, v in sorted(self.values.items())}
        days = self.days()
        return {**named, DATE: days} if days else named


#: Every request.
EVERYWHERE = Region({})


def region_of(rule: Rule) -> Region:
    """Return what a rule matches."""
    first, last = (rule.dates or ALWAYS).ordinals
    return Region({name: Values.of(values) for name, values in rule.when}, first, last)


def intersection(one: Region, other: Region) -> Region | None:
    """Return what both match, None if nothing."""
    first, last = max(one.first, other.first), min(one.last, other.last)
    if first > last:
        return None
    values = dict(one.values)
    for name, allowed in other.values.items():
        values[name] = values[name] & allowed if name in values else allowed
        if not values[name]:
            return None
    return Region(values, first, last)


def remainder(region: Region, holes: Iterable[Region]) -> Region | None:
    """Return some part of ``region`` that no hole covers, None if they cover all of it.

    Depth first: what is left open by one hole is usually left open by all.
    """
    cuts = tuple(holes)
    pieces = [(region, 0)]
    while pieces:
        piece, at = pieces.pop()
        while at < len(cuts) and intersection(piece, cuts[at]) is None:
            at += 1
        if at == len(cuts):
            return piece
        pieces += [(left, at + 1) for left in reversed(subtract(piece, cuts[at]))]
    return None


def subtract(region: Region, hole: Region) -> list[Region]:
    """Cut a hole out, dimension by dimension; what is left are at most dimensions + 2 pieces."""
    if intersection(region, hole) is None:
        return [region]
    pieces = []
    values = dict(region.values)
    for name, cut in hole.values.items():
        here = values.get(name, ANYTHING)
        outside = here.minus(cut)
        if outside:
            pieces.append(Region({**values, name: outside}, region.first, region.last))
        values[name] = here & cut
    if region.first < hole.first:
        pieces.append(Region(values, region.first, hole.first - 1))
    if hole.last < region.last:
        pieces.append(Region(values, hole.last + 1, region.last))
    return pieces
