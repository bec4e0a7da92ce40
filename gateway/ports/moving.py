"""Objects that change their owner before anything of them reached an ERP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from gateway.canonical.exchange import Movable
from gateway.canonical.process import Target


class Moves(Protocol):
    """What may follow a flip to the other ERP although it was accepted before it."""

    def movable(self, partition: int, erp: Target, *, refused: bool) -> AsyncIterator[Movable]:
        """Go through the objects of ``erp`` of which nothing was ever tried, page by page.

        With ``refused``: those whose head alone was tried, and was refused for good. What is there
        all the while is seen at least once; what is seen may have changed when it is moved.
        """
        ...

    async def move(self, found: Movable, epoch: int, to: Target, by: str) -> bool:
        """Give an object to the other ERP; False if it may not be moved (any more).

        It may while the partition is under ``epoch``, the object has the same head and owner as
        when it was found, is not in anybody's hands, and still is what it was found as.
        """
        ...
