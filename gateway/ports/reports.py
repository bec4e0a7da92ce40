"""A marketplace's settlement reports: how they are fetched, and what is kept of fetching them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from gateway.canonical.exchange.reports import Report, ReportFile


class Reports(Protocol):
    """Reports as a marketplace offers them.

    Every call raises :class:`~gateway.errors.MarketUnavailable` if it is not answered.
    """

    async def settlements(self, since: datetime) -> Sequence[Report]:
        """Return the settlement reports made since then, due at once."""
        ...

    def document(self, document_id: str) -> AbstractAsyncContextManager[ReportFile]:
        """Fetch a document whole; it can be read, and is gone behind the block.

        Reading raises :class:`~gateway.errors.FileRefused` where what was fetched is cut short.
        """
        ...


class ReportShelf(Protocol):
    """What is kept of reports, durably."""

    async def found_reports(self, found: Sequence[Report]) -> None:
        """Keep those that are new; what is known of the others stays."""
        ...

    async def due_reports(
        self, channel: str, now: datetime, made_after: datetime, count: int
    ) -> Sequence[Report]:
        """Return reports that are still to be taken and due, the oldest first."""
        ...

    async def keep_report(self, report: Report) -> None:
        """Write down what became of a report."""
        ...

    async def reports(self, count: int) -> Sequence[Report]:
        """Return reports of all channels, the newest first."""
        ...
