"""Import of owners: objects older than the gateway, by the million, from a file.

The sentence the code follows: *lines are taken in chunks; each chunk and how far the import then is
are one SQL transaction; whoever is killed goes on behind the last chunk, and a file that was
imported is known by its content.*

The first pin stays: a line that contradicts what the ledger or an earlier line says is reported and
changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.canonical.exchange.owning import Import
from gateway.canonical.staff import Action, Staff, require
from gateway.clock import Clock
from gateway.flow.audit import Auditor
from gateway.flow.owner_file import OwnerFile
from gateway.ports import Owners


class OwnerImports:
    """Imports files into the ledger of one installation."""

    def __init__(self, owners: Owners, auditor: Auditor, clock: Clock) -> None:
        self._owners = owners
        self._auditor = auditor
        self._clock = clock

    async def run(
        self, file: OwnerFile, staff: Staff, note: str, progress: Callable[[Import], None]
    ) -> Import:
        """Import a file, or what is left of it; return what became of all its lines.

        Raises:
            PublishError: another process imports the same file.
            Forbidden: the person lacks the role.
        """
        require(staff, Action.OWNERS_IMPORT)
        now = self._clock.now()
        wanted = Import(file.digest, file.path.name, staff.name, now)
        done = await self._owners.begin_import(wanted)
        progress(done)
        if done.finished_at is not None:
            return done
        await self._auditor.record(
            staff, Action.OWNERS_IMPORT, file.path.name, note, file=file.digest, line=done.line
        )
        for chunk in file.chunks(done.offset, done.line):
            after = replace(done, offset=chunk.offset, line=chunk.line)
            done = await self._owners.import_owners(done, after, chunk.lines, chunk.faults)
            progress(done)
        finished = replace(done, finished_at=self._clock.now())
        done = await self._owners.import_owners(done, finished, (), ())
        await self._auditor.record(
            staff, Action.OWNERS_IMPORT, file.path.name, note, file=file.digest, line=done.line,
            imported=done.imported, known=done.known, faults=done.faults,
        )  # fmt: skip
        return done
