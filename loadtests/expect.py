"""Where a message belonged: the audit's own reading of the routing rules.

Written apart from the gateway's, so that no mistake is shared. Of the rules of a process that match
the facts, the one that names most dimensions wins; a rule without ``when`` is the default. A split
sends an object to the cloud if

    int(first 8 bytes of SHA-256("{sticky_by}={value}"), big-endian) mod 10000

is below the percentage in hundredths; an object without that fact stays in the legacy ERP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from math import inf
from typing import Any, Literal

from loadtests.books import Erp
from loadtests.errors import BadRules
from loadtests.events import Apply

Route = Literal["legacy", "cloud", "hold"]

#: Dimensions a ``when`` may look at. One the driver sends no fact for matches nothing.
DIMENSIONS = frozenset(
    {
        "channel", "legal_entity", "country", "region", "store", "node", "brand", "category",
        "customer_group", "business_date",
    }
)  # fmt: skip


def bucket(sticky_by: str, value: str) -> int:
    """The bucket (0 … 9999) of a value."""
    return int.from_bytes(sha256(f"{sticky_by}={value}".encode()).digest()[:8], "big") % 10_000


def matches(when: Mapping[str, Any], facts: Mapping[str, str]) -> bool:
    """Whether every dimension of ``when`` contains the fact.

    Raises BadRules for a dimension the audit does not know: it would judge by half a rule.
    """
    for dimension, wanted in when.items():
        if dimension not in DIMENSIONS:
            raise BadRules(f"when.{dimension}: the audit does not know this dimension")
        fact = facts.get(dimension, "")
        if not fact or not _contains(wanted, fact):
            return False
    return True


def decide(rules: Sequence[Mapping[str, Any]], process: str, facts: Mapping[str, str]) -> Route:
    """Where ``rules`` send a message with these facts. Raises BadRules on a tie or no default."""
    candidates = [
        rule
        for rule in rules
        if rule["process"] == process and matches(rule.get("when") or {}, facts)
    ]
    if not candidates:
        raise BadRules(f"no rule and no default (a rule without when) for process {process}")
    most = max(len(rule.get("when") or {}) for rule in candidates)
    best = [rule for rule in candidates if len(rule.get("when") or {}) == most]
    routes = {_route(rule, facts) for rule in best}
    if len(routes) > 1:
        ids = ", ".join(str(rule.get("id")) for rule in best)
        raise BadRules(f"rules {ids} tie for process {process} and facts {dict(facts)}")
    return routes.pop()


class Timeline:
    """Which rule sets were, or may have been, in force when. Empty: nobody said."""

    def __init__(self, applies: Sequence[Apply]) -> None:
        self._applies = list(applies)
        starts = [apply.at_start for apply in self._applies]
        # Whatever was sent before the first event was sent under its rules.
        self._since = [-inf, *starts[1:]] if starts else []
        self._until = self._ends()

    def __len__(self) -> int:
        return len(self._applies)

    def in_force(self, since: float, until: float) -> list[int]:
        """Rule sets (by position) a decision taken between the two times may have used.

        Once a later set's apply has returned, an older one is out; from its start on it may be in.
        """
        return [
            place
            for place in range(len(self))
            if self._since[place] <= until and self._until[place] >= since
        ]

    def route(self, place: int, process: str, facts: Mapping[str, str]) -> Route:
        """Where rule set ``place`` sends a message with these facts."""
        return decide(self._applies[place].rules, process, facts)

    def targets(
        self, process: str, facts: Mapping[str, str], since: float, until: float
    ) -> frozenset[Erp]:
        """The ERPs a new object, accepted between the two times, may be in; both if nobody knows.

        What was held when accepted goes where a later rule set says; what nobody had attempted may
        go where one says that came with its backlog.
        """
        places = self.in_force(since, until)
        if not places:
            return frozenset({"legacy", "cloud"})
        routes = {self.route(place, process, facts) for place in places}
        if "hold" in routes:
            later = range(places[0], len(self))
            routes |= {self.route(place, process, facts) for place in later}
        moving = [n for n in range(places[-1] + 1, len(self)) if self._applies[n].backlog == "move"]
        routes |= {self.route(place, process, facts) for place in moving}
        return frozenset(route for route in routes if route != "hold")

    def outdated(
        self, erp: Erp, process: str, facts: Mapping[str, str], since: float, until: float
    ) -> bool:
        """Whether rules already out of force between the two times sent such a message there."""
        first = min(self.in_force(since, until), default=0)
        return any(self.route(place, process, facts) == erp for place in range(first))

    def flipped(self, place: int) -> bool:
        """Whether rule set ``place`` came by a flip or a rollback, not with the start."""
        return self._applies[place].kind != "initial"

    def _ends(self) -> list[float]:
        ends: list[float] = []
        earliest = inf
        for apply in reversed(self._applies):
            ends.append(earliest)
            earliest = min(earliest, inf if apply.at_return is None else apply.at_return)
        return ends[::-1]


def _contains(wanted: object, fact: str) -> bool:
    if isinstance(wanted, Mapping):
        unknown = set(wanted) - {"from", "to"}
        if unknown:
            raise BadRules(f"a range has from and to, not {', '.join(sorted(unknown))}")
        first, last = _text(wanted.get("from", "")), _text(wanted.get("to", ""))
        return first <= fact and (not last or fact <= last)
    if isinstance(wanted, list | tuple):
        return any(_text(one) == fact for one in wanted)
    return _text(wanted) == fact


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _route(rule: Mapping[str, Any], facts: Mapping[str, str]) -> Route:
    mode = rule.get("mode")
    if mode in ("legacy", "cloud", "hold"):
        route: Route = mode
        return route
    if mode != "split":
        raise BadRules(
            f"rule {rule.get('id')}: mode {mode!r} is none of legacy, cloud, split, hold"
        )
    value = facts.get(rule["sticky_by"], "")
    if not value:
        return "legacy"
    return "cloud" if bucket(rule["sticky_by"], value) < _hundredths(rule) else "legacy"


def _hundredths(rule: Mapping[str, Any]) -> Decimal:
    try:
        return Decimal(str(rule["cloud_percent"])) * 100
    except (KeyError, InvalidOperation) as error:
        raise BadRules(f"rule {rule.get('id')}: a split needs a cloud_percent") from error
