"""Sets of texts: some values, all that begin with a prefix, and these but for others.

What a rule may say of one dimension, closed under intersection and difference. Texts go on for
ever, so whatever is left of a prefix after finitely many values and longer prefixes were taken
away is never empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.routing.model import ANY_REST

_SHOWN_MAX: Final = 6


class Stem(NamedTuple):
    """All texts that begin with ``prefix``, but for ``but_not``: values, or prefixes with ``*``."""

    prefix: str
    but_not: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Values:
    """A set of texts: ``exact`` ones and ``stems``, none of which meet."""

    exact: frozenset[str] = frozenset()
    stems: tuple[Stem, ...] = ()

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Values:
        """Return what a rule's values (``NL-001``, ``NL-*``) match."""
        given = tuple(patterns)
        if not any(each.endswith(ANY_REST) for each in given):
            return cls(frozenset(given))
        found = NOTHING
        for each in given:
            found = found.with_(_atom(each).minus(found))
        return found

    def __bool__(self) -> bool:
        return bool(self.exact or self.stems)

    def __contains__(self, text: str) -> bool:
        return text in self.exact or any(_in_stem(text, stem) for stem in self.stems)

    def __and__(self, other: Values) -> Values:
        if not self.stems and not other.stems:
            return Values(self.exact & other.exact)
        exact = {text for text in self.exact if text in other}
        exact |= {text for text in other.exact if text in self}
        stems = (_common(one, two) for one in self.stems for two in other.stems)
        return Values(frozenset(exact), tuple(stem for stem in stems if stem is not None))

    def with_(self, other: Values) -> Values:
        """Return the union of sets that do not meet."""
        return Values(self.exact | other.exact, self.stems + other.stems)

    def minus(self, other: Values) -> Values:
        """Return what is not in ``other``."""
        if not self.stems:
            return Values(frozenset(text for text in self.exact if text not in other))
        left = self
        for text in other.exact:
            left = _without_text(left, text)
        for stem in other.stems:
            left = _without_prefix(left, stem.prefix).with_(left & Values.of(stem.but_not))
        return left

    def example(self) -> str:
        """Return one of the texts, the shortest kind first; a prefix is shown with its ``*``."""
        if self.exact:
            return min(self.exact)
        return min(stem.prefix for stem in self.stems) + ANY_REST

    def __str__(self) -> str:
        stems = [
            f"{stem.prefix}{ANY_REST}" + (f" but {_listed(stem.but_not)}" if stem.but_not else "")
            for stem in sorted(self.stems)
        ]
        exact = [_listed(self.exact)] if self.exact else []
        return " or ".join([*exact, *stems])

    def as_json(self) -> list[str] | dict[str, list[str]]:
        """Return the patterns, and those left out if there are any."""
        patterns = [*sorted(self.exact), *sorted(f"{it.prefix}{ANY_REST}" for it in self.stems)]
        but_not = sorted({each for stem in self.stems for each in stem.but_not})
        return {"any_of": patterns, "but_not": but_not} if but_not else patterns


NOTHING: Final = Values()
ANYTHING: Final = Values(stems=(Stem(""),))


def _without_text(values: Values, text: str) -> Values:
    stems = (
        Stem(it.prefix, it.but_not | {text}) if _in_stem(text, it) else it for it in values.stems
    )
    return Values(values.exact - {text}, tuple(stems))


def _without_prefix(values: Values, prefix: str) -> Values:
    stems = []
    for it in values.stems:
        if it.prefix.startswith(prefix):
            continue
        meets = prefix.startswith(it.prefix) and not _covers(it.but_not, prefix)
        stems.append(Stem(it.prefix, _narrowed(it.but_not, prefix)) if meets else it)
    kept = frozenset(text for text in values.exact if not text.startswith(prefix))
    return Values(kept, tuple(stems))


def _atom(pattern: str) -> Values:
    if pattern.endswith(ANY_REST):
        return Values(stems=(Stem(pattern[: -len(ANY_REST)]),))
    return Values(frozenset((pattern,)))


def _in_stem(text: str, stem: Stem) -> bool:
    return (
        text.startswith(stem.prefix)
        and text not in stem.but_not
        and not _covers(stem.but_not, text)
    )


def _covers(patterns: Iterable[str], text: str) -> bool:
    """Return whether a prefix among the patterns takes in ``text`` and all that begins with it."""
    return any(it.endswith(ANY_REST) and text.startswith(it[: -len(ANY_REST)]) for it in patterns)


def _narrowed(but_not: frozenset[str], prefix: str) -> frozenset[str]:
    """Add a prefix to what is left out; what it takes in need not be named any more."""
    return frozenset(it for it in but_not if not it.startswith(prefix)) | {prefix + ANY_REST}


def _common(one: Stem, two: Stem) -> Stem | None:
    outer, inner = sorted((one, two), key=lambda stem: len(stem.prefix))
    if not inner.prefix.startswith(outer.prefix) or _covers(outer.but_not, inner.prefix):
        return None
    return Stem(
        inner.prefix,
        inner.but_not | {it for it in outer.but_not if it.startswith(inner.prefix)},
    )


def _listed(texts: Iterable[str]) -> str:
    in_order = [text or "(none)" for text in sorted(texts)]
    if len(in_order) <= _SHOWN_MAX:
        return ", ".join(in_order)
    return f"{in_order[0]}, {in_order[1]} … {in_order[-1]} ({len(in_order)} values)"
