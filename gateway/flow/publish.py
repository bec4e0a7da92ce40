"""Publish: the fence. A rule set comes into force everywhere, or the flip says where it stands.

The sentence the code follows: *keep the immutable text, open the flip by compare-and-set, raise
the epoch of every partition in fixed order, read every one of them back, wait until each live
gateway decides reads under the new epoch or its rule lease has run out, close the flip.*

Every step can be repeated: whoever finds a flip open may finish it (``resume``) or open the next
one over it (``take_over``), because epochs only rise and the partitions say how far it got.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Applied, Duty, Publication
from gateway.clock import Clock
from gateway.errors import FlipInterrupted, PublishError, Unavailable
from gateway.flow.moving import DRAIN, Mover
from gateway.ports import Ledger, RuleBook
from gateway.routing.ruleset import RuleSet

_POLL_S: Final = 0.02

#: Flips looked back at for a rollback: a migration has tens of waves.
HISTORY_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """Progress of a flip: ``done`` of ``total`` of what ``doing`` names."""

    doing: str
    done: int
    total: int


Progress = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Terms:
    """How a flip is made.

    ``over`` is what has to be in force (or open) for it: whatever was checked was checked against
    that. ``take_over`` ends a flip that is open. ``duty`` is the token of a process that acts by
    itself.
    """

    kind: str = "apply"
    backlog: str = DRAIN
    over: Marker | None = None
    take_over: bool = False
    duty: Duty | None = None


PLAIN: Final = Terms()


class Publisher:
    """Brings rule sets into force for one installation."""

    def __init__(
        self,
        book: RuleBook,
        ledger: Ledger,
        clock: Clock,
        partitions: int,
        rule_lease_ms: int,
        mover: Mover | None = None,
    ) -> None:
        self._book = book
        self._ledger = ledger
        self._clock = clock
        self._partitions = partitions
        self._rule_lease_s = rule_lease_ms / 1000
        self._mover = mover

    async def apply(
        self,
        rules: RuleSet,
        by: str,
        note: str,
        progress: Progress = lambda _: None,
        *,
        terms: Terms = PLAIN,
    ) -> Marker:
        """Bring ``rules`` into force; when this returns, nothing is decided by older ones.

        Raises:
            PublishError: a flip is open, somebody else was first, or the rules are in force.
            FencedOut: somebody else went on duty since.
        """
        publication = await self._book.publication()
        if publication.pending is not None and not terms.take_over:
            raise PublishError(_open_flip(publication))
        if terms.over is not None and terms.over != (publication.pending or publication.marker):
            raise PublishError(_open_flip(publication))
        if publication.marker.version == rules.version:
            raise PublishError(
                f"rule version {rules.version} is in force already, as epoch "
                f"{publication.marker.epoch}; nothing to apply"
            )
        await self._ledger.keep_rules(rules.version, rules.text)
        return await self._flip(publication, rules.version, by, note, progress, terms)

    async def before(self) -> str:
        """Return the rule version that a rollback would bring back; raise as it would."""
        publication = await self._book.publication()
        return await self._before(publication.pending or publication.marker, publication)

    async def rollback(
        self,
        by: str,
        note: str,
        progress: Progress = lambda _: None,
        *,
        backlog: str = DRAIN,
    ) -> Marker:
        """Bring back the rules that were in force before the present ones, as a new epoch.

        An open flip counts as the present one: this also ends a flip that was interrupted.
        """
        publication = await self._book.publication()
        if publication.pending is not None:
            if publication.kind == "rollback":
                raise PublishError(_open_flip(publication))
            note_of_open = f"interrupted, taken back by {by}"
            await self._record(publication.pending, publication.kind, publication.by, note_of_open)
        newest = publication.pending or publication.marker
        version = await self._before(newest, publication)
        terms = Terms("rollback", backlog, take_over=publication.pending is not None)
        return await self._flip(publication, version, by, note, progress, terms)

    async def resume(self, by: str, progress: Progress = lambda _: None) -> Marker:
        """Finish the flip that is open."""
        publication = await self._book.publication()
        if publication.pending is None:
            raise PublishError(
                f"no flip is open; rule version {publication.marker.version or 'none'} is in "
                f"force as epoch {publication.marker.epoch}"
            )
        note = f"begun by {publication.by}, finished by {by}"
        terms = Terms(publication.kind, publication.backlog)
        return await self._complete(publication.pending, terms, publication.by, note, progress)

    async def _before(self, newest: Marker, publication: Publication) -> str:
        history = list(await self._ledger.history(HISTORY_MAX))
        if publication.pending is not None and newest.epoch not in {it.epoch for it in history}:
            kind, by = publication.kind, publication.by
            history.append(Applied(newest.epoch, newest.version, kind, by, "", self._clock.now()))
        stack = _standing(history)
        if len(stack) < 2:
            raise PublishError(
                f"there is nothing to roll back to: version {newest.version or 'none'} is the first"
            )
        return stack[-2]

    async def _flip(
        self,
        publication: Publication,
        version: str,
        by: str,
        note: str,
        progress: Progress,
        terms: Terms,
    ) -> Marker:
        text = await self._ledger.rules(version)
        if text is None:
            raise PublishError(f"the ledger does not hold the text of rule version {version}")
        await self._book.keep(version, text)
        newest = publication.pending or publication.marker
        try:
            marker = await self._book.begin(
                newest.epoch, version, terms.kind, by,
                take_over=terms.take_over, backlog=terms.backlog, duty=terms.duty,
            )  # fmt: skip
        except Unavailable as error:
            raise FlipInterrupted(_perhaps_open(version, error)) from error
        if marker is None:
            raise PublishError(_open_flip(await self._book.publication()))
        return await self._complete(marker, terms, by, note, progress)

    async def _complete(
        self, marker: Marker, terms: Terms, by: str, note: str, progress: Progress
    ) -> Marker:
        raised = 0

        def counted(step: Step) -> None:
            nonlocal raised
            raised = step.done if step.doing == "partitions" else raised
            progress(step)

        try:
            return await self._steps(marker, terms, by, note, counted)
        except Unavailable as error:
            how_far = f"after {raised} of {self._partitions} partitions"
            raise FlipInterrupted(_left_open(marker, terms.kind, how_far, error)) from error

    async def _steps(
        self, marker: Marker, terms: Terms, by: str, note: str, progress: Progress
    ) -> Marker:
        opened_s = self._clock.monotonic_s()
        for partition in range(self._partitions):
            found = await self._book.raise_partition(partition, marker)
            if found != marker:
                raise PublishError(_superseded(marker, found, partition))
            progress(Step("partitions", partition + 1, self._partitions))
        for partition, found in enumerate(await self._book.partitions()):
            if found != marker:
                raise PublishError(_superseded(marker, found, partition))
        await self._readers_follow(marker, opened_s, progress)
        if self._mover is not None and terms.backlog != DRAIN:
            await self._mover.move(
                marker, terms.backlog, by,
                lambda done: progress(Step("backlog", done, self._partitions)),
            )  # fmt: skip
        # Recorded before it is closed: whoever finds it open records the same line again, which
        # changes nothing; the other way round a crash in between would leave a hole in the history.
        await self._record(marker, terms.kind, by, note)
        if not await self._book.finish(marker):
            raise PublishError(_open_flip(await self._book.publication()))
        return marker

    async def _record(self, marker: Marker, kind: str, by: str, note: str) -> None:
        applied = Applied(marker.epoch, marker.version, kind, by, note, self._clock.now())
        await self._ledger.record_applied(applied)

    async def _readers_follow(self, marker: Marker, opened_s: float, progress: Progress) -> None:
        """Wait for every live gateway's word, at most one rule lease from the opening.

        Whoever was silent so long cannot be reading by older rules any more.
        """
        while True:
            epochs = await self._book.gateways()
            behind = [name for name, epoch in epochs.items() if epoch < marker.epoch]
            progress(Step("gateways", len(epochs) - len(behind), len(epochs)))
            if not behind or self._clock.monotonic_s() - opened_s >= self._rule_lease_s:
                return
            await self._clock.sleep(_POLL_S)


def _standing(history: Sequence[Applied]) -> list[str]:
    """Return the versions that stand on each other: an apply adds one, a rollback removes one.

    So that rolling back twice goes back two waves, not to and fro between the last two. A guardrail
    changes the newest one, and so does the apply that follows it: what is rolled back then is the
    wave, paused or not.
    """
    stack: list[Applied] = []
    for applied in sorted(history, key=lambda line: line.epoch):
        if stack and (applied.kind in ("rollback", "guardrail") or stack[-1].kind == "guardrail"):
            stack.pop()
        if applied.kind != "rollback" or not stack:
            stack.append(applied)
    return [applied.version for applied in stack]


def _open_flip(publication: Publication) -> str:
    pending = publication.pending
    if pending is None:
        return (
            f"somebody else was first: rule version {publication.marker.version} is in force as "
            f"epoch {publication.marker.epoch}; look at it, then apply again"
        )
    return (
        f"{publication.by} has a flip to rule version {pending.version} open ({publication.kind}, "
        f"epoch {pending.epoch}); wait for it, or {_ways_out(publication.kind)}"
    )


def _ways_out(kind: str) -> str:
    back = ", or take it back with `coexist rules rollback`" if kind == "apply" else ""
    return f"finish it with `coexist rules apply --resume`{back}"


def _left_open(marker: Marker, kind: str, how_far: str, error: Unavailable) -> str:
    return (
        f"the flip to rule version {marker.version} ({kind}, epoch {marker.epoch}) stands open "
        f"{how_far}: {_cause(error)}; once that is over, {_ways_out(kind)}"
    )


def _perhaps_open(version: str, error: Unavailable) -> str:
    return (
        f"whether the flip to rule version {version} was begun is not known: {_cause(error)}; "
        "once that is over, `coexist rules history` says, and how to go on"
    )


def _cause(error: Unavailable) -> str:
    """Return what went away, without what is said to channels."""
    return error.detail.partition(";")[0]


def _superseded(marker: Marker, found: Marker, partition: int) -> str:
    return (
        f"partition {partition} is under epoch {found.epoch} already while epoch {marker.epoch} "
        "was being applied: another flip has taken over; look at `coexist rules history`"
    )
