"""Shadow: the candidate is asked the same, after the answer was given, and compared.

The sentence the code follows: *whoever waits has their answer already; if the candidate's share of
its quota has a call left now, it is asked, and what differs is counted by field and kept by
business key; now and then the control is asked once more, to know how much it differs from itself.*

Writes are never sent a second time: the candidate is asked to validate the document, where it
offers that. Nothing here is waited for and nothing fails anybody. What was counted and not yet kept
is lost when the process ends: these are statistics.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange.shadowing import (
    Compared,
    Counts,
    Example,
    Field,
    FieldCounts,
    Findings,
)
from gateway.canonical.outcome import Booked, Outcome, Refused, Stored
from gateway.canonical.process import Target
from gateway.canonical.validation import NotOffered, Valid
from gateway.clock import Clock
from gateway.errors import CoexistError, ErpUnavailable
from gateway.flow.calls import Caller
from gateway.flow.versions import RuleVersions
from gateway.policy.comparison import ABSENT, Comparison, Difference, differences, is_ignored
from gateway.ports import Erp, Observer, ShadowLog
from gateway.routing.facts import Decision, Facts

T = TypeVar("T")

#: Examples held between two flushes; a field that always differs needs no more.
EXAMPLES_MAX: Final = 200
VALUE_CHARS_MAX: Final = 200

#: Whether a document would be taken at all.
OUTCOME: Final = "outcome"

#: Customers' data: that it differs is kept, not what it is.
_PERSONAL: Final = ("customer", "ship_to", "payment")

_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class How:
    """How to compare, by process; ``controls_one_in`` comparisons ask the control twice."""

    in_flight_max: int
    controls_one_in: int
    money_tolerance: Decimal
    skew_s: float
    ignore: tuple[str, ...] = ()

    def of(self, process: str) -> Comparison:
        """Return what a process's answers are compared by."""
        mine = (it.partition(":")[2] for it in self.ignore if it.startswith(f"{process}:"))
        return Comparison(
            ignored=frozenset(mine),
            money=frozenset({"unit_price"}),
            tolerance=self.money_tolerance,
            instants=frozenset({"as_of"}),
            skew_s=self.skew_s,
        )


