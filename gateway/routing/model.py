"""Routing rules as values: modes, a rule, a wave, the vocabulary rules are checked against."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.canonical.guardrail import Guardrail
from gateway.canonical.process import Kind, Process, Target

#: The one dimension that is a range of days instead of a set of values.
DATE: Final = "business_date"

#: A percentage is counted in hundredths of a percent: 100 % of the buckets.
HUNDREDTHS: Final = 10_000

#: Ends a value that is a prefix.
ANY_REST: Final = "*"

_EXACT: Final = 1 << 30  # more precise than any prefix is long

_FIRST_DAY: Final = date.min.toordinal()
_LAST_DAY: Final = date.max.toordinal()


class Mode(StrEnum):
    """What a rule does with the requests it wins."""

    LEGACY = "legacy"  #: the legacy ERP serves
    CLOUD = "cloud"  #: the cloud ERP serves
    SPLIT = "split"  #: a fixed share goes to the cloud ERP, the rest to legacy, sticky by a fact
    HOLD = "hold"  #: accepted and kept in the buffer until a later rule says where
    OWNER = "owner"  #: the ERP that holds the business object serves (follow-ups only)


#: The target of each mode that has just one; ``split`` has two, ``owner`` asks elsewhere.
TARGETS: Final = {Mode.LEGACY: Target.LEGACY, Mode.CLOUD: Target.CLOUD, Mode.HOLD: Target.HOLD}


def modes_of(process: Process) -> tuple[Mode, ...]:
    """Return the modes a rule of ``process`` may have.

    A follow-up goes to its owner through any flip, so rules may only hold it. A read is never
    held: reads go on while writes wait. What moves by entity or store is never split.
    """
    if process.kind is Kind.FOLLOW_UP:
        return (Mode.OWNER, Mode.HOLD)
    split = (Mode.SPLIT,) if process.may_split else ()
    hold = () if process.kind is Kind.READ else (Mode.HOLD,)
    return (Mode.LEGACY, Mode.CLOUD, *split, *hold)


def default_mode(process: Process) -> Mode:
    """Return the mode a default rule starts with, before anything has moved."""
    return Mode.OWNER if process.kind is Kind.FOLLOW_UP else Mode.LEGACY


class Specificity(NamedTuple):
    """How narrow a rule is; of the rules that match a request, the greatest one wins.

    First the number of ``dimensions`` named, then how many of them are ``exact``, without a
    prefix, then the characters of the ``prefixes``, summed. A list of values is as narrow as the
    widest of them, so that a rule has one rank, whichever of its values matched.
    """

    dimensions: int
    exact: int
    prefixes: int


class Place(NamedTuple):
    """Where something is written: lines and columns count from 1, ``key`` is the path of keys."""

    file: str
    line: int
    column: int
    key: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class DateRange:
    """Business days from ``first`` to ``last``, both included, ISO 8601; "" is an open end."""

    first: str = ""
    last: str = ""

    @property
    def ordinals(self) -> tuple[int, int]:
        """The range as day numbers, open ends filled with the first and last day there is."""
        return (
            date.fromisoformat(self.first).toordinal() if self.first else _FIRST_DAY,
            date.fromisoformat(self.last).toordinal() if self.last else _LAST_DAY,
        )

    def __contains__(self, day: str) -> bool:
        return day != "" and self.first <= day and (self.last == "" or day <= self.last)

    def __str__(self) -> str:
        bounds = (("from", self.first), ("to", self.last))
        return " ".join(f"{word} {day}" for word, day in bounds if day)


#: All days, what a rule without ``business_date`` covers.
ALWAYS: Final = DateRange()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: of which process, which requests it matches, and what becomes of them.

    ``when`` lists the dimensions by name with their sorted values; all must match, and of one
    dimension any value. A value that ends in ``*`` is a prefix: ``NL-*`` is any text that begins
    with ``NL-``. ``dates`` is the range of business days, None if the rule names none. A
    default names nothing. ``percent_hundredths`` is the cloud's share in hundredths of a percent
    (0 to 10000) and, like ``sticky_by``, means something for a split only. A default's ``needs``
    are the processes the cloud ERP must serve wherever it serves this one. ``place`` is no part
    of the rule: two rules that differ only in where they are written are equal.
    """

    rule_id: str
    process: str
    mode: Mode
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dates: DateRange | None = None
    percent_hundredths: int = 0
    sticky_by: str = ""
    shadow: Target | None = None
    wave: str = ""
    needs: tuple[str, ...] = ()
    place: Place | None = field(default=None, compare=False)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names of all dimensions this rule looks at."""
        names = tuple([name for name, _ in self.when])
        return names if self.dates is None else (*names, DATE)

    @property
    def specificity(self) -> Specificity:
        """Its rank among rules that match the same request; the greatest wins."""
        named = len(self.when) + (self.dates is not None)
        if not self.has_prefix:
            return Specificity(named, named, 0)
        widest = [min(map(_precision, values)) for _, values in self.when]
        prefixes = [length for length in widest if length != _EXACT]
        return Specificity(named, named - len(prefixes), sum(prefixes))

    @property
    def has_prefix(self) -> bool:
        """Whether any of its values is a prefix."""
        for _, values in self.when:
            for value in values:
                if value.endswith(ANY_REST):
                    return True
        return False

    @property
    def is_default(self) -> bool:
        """Whether it matches every request of its process."""
        return not self.when and self.dates is None

    @property
    def label(self) -> str:
        """How messages name it: the id, and where it is written if that is known."""
        return f"'{self.rule_id}' ({self.place})" if self.place else f"'{self.rule_id}'"


class OlderOrders(StrEnum):
    """How a wave's orders that are older than the gateway get their owner."""

    IMPORTED = "imported"  #: a file says it, and is through before the wave moves anything
    LOOKED_UP = "looked-up"  #: the first follow-up on each asks both ERPs
    NONE = "none"  #: there are none


@dataclass(frozen=True, slots=True)
class Wave:
    """A step of the migration: its name, who answers for it, which waves come before it.

    ``guardrails`` are watched while it is in force. ``older_orders`` is for the gate ``ownership``.
    """

    name: str
    owner: str
    depends_on: tuple[str, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    older_orders: OlderOrders = OlderOrders.IMPORTED


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names this installation knows; None means that a dimension's values are not checked."""

    channels: AbstractSet[str] | None = None
    legal_entities: AbstractSet[str] | None = None
    stores: AbstractSet[str] | None = None

    def known(self, dimension: str) -> AbstractSet[str] | None:
        """Return the values a dimension may have, or None if any will do."""
        if dimension == "channel":
            return self.channels
        if dimension == "legal_entity":
            return self.legal_entities
        return self.stores if dimension == "store" else None


def percent_text(hundredths: int) -> str:
    """Write hundredths of a percent as people do: 2500 is "25", 1250 is "12.5"."""
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)


def _precision(value: str) -> int:
    return len(value) - len(ANY_REST) if value.endswith(ANY_REST) else _EXACT
