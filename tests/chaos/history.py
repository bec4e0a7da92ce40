"""What is printed when a run fails: what was done when, and all that is known of each offender."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import create_engine, text

from loadtests.books import Document
from loadtests.findings import Finding
from loadtests.journal import Journal, MessageEntry

#: Offenders told in full.
TOLD_MAX: Final = 5
#: Log lines of one transaction.
LOG_LINES_MAX: Final = 60

_EVENTS: Final = text(
    "select at_ms, kind, transaction_id, fields from events"
    " where transaction_id = :id order by ms, seq"
)


class Sources:
    """Where the histories come from: a run's folder, its ledger, journal and books."""

    def __init__(
        self, run: Path, ledger_url: str, journal: Journal, documents: Sequence[Document]
    ) -> None:
        self._run = run
        self._url = ledger_url.replace("postgresql://", "postgresql+psycopg://", 1)
        self._journal = journal
        self._documents = documents

    def histories(self, findings: Sequence[Finding]) -> Iterator[str]:
        """Tell, line by line, all that is known of the first few offenders."""
        for finding in findings[:TOLD_MAX]:
            yield f"== {finding.kind}: {finding}"
            yield from self._of(finding.reference)

    def _of(self, reference: str) -> Iterator[str]:
        mine = [one for one in self._journal.messages if one.message.reference == reference]
        keys = {one.message.object_key for one in mine}
        same = [one for one in self._journal.messages if one.message.object_key in keys]
        yield from self._journal_lines(same)
        ids = sorted({one.transaction_id for one in same if one.transaction_id})
        references = {one.message.object_reference for one in same} or {reference}
        for document in self._documents:
            if document.transaction_id in ids or document.object_reference in references:
                yield (
                    f"  {document.erp} books #{document.sequence}: {document.kind} "
                    f"{document.number} {document.external_reference} {document.total}"
                )
        for transaction_id in ids:
            yield f"  -- {transaction_id}"
            yield from merged(self._events(transaction_id), self._logged(transaction_id))

    def _journal_lines(self, entries: Iterable[MessageEntry]) -> Iterator[str]:
        began = self._journal.run.started if self._journal.run else 0.0
        for one in entries:
            answered = "never" if one.answered is None else f"{one.answered - began:.2f} s"
            yield (
                f"  journal: {one.message.process} {one.message.reference} sent "
                f"{one.sent - began:.2f} s, answered {answered} ({one.attempts} tries), "
                f"{one.state} {one.transaction_id}{' replayed' if one.replayed else ''} {one.error}"
            )

    def _events(self, transaction_id: str) -> list[tuple[float, str]]:
        engine = create_engine(self._url)
        with engine.connect() as connection:
            rows = list(connection.execute(_EVENTS, {"id": transaction_id}))
        engine.dispose()
        return [(row.at_ms / 1000, f"event {row.kind} {plain(row.fields)}") for row in rows]

    def _logged(self, transaction_id: str) -> list[tuple[float, str]]:
        said = [
            logged(log.stem, line)
            for log in sorted(self._run.glob("*.log"))
            for line in log.read_text(errors="replace").splitlines()
            if transaction_id in line
        ]
        return said[:LOG_LINES_MAX]


def plain(fields: object) -> str:
    """The fields of an event, in a line."""
    content = json.loads(fields) if isinstance(fields, str) else fields
    if not isinstance(content, Mapping):
        return str(content)
    return " ".join(f"{name}={value}" for name, value in content.items() if name != "payload")


def logged(who: str, line: str) -> tuple[float, str]:
    """When a line was logged (0 if it does not say), and what it says in short."""
    try:
        row: dict[str, Any] = json.loads(line)
        at_s = datetime.fromisoformat(row["timestamp"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return 0.0, f"{who}: {line[:200]}"
    if row.get("event") == "erp_call":
        said = f"{row['call']} {row['erp']} -> {row['outcome']} in {row['duration_ms']} ms"
        return at_s, f"{who}: {said} {row['detail']}"
    return at_s, f"{who}: {line[:300]}"


def merged(*told: Iterable[tuple[float, str]]) -> Iterator[str]:
    """Lines of several sources in the order of time."""
    for at_s, line in sorted((one for source in told for one in source), key=lambda it: it[0]):
        clock = datetime.fromtimestamp(at_s).strftime("%H:%M:%S.%f")[:-3] if at_s else "-"  # noqa: DTZ006 -- read by people, in their own zone
        yield f"  {clock:>12} {line}"
