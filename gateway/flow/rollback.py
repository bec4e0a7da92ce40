"""Rollback: the rules before come back, and it is said beforehand what does not.

The sentence the code follows: *work out which rules would go, count what they sent to the cloud
ERP and stays there, say so; then flip back, and take along what nobody ever tried there, or what
was refused there for good, if that is asked for.*
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.canonical.envelope import Marker
from gateway.canonical.exchange import Left
from gateway.canonical.process import Target
from gateway.canonical.staff import Action, Staff
from gateway.flow.audit import Auditor
from gateway.flow.moving import DRAIN
from gateway.flow.publish import Progress, Publisher
from gateway.flow.versions import RuleVersions
from gateway.ports import RuleBook, WaveFigures
from gateway.routing.change import change_between


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rollback would do: from what to what, which waves, and what stays in the cloud ERP."""

    in_force: Marker
    version: str
    waves: tuple[str, ...]
    left: Left


class Rollbacks:
    """Previews a rollback, and carries it out."""

    def __init__(
        self,
        publisher: Publisher,
        figures: WaveFigures,
        book: RuleBook,
        versions: RuleVersions,
        auditor: Auditor,
    ) -> None:
        self._publisher = publisher
        self._figures = figures
        self._book = book
        self._versions = versions
        self._auditor = auditor

    async def preview(self) -> Preview:
        """Say what would come back, and what stays where it is."""
        version = await self._publisher.before()
        publication = await self._book.publication()
        newest = publication.pending or publication.marker
        now = (await self._versions.compiled(newest.version)).rule_set
        then = (await self._versions.compiled(version)).rule_set
        change = change_between(then, now)
        going = {rule.rule_id for rule in change.rules}
        left = await self._figures.left(Target.CLOUD.value, going)
        return Preview(newest, version, change.waves, left)

    async def rollback(
        self,
        staff: Staff,
        note: str,
        progress: Progress = lambda _: None,
        *,
        backlog: str = DRAIN,
    ) -> Marker:
        """Bring back the rules before; ``backlog`` says what follows them."""
        subject = (await self._book.publication()).marker.version
        await self._auditor.record(staff, Action.RULES_ROLLBACK, subject, note, backlog=backlog)
        return await self._publisher.rollback(staff.name, note, progress, backlog=backlog)
