"""Where the evidence comes from: files, or the control API of the simulated ERPs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from loadtests.audit import Evidence
from loadtests.books import ERPS, Document, Erp, documents_of
from loadtests.errors import BadFile, LoadTestError
from loadtests.events import Events, read_events
from loadtests.files import json_of
from loadtests.journal import read_journal

TIMEOUT_S = 30


def gather(
    *,
    journal: Path,
    events: Path | None,
    legacy_books: str,
    cloud_books: str,
    legacy_counters: str | None = None,
    cloud_counters: str | None = None,
    held: Path | None = None,
    channels: Sequence[Path] = (),
) -> Evidence:
    """Read all evidence; raises LoadTestError naming the source that cannot be read.

    ``channels`` are journals of what channels sold by themselves, as
    :mod:`loadtests.channels.answers` makes them.

    Books given as a URL (of the simulator, or of its books) bring their counters along.
    """
    books: dict[Erp, str] = {"legacy": legacy_books, "cloud": cloud_books}
    stated: dict[Erp, str | None] = {"legacy": legacy_counters, "cloud": cloud_counters}
    counters = {erp: stated[erp] or _counters_beside(books[erp]) for erp in ERPS}
    whole = read_journal(journal)
    for channel in channels:
        whole.messages += read_journal(channel).messages
    return Evidence(
        journal=whole,
        events=read_events(events) if events else Events(),
        documents=tuple(one for erp in ERPS for one in read_books(erp, books[erp])),
        counters={erp: _object(source) for erp, source in counters.items() if source},
        held=_held(held),
    )


def read_books(erp: Erp, source: str) -> list[Document]:
    """The books of ``erp`` from a file or URL; a URL is read until nothing newer comes."""
    if not _is_url(source):
        return documents_of(erp, _object(source), source)
    documents: list[Document] = []
    url = _control(source, "books")
    while True:
        after = documents[-1].sequence if documents else 0
        page = documents_of(erp, _object(f"{url}?after={after}"), url)
        if not page:
            return documents
        documents += page


def _counters_beside(books: str) -> str | None:
    return _control(books, "counters") if _is_url(books) else None


def _is_url(source: str) -> bool:
    return urlsplit(source).scheme in ("http", "https")


def _control(source: str, what: str) -> str:
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc}/control/{what}"


def _object(source: str) -> Mapping[str, Any]:
    content = _fetched(source) if _is_url(source) else json_of(Path(source))
    if not isinstance(content, dict):
        raise BadFile(source, "", "not a JSON object")
    return content


def _fetched(url: str) -> Any:  # noqa: ANN401 -- JSON is of any type
    try:
        with urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 -- _is_url lets only http(s) by
            return json.load(response)
    except (URLError, OSError, ValueError) as error:
        raise LoadTestError(f"{url}: cannot be read: {error}") from error


def _held(path: Path | None) -> frozenset[str]:
    if path is None:
        return frozenset()
    content = json_of(path)
    if not isinstance(content, list) or not all(isinstance(one, str) for one in content):
        raise BadFile(path, "", "not a list of transaction ids")
    return frozenset(content)
