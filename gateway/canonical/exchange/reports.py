"""Settlement reports a marketplace made, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was found. ``settlement_id`` is what was taken from it, "" before that.

    ``due_at`` is when it is fetched (again); ``problem`` says why it was not taken ``tries`` times.
    """

    channel: str
    report_id: str
    document_id: str
    made_at: datetime
    due_at: datetime
    settlement_id: str = ""
    tries: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report's document, unpacked as it is read; ``encoding`` is how its text is written."""

    file: BinaryIO
    encoding: str