class Shadows:
    """Compares candidates with controls for one process of the gateway."""

    def __init__(
        self,
        kept: ShadowLog,
        erps: Mapping[Target, Erp],
        caller: Caller,
        how: How,
        clock: Clock,
        observer: Observer,
        chance: Random,
    ) -> None:
        self._kept = kept
        self._erps = erps
        self._caller = caller
        self._how = how
        self._clock = clock
        self._observer = observer
        self._chance = chance
        self._flying: set[asyncio.Task[None]] = set()
        self._counts: dict[Compared, Counts] = {}
        self._fields: dict[tuple[Field, int], FieldCounts] = {}
        self._examples: dict[tuple[Field, str], Example] = {}

    # ----------------------------------------------------------------- what others call

    def read(
        self,
        facts: Facts,
        decision: Decision,
        answer: BaseModel | None,
        question: Callable[[Erp], Awaitable[BaseModel | None]],
    ) -> None:
        """Compare an answer that was given with what the decision's shadow says; returns at once.

        None is the answer that there is no such thing.
        """
        if decision.shadow is not None:
            self._start(decision, facts.process, self._read(facts, decision, answer, question))

    def write(self, envelope: Envelope, decision: Decision, outcome: Outcome) -> None:
        """Ask the decision's shadow to validate a document the control has answered for."""
        answered = isinstance(outcome, Booked | Stored | Refused)
        if decision.shadow is not None and answered:
            self._start(decision, envelope.process, self._write(envelope, decision, outcome))

    async def flush(self) -> None:
        """Keep what was found since the last time. If the ledger is away, that is lost."""
        found = Findings(self._counts, self._fields, self._examples)
        self._counts, self._fields, self._examples = {}, {}, {}
        if found.counts:
            await self._kept.add_findings(found)

    async def settled(self) -> None:
        """Wait for the comparisons that are under way."""
        await asyncio.gather(*self._flying, return_exceptions=True)

    # ----------------------------------------------------------------- comparisons

    def _start(self, decision: Decision, process: str, work: Coroutine[Any, Any, None]) -> None:
        if len(self._flying) >= self._how.in_flight_max:
            self._count(decision, process).skipped += 1
            work.close()
            return
        task = asyncio.create_task(self._guarded(work))
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 -- a comparison must not end anything else
            self._observer.trouble("shadow", error)

    async def _read(
        self,
        facts: Facts,
        decision: Decision,
        answer: BaseModel | None,
        question: Callable[[Erp], Awaitable[BaseModel | None]],
    ) -> None:
        if decision.shadow is None or decision.target is None:
            return
        try:
            theirs = await self._asked(decision.shadow, facts.process, question)
        except ErpUnavailable:
            self._count(decision, facts.process).failed += 1
            return
        how = self._how.of(facts.process)
        found = differences(_plain(answer), _plain(theirs), how)
        key = f"{facts.sku}|{facts.legal_entity}"
        self._found(decision, facts.process, decision.shadow, key, found)
        one_in = self._how.controls_one_in
        if one_in and self._chance.random() * one_in < 1:
            await self._noise(facts.process, decision, answer, question)

    async def _noise(
        self,
        process: str,
        decision: Decision,
        answer: BaseModel | None,
        question: Callable[[Erp], Awaitable[BaseModel | None]],
    ) -> None:
        """Ask the control again; what it says otherwise now is no difference of the candidate's."""
        if decision.target is None or decision.shadow is None:
            return
        try:
            again = await self._asked(decision.target, process, question)
        except ErpUnavailable:
            return
        self._count(decision, process).controls += 1
        how = self._how.of(process)
        for path in {it.field for it in differences(_plain(answer), _plain(again), how)}:
            self._field(process, decision.shadow, path).noise += 1

    async def _write(self, envelope: Envelope, decision: Decision, outcome: Outcome) -> None:
        if decision.shadow is None:
            return
        candidate = self._erps[decision.shadow]
        try:
            said = await self._caller.call(
                candidate.name, lambda: candidate.validate(envelope),
                lasts_ms=candidate.timing.request_of(envelope.process), process=envelope.process,
            )  # fmt: skip
        except ErpUnavailable:
            self._count(decision, envelope.process).failed += 1
            return
        if isinstance(said, NotOffered):
            self._count(decision, envelope.process).skipped += 1
            return
        if not isinstance(said, Valid | Refused):
            self._count(decision, envelope.process).failed += 1
            return
        found = []
        ours, theirs = _verdict(outcome), _verdict(said)
        if ours != theirs:
            found.append(Difference(OUTCOME, ours, theirs))
        if isinstance(said, Valid) and not isinstance(outcome, Refused):
            kept = (Difference(it.field, it.sent, it.kept or ABSENT) for it in said.differences)
            found += kept
        how = self._how.of(envelope.process)
        told = [it for it in found if not is_ignored(it.path, how)]
        self._found(decision, envelope.process, decision.shadow, envelope.object_key, told)

    async def _asked(
        self, target: Target, process: str, question: Callable[[Erp], Awaitable[T]]
    ) -> T:
        erp = self._erps[target]
        return await self._caller.call(
            target, lambda: question(erp), lasts_ms=erp.timing.enquiry_ms, process=process
        )

    # ----------------------------------------------------------------- counting

    def _found(
        self,
        decision: Decision,
        process: str,
        candidate: Target,
        key: str,
        found: list[Difference],
    ) -> None:
        counts = self._count(decision, process)
        counts.compared += 1
        counts.different += bool(found)
        for path in {it.field for it in found}:
            self._field(process, candidate, path).different += 1
        for it in found:
            field = Field(process, candidate.value, it.field)
            before = self._examples.get((field, key))
            if before is None and len(self._examples) >= EXAMPLES_MAX:
                continue
            self._examples[field, key] = Example(
                field, key, _kept(it.path, it.control), _kept(it.path, it.candidate),
                self._clock.now(), 1 if before is None else before.times + 1,
            )  # fmt: skip

    def _count(self, decision: Decision, process: str) -> Counts:
        minute = int(self._clock.now().timestamp()) // _MINUTE_S
        shadow = decision.shadow.value if decision.shadow else ""
        key = Compared(minute, decision.rule_id, process, shadow)
        return self._counts.setdefault(key, Counts())

    def _field(self, process: str, candidate: Target, path: str) -> FieldCounts:
        hour = int(self._clock.now().timestamp()) // (_MINUTE_S * 60)
        field = Field(process, candidate.value, path)
        return self._fields.setdefault((field, hour), FieldCounts())


def _plain(answer: BaseModel | None) -> dict[str, Any] | None:
    return None if answer is None else answer.model_dump(mode="json")


def _verdict(said: object) -> str:
    """Say whether a document is taken; the cause of a refusal is part of it."""
    return f"refused: {said.cause}" if isinstance(said, Refused) else "taken"


def _kept(path: str, value: str) -> str:
    """Return a value as it may be kept: of customers' data, only how long it is."""
    if path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0] in _PERSONAL and value != ABSENT:
        return f"({len(value)} characters)"
    return value[:VALUE_CHARS_MAX]


class ShadowWrites:
    """Finds, for a delivered message, whether the rule it was taken under has a shadow."""

    def __init__(self, shadows: Shadows, versions: RuleVersions) -> None:
        self._shadows = shadows
        self._versions = versions
        self._by_version: dict[str, dict[str, Target]] = {}
        self._learning: dict[str, asyncio.Task[None]] = {}

    def delivered(self, envelope: Envelope, outcome: Outcome) -> None:
        """Take note that a control answered; returns at once.

        The first messages of a version this process does not know yet are not compared.
        """
        version = envelope.rule_version
        shadows = self._by_version.get(version)
        if shadows is None:
            if version not in self._learning:
                self._learning[version] = asyncio.create_task(self._learn(version))
            return
        shadow = shadows.get(envelope.rule_id)
        if shadow is not None:
            decision = Decision(None, envelope.rule_id, version, "", shadow)
            self._shadows.write(envelope, decision, outcome)

    async def _learn(self, version: str) -> None:
        try:
            rules = (await self._versions.compiled(version)).rule_set.rules
        except CoexistError:
            self._learning.pop(version, None)  # the next message tries again
            return
        self._by_version[version] = {it.rule_id: it.shadow for it in rules if it.shadow}
