"""Recorded decisions decided again under draft rules: what moves, and what then disagrees.

Pure: blocks in, tallies out. A block's requests of equal facts share one look-up in the index; of
a split only the recorded bucket is compared, so nothing is hashed again.

The draft's world is followed in the order of the record: an object the draft would have pinned to
the other ERP takes its follow-ups along; one that was pinned before the period stays where it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from gateway.canonical.process import PROCESSES, Kind, Target
from gateway.errors import RulesUnavailable
from gateway.routing.compile import Compiled
from gateway.routing.facts import Decision
from gateway.routing.outcomes import Split
from gateway.routing.recorded import NO_BUCKET, Block, Group

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
_HOUR_MINUTES: Final = 60

#: Bits of a customer: ERPs in the recorded world, and shifted by two those in the draft's.
_LEGACY, _CLOUD, _BOTH = 1, 2, 3
_BITS: Final = {Target.LEGACY.value: _LEGACY, Target.CLOUD.value: _CLOUD}


class Cell(NamedTuple):
    """Traffic that is counted together; ``hour`` counts from 1970.

    ``before`` and ``after`` are "legacy", "cloud", "hold", or "" for an owner nobody named.
    """

    process: str
    channel: str
    legal_entity: str
    currency: str
    before: str
    after: str
    hour: int

    @property
    def moved(self) -> bool:
        """Whether the draft sends it elsewhere."""
        return self.before != self.after


class Way(NamedTuple):
    """Traffic as an ERP's quota sees it."""

    process: str
    before: str
    after: str


