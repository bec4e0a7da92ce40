"""Audit: what people change is written down before it is changed.

The sentence the code follows: *whoever may do it is written down with what and why, and only then
it is done.* A crash in between leaves a line about something that was not (wholly) done, which the
events of the messages show; never a change without a line.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from gateway.canonical.audit import AuditRow, Chain, Deed, Head
from gateway.canonical.staff import Action, Staff, require
from gateway.ports import AuditLog

PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found: how many rows are whole, the newest of them, and what broke behind it."""

    rows: int
    head: Head
    broken: str

    @property
    def whole(self) -> bool:
        """Whether nothing is broken, as far as the chain (and a kept head) can show."""
        return not self.broken


class Auditor:
    """Writes the audit log and checks it."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    async def record(
        self, staff: Staff, action: Action, subject: str, reason: str = "", **details: Any
    ) -> AuditRow:
        """Write down what ``staff`` is about to do to ``subject``.

        Raises:
            Forbidden: none of their roles may do this; nothing is written.
            LedgerUnavailable: it cannot be written, so it must not be done.
        """
        require(staff, action)
        return await self._log.append(
            Deed(staff.name, staff.via, str(action), subject, reason, details)
        )

    async def rows(self, after: int = 0) -> AsyncIterator[AuditRow]:
        """Yield all rows behind number ``after``, a page at a time."""
        while page := await self._log.audited(after, PAGE):
            for row in page:
                yield row
            after = page[-1].number

    async def verify(self, kept: Head | None = None) -> Verdict:
        """Follow the whole chain; ``kept`` is a head that was stored elsewhere."""
        chain = Chain(kept)
        async for row in self.rows():
            broken = chain.broken_by(row)
            if broken:
                return Verdict(chain.head.number, chain.head, broken)
        return Verdict(chain.head.number, chain.head, chain.ended_early())
