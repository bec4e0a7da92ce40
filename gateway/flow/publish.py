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
from gateway.canonical.exchange import Applied, Publication
from gateway.clock import Clock
from gateway.errors import PublishError
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


class Publisher:
    """Brings rule sets into force for one installation."""

    def __init__(
        self, book: RuleBook, ledger: Ledger, clock: Clock, partitions: int, rule_lease_ms: int
    ) -> None:
        self._book = book
        self._ledger = ledger
        self._clock = clock
        self._partitions = partitions
        self._rule_lease_s = rule_lease_ms / 1000

    async def apply(
        self, rules: RuleSet, by: str, note: str, progress: Progress = lambda _: None
    ) -> Marker:
        """Bring ``rules`` into force; when this returns, nothing is decided by older ones.

        Raises:
            PublishError: a flip is open, somebody else was first, or the rules are in force.
        """
        publication = await self._book.publication()
        if publication.pending is not None:
            raise PublishError(_open_flip(publication))
        if publication.marker.version == rules.version:
            raise PublishError(
                f"rule version {rules.version} is in force already, as epoch "
                f"{publication.marker.epoch}; nothing to apply"
            )
        await self._ledger.keep_rules(rules.version, rules.text)
        return await self._flip(publication, rules.version, "apply", by, note, progress)

    async def rollback(self, by: str, note: str, progress: Progress = lambda _: None) -> Marker:
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
        version = await self._before(newest)
        return await self._flip(publication, version, "rollback", by, note, progress)

    async def resume(self, by: str, progress: Progress = lambda _: None) -> Marker:
        """Finish the flip that is open."""
        publication = await self._book.publication()
        if publication.pending is None:
            raise PublishError(
                f"no flip is open; rule version {publication.marker.version or 'none'} is in "
                f"force as epoch {publication.marker.epoch}"
            )
        note = f"begun by {publication.by}, finished by {by}"
        return await self._complete(
            publication.pending, publication.kind, publication.by, note, progress
        )

    async def _before(self, newest: Marker) -> str:
        stack = _standing(await self._ledger.history(HISTORY_MAX))
        if len(stack) < 2:
            raise PublishError(
                f"there is nothing to roll back to: version {newest.version or 'none'} is the first"
            )
        return stack[-2]

    async def _flip(
        self,
        publication: Publication,
        version: str,
        kind: str,
        by: str,
        note: str,
        progress: Progress,
    ) -> Marker:
        text = await self._ledger.rules(version)
        if text is None:
            raise PublishError(f"the ledger does not hold the text of rule version {version}")
        await self._book.keep(version, text)
        newest = publication.pending or publication.marker
        take_over = publication.pending is not None
        marker = await self._book.begin(newest.epoch, version, kind, by, take_over=take_over)
        if marker is None:
            raise PublishError(_open_flip(await self._book.publication()))
        return await self._complete(marker, kind, by, note, progress)

    async def _complete(
        self, marker: Marker, kind: str, by: str, note: str, progress: Progress
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
        # Recorded before it is closed: whoever finds it open records the same line again, which
        # changes nothing; the other way round a crash in between would leave a hole in the history.
        await self._record(marker, kind, by, note)
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

    So that rolling back twice goes back two waves, not to and fro between the last two.
    """
    stack: list[str] = []
    for applied in sorted(history, key=lambda line: line.epoch):
        if applied.kind == "rollback" and stack:
            stack.pop()
        else:
            stack.append(applied.version)
    return stack


def _open_flip(publication: Publication) -> str:
    pending = publication.pending
    if pending is None:
        return (
            f"somebody else was first: rule version {publication.marker.version} is in force as "
            f"epoch {publication.marker.epoch}; look at it, then apply again"
        )
    return (
        f"{publication.by} has a flip to rule version {pending.version} open ({publication.kind}, "
        f"epoch {pending.epoch}); wait for it, or finish it with `coexist rules apply --resume`"
        + (", or take it back with `coexist rules rollback`" if publication.kind == "apply" else "")
    )


def _superseded(marker: Marker, found: Marker, partition: int) -> str:
    return (
        f"partition {partition} is under epoch {found.epoch} already while epoch {marker.epoch} "
        "was being applied: another flip has taken over; look at `coexist rules history`"
    )
