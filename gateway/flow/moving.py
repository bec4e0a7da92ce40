"""Backlog of a flip: objects of which nothing was ever attempted follow it, if that was asked for.

The sentence the code follows: *go through what waits for each ERP; what the new rules send to the
other one is given to it, under the new epoch, as long as nobody has tried it.* Told twice, it
changes nothing more: an interrupted move is done again from the start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from gateway.canonical.envelope import Envelope, Marker
from gateway.canonical.exchange import Movable
from gateway.canonical.process import ERPS, PROCESSES, Kind, Target
from gateway.flow.versions import RuleVersions
from gateway.ports import Moves
from gateway.routing.facts import Facts

#: What is done with what was accepted before a flip, as words joined by "+".
DRAIN: Final = "drain"  #: it stays where it is
MOVE: Final = "move"  #: what nothing was tried of follows the new rules
REJECTED: Final = "rejected"  #: what an ERP refused for good follows them too

_Progress: TypeAlias = Callable[[int], None]


class Mover:
    """Moves the backlog of one installation."""

    def __init__(self, moves: Moves, versions: RuleVersions, partitions: int) -> None:
        self._moves = moves
        self._versions = versions
        self._partitions = partitions

    async def move(
        self, marker: Marker, backlog: str, by: str, progress: _Progress = lambda _: None
    ) -> int:
        """Give objects to the ERP that ``marker``'s rules name; return how many that were.

        ``progress`` is told the number of partitions that are through.
        """
        words = backlog.split("+")
        moved = 0
        for partition in range(self._partitions):
            for erp in ERPS:
                if MOVE in words:
                    moved += await self._pass(partition, erp, marker, by, refused=False)
                if REJECTED in words:
                    moved += await self._pass(partition, erp, marker, by, refused=True)
            progress(partition + 1)
        return moved

    async def _pass(
        self, partition: int, erp: Target, marker: Marker, by: str, *, refused: bool
    ) -> int:
        moved = 0
        async for found in self._moves.movable(partition, erp, refused=refused):
            to = await self._wanted(found, marker)
            if to is not None and to is not found.owner:
                moved += await self._moves.move(found, marker.epoch, to, by)
        return moved

    async def _wanted(self, found: Movable, marker: Marker) -> Target | None:
        """Return the ERP the rules name for an object, None if they name none.

        Follow-ups at its head say that the object itself is in its ERP since before; and what is
        to be held waits well enough where it is.
        """
        envelope = Envelope.model_validate_json(found.payload)
        if PROCESSES[envelope.process].kind is not Kind.CREATE:
            return None
        rules = await self._versions.compiled(marker.version)
        target = rules.decide(Facts(**envelope.facts)).target
        return target if target in ERPS else None