class OwnershipConflict(NamedTuple):
    """The draft sends requests to ``wanted`` whose object is the ``owner``'s already."""

    process: str
    channel: str
    legal_entity: str
    store: str
    business_date: str
    owner: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Customers:
    """Customers whose orders are in both ERPs, and whose orders would go back to legacy."""

    seen: int
    both_recorded: int
    both_draft: int
    newly_both: int
    back_to_legacy: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What a replay counted; a cell has a count and a value (ten-thousandths of its currency).

    ``flows`` counts by minutes from 1970, of each way those with any. ``undecided`` counts by
    process what the draft has no default for, ``without_key`` what it would split but which has
    nothing to hash, ``versions`` the rules the record was made under.
    """

    decisions: int
    cells: dict[Cell, tuple[int, int]]
    flows: Mapping[Way, Mapping[int, int]]
    ownership: Counter[OwnershipConflict]
    customers: Customers
    undecided: Counter[str]
    without_key: Counter[str]
    versions: Counter[str]


_Base: TypeAlias = tuple[str, str, str, str]  #: process, channel, legal entity, currency


class _Plan(NamedTuple):
    """How the draft decides the requests of one group; ``shared`` objects take many creates."""

    kind: Kind
    target: str
    split: Split | None
    shared: bool
    weight: int
    base: _Base


class _Stream:
    """Traffic of one base that goes one way: count and value by hour, count by minute.

    Minutes are shared by all that goes this way of its process.
    """

    __slots__ = ("hours", "minutes")

    def __init__(self, minutes: dict[int, int]) -> None:
        self.hours: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        self.minutes = minutes


class _Pair(NamedTuple):
    """What requests of one group that were decided alike have in common."""

    plan: _Plan
    before: str
    weight: int
    streams: dict[str, _Stream]  #: by where the draft sends them, as far as they were needed


class Replay:
    """Decides blocks again, in the order they are given."""

    def __init__(self, draft: Compiled, since_ms: int = 0, until_ms: int = 1 << 62) -> None:
        self._draft = draft
        self._since_ms = since_ms
        self._until_ms = until_ms
        self._plans: dict[Group, _Plan | None] = {}
        self._streams: dict[tuple[_Base, str, str], _Stream] = {}
        self._flows: dict[Way, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self._moved_objects: dict[int, str] = {}
        self._shared_objects: dict[int, str] = {}
        self._customers: dict[int, int] = {}
        self._ownership: Counter[OwnershipConflict] = Counter()
        self._undecided: Counter[str] = Counter()
        self._without_key: Counter[str] = Counter()
        self._versions: Counter[str] = Counter()
        self._decisions = 0

    def add(self, block: Block) -> None:
        """Decide a block again; what lies outside the period is passed over."""
        block = block.within(self._since_ms, self._until_ms)
        pairs = self._pairs(block)
        alike = zip(block.group, block.said, strict=True)
        for row, (key, offset, value) in enumerate(
            zip(alike, block.at_ms, block.value, strict=True)
        ):
            pair = pairs[key]
            if pair is None:
                continue
            plan, before, weight, streams = pair
            after = self._after(plan, block, row, before)
            stream = streams.get(after)
            if stream is None:
                stream = streams[after] = self._stream(plan.base, before, after)
            minute = (block.first_ms + offset) // MINUTE_MS
            stream.minutes[minute] += weight
            cell = stream.hours[minute // _HOUR_MINUTES]
            cell[0] += weight
            cell[1] += value * weight

    def _pairs(self, block: Block) -> dict[tuple[int, int], _Pair | None]:
        """Count requests decided alike, and return how to decide them; None for those it cannot."""
        pairs: dict[tuple[int, int], _Pair | None] = {}
        for (group, said), count in Counter(zip(block.group, block.said, strict=True)).items():
            it, one = block.groups[group], block.says[said]
            plan = self._plan(it)
            if plan is None:
                self._undecided[it.facts.process] += count * it.weight
            else:
                self._versions[one.version] += count * it.weight
                self._decisions += count * it.weight
            pairs[group, said] = None if plan is None else _Pair(plan, one.target, it.weight, {})
        return pairs

    def _stream(self, base: _Base, before: str, after: str) -> _Stream:
        found = self._streams.get((base, before, after))
        if found is None:
            found = _Stream(self._flows[Way(base[0], before, after)])
            self._streams[base, before, after] = found
        return found

    def _after(self, plan: _Plan, block: Block, row: int, before: str) -> str:
        """Return where one request goes in the draft's world."""
        target = plan.target if plan.split is None else self._side(plan, plan.split, block, row)
        if plan.kind is Kind.READ:
            return target
        if plan.kind is Kind.FOLLOW_UP:
            unmoved = "" if before == Target.HOLD else before
            return target or self._moved_objects.get(block.object_id[row], unmoved)
        if plan.shared:
            target = self._pinned(block, row, target)
        elif target != before:
            # What follows a held create waits behind it: nobody owns the object yet.
            self._moved_objects[block.object_id[row]] = target if target in _BITS else ""
        customer = block.customer_id[row]
        if customer:
            bits = _BITS.get(before, 0) | _BITS.get(target, 0) << 2
            self._customers[customer] = self._customers.get(customer, 0) | bits
        return target

    def _side(self, plan: _Plan, split: Split, block: Block, row: int) -> str:
        number = block.buckets[split.sticky_by][row]
        if number == NO_BUCKET:
            self._without_key[plan.base[0]] += plan.weight
            return split.of(None).target or ""
        return split.of(number).target or ""

    def _pinned(self, block: Block, row: int, target: str) -> str:
        """Return where one of many creates of an object goes: to whom the first one pinned it."""
        if target not in _BITS:
            return target
        owner = self._shared_objects.setdefault(block.object_id[row], target)
        if owner != target:
            group = block.groups[block.group[row]]
            it = group.facts
            conflict = OwnershipConflict(
                it.process, it.channel, it.legal_entity, it.store, it.business_date, owner, target
            )
            self._ownership[conflict] += group.weight
        return owner

    def _plan(self, group: Group) -> _Plan | None:
        """Return how the draft decides a group; None if it has no default for the process."""
        try:
            return self._plans[group]
        except KeyError:
            plan = self._plans[group] = self._planned(group)
            return plan

    def _planned(self, group: Group) -> _Plan | None:
        facts = group.facts
        process = PROCESSES.get(facts.process)
        if process is None:
            return None
        try:
            outcome = self._draft.outcome(facts)
        except RulesUnavailable:
            return None
        split = outcome if isinstance(outcome, Split) else None
        decided = outcome if isinstance(outcome, Decision) else None
        target = decided.target.value if decided is not None and decided.target else ""
        base = (facts.process, facts.channel, facts.legal_entity, group.currency)
        return _Plan(process.kind, target, split, process.pipelined, group.weight, base)

    def tally(self) -> Tally:
        """Return what was counted so far."""
        cells = {
            Cell(*base, before, after, hour): (count, value)
            for (base, before, after), stream in self._streams.items()
            for hour, (count, value) in stream.hours.items()
        }
        return Tally(
            decisions=self._decisions,
            cells=cells,
            flows=self._flows,
            ownership=self._ownership,
            customers=self._customers_counted(),
            undecided=self._undecided,
            without_key=self._without_key,
            versions=self._versions,
        )

    def _customers_counted(self) -> Customers:
        kinds = Counter(self._customers.values())

        def count(fits: Callable[[int, int], bool]) -> int:
            return sum(n for bits, n in kinds.items() if fits(bits & _BOTH, bits >> 2))

        return Customers(
            seen=kinds.total(),
            both_recorded=count(lambda before, _: before == _BOTH),
            both_draft=count(lambda _, after: after == _BOTH),
            newly_both=count(lambda before, after: after == _BOTH and before != _BOTH),
            back_to_legacy=count(
                lambda before, after: bool(before & _CLOUD) and not after & _CLOUD
            ),
        )
