"""Guard: nothing is accepted by a store that may have forgotten what the ledger knows.

At start, and whenever a connection reaches another server process than before, every partition's
newest event is compared with the ledger's checkpoint. Until none is behind, submissions are
refused and quotas count as used up; workers bring the store up to the ledger (:mod:`.recover`),
and the guard opens by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from gateway.canonical.process import ERPS
from gateway.errors import CoexistError, Recovering
from gateway.flow.recover import behind
from gateway.ports import Memory, Observer, Quotas, Recovery

#: Between two looks while something is behind; else the guard only looks whether it has to.
LOOK_S: Final = 0.25


class Strangers(Protocol):
    """Notices that the store is another process than before; refuses it until it is trusted."""

    def is_strange(self) -> bool:
        """Say whether a connection was refused because the server is another one."""
        ...

    async def trust(self) -> None:
        """Use whatever server answers now."""
        ...


class Guard:
    """Keeps the door of one process: closed from :meth:`start` until the first look."""

    def __init__(
        self,
        recovery: Recovery,
        memory: Memory,
        strangers: Strangers,
        observer: Observer,
        quotas: Quotas,
    ) -> None:
        self._recovery = recovery
        self._memory = memory
        self._strangers = strangers
        self._observer = observer
        self._quotas = quotas
        self._looked = True
        self.behind: Mapping[int, str] = {}

    def admit(self) -> None:
        """Raise :class:`~gateway.errors.Recovering` while something is behind, or nobody looked."""
        if self.behind or not self._looked:
            raise Recovering(
                "the buffer is being brought up to the record after a restore or a failover; this "
                "was not taken: repeat it later, with the same key",
                retry_after_s=5,
            )

    async def start(self) -> None:
        """Close the door, refuse other servers from now on, and look."""
        self._looked = False
        await self._strangers.trust()
        await self.watch()

    async def look(self) -> bool:
        """Look if there is a reason to; say whether the store was another process than before."""
        strange = self._strangers.is_strange()
        if strange:
            self._looked = False
            await self._strangers.trust()
        if self.behind or not self._looked:
            checkpoints = await self._memory.checkpoints()
            standings = await self._recovery.standings()
            self.behind = {
                number: standing.newest
                for number, standing in enumerate(standings)
                if behind(standing, checkpoints.get(number, "0-0"))
            }
            if self.behind and not self._looked:
                await self._forget_quotas()
            self._looked = True
        return strange

    async def _forget_quotas(self) -> None:
        """A read takes permits, too, and need not wait for a worker that finds the same."""
        for erp in ERPS:
            await self._quotas.forget(erp)

    async def watch(self) -> bool:
        """Look, and tell the observer what failed; for a loop."""
        try:
            return await self.look()
        except CoexistError as error:
            self._observer.trouble("guard", error)
            return False
