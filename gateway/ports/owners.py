"""Who owns what, for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gateway.canonical.exchange.owning import Before, Import, ImportFault, ImportLine, Owner


class Owners(Protocol):
    """The ledger's owners, and imports of them."""

    async def owner_record(self, object_key: str) -> Owner | None:
        """Return an owner with how and when it was found."""
        ...

    async def owners_after(self, object_key: str, count: int, source: str = "") -> Sequence[Owner]:
        """Return owners behind a key, in the order of keys; "" for all or any source."""
        ...

    async def owners_pinned(
        self, after: tuple[datetime, str] | None, before: datetime, count: int
    ) -> Sequence[Owner]:
        """Return owners pinned before a time, behind a place in that order."""
        ...

    async def begin_import(self, wanted: Import) -> Import:
        """Begin an import, or return how far it has come."""
        ...

    async def import_owners(
        self, before: Import, after: Import, lines: Sequence[ImportLine],
        faults: Sequence[ImportFault],
    ) -> Import:  # fmt: skip
        """Take lines and note how far the import is, in one SQL transaction.

        Returns ``after`` with its counts. Raises PublishError if the import is no longer where
        ``before`` says: another process is at it.
        """
        ...

    async def import_faults(self, file: str, after: int, count: int) -> Sequence[ImportFault]:
        """Return faults of an import behind a line, in the order of lines."""
        ...

    async def faults_of(self, file: str) -> Mapping[str, int]:
        """Count faults of an import by kind."""
        ...

    async def imports(self) -> Sequence[Import]:
        """Return all imports, the newest first."""
        ...


class Precedents(Protocol):
    """What was there before."""

    async def taken_before(self, creates: Mapping[str, str]) -> Mapping[str, Before]:
        """Return, of creates (object key by transaction), those whose object is older, and how.

        An object is older if its owner was found in an ERP or imported, or if another create of
        it was taken and not given up.
        """
        ...


class Forgetting(Protocol):
    """The buffer's owners, as whoever lets them leave sees them."""

    async def forget(self, owners: Sequence[Owner]) -> int:
        """Forget owners that the ledger has; return how many were known here and are no more.

        One that is owned otherwise here, or whose object has messages here, stays.
        """
        ...

    async def forgotten_upto(self) -> str:
        """Return up to which place of the ledger's owners was gone through, "" at first."""
        ...

    async def note_forgotten(self, upto: str) -> None:
        """Remember how far that is."""
        ...
