"""The Reports API 2021-06-30: settlement reports, which Amazon makes by itself, and their files.

A document is fetched whole into a temporary file before anything is read of it: a connection that
breaks then costs a call and nothing else. Its address is signed, lives for minutes and is no
operation of the usage plan.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import IO, BinaryIO, Final, cast
from urllib.parse import quote

import httpx

from gateway.callers.amazon.api import Account, SellingPartner, body_of, instant
from gateway.canonical.exchange.reports import Report, ReportFile
from gateway.clock import Clock
from gateway.errors import FileRefused, MarketUnavailable
from gateway.ports.marketplaces import Pulls

SETTLEMENTS: Final = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
_PATH: Final = "/reports/2021-06-30"
#: Reports on a page, the most that is given, and pages followed: ninety days have some seven.
PAGE: Final = 100
PAGES_MAX: Final = 10
#: A packed document above this is no settlement of one seller: a million rows have some 20 MB.
DOCUMENT_BYTES_MAX: Final = 1 << 30


class AmazonReports:
    """Implements :class:`gateway.ports.reports.Reports`."""

    def __init__(
        self,
        account: Account,
        channel: str,
        client: httpx.AsyncClient,
        pulls: Pulls,
        clock: Clock,
    ) -> None:
        self._channel = channel
        self._marketplaces = account.marketplaces
        self._client = client
        self._clock = clock
        self._api = SellingPartner(account, client, pulls, clock)

    async def settlements(self, since: datetime) -> Sequence[Report]:
        query = {
            "reportTypes": SETTLEMENTS,
            "processingStatuses": "DONE",
            "marketplaceIds": ",".join(self._marketplaces),
            "pageSize": str(PAGE),
            "createdSince": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        found: list[Report] = []
        for _ in range(PAGES_MAX):
            answer = await self._api.call("getReports", f"{_PATH}/reports", query)
            body = body_of(answer, "getReports")
            found += [it for row in body.get("reports") or () if (it := self._report(row))]
            token = body.get("nextToken")
            if not isinstance(token, str) or not token:
                break
            query = {"nextToken": token}
        return found

    def _report(self, row: object) -> Report | None:
        it = row if isinstance(row, dict) else {}
        names = ("reportId", "reportDocumentId")
        report_id, document_id = (it.get(name) for name in names)
        made_at = instant(it.get("createdTime"))
        if not isinstance(report_id, str) or not isinstance(document_id, str) or made_at is None:
            return None
        return Report(self._channel, report_id, document_id, made_at, self._clock.now())

    @asynccontextmanager
    async def document(self, document_id: str) -> AsyncIterator[ReportFile]:
        path = f"{_PATH}/documents/{quote(document_id, safe='')}"
        answer = await self._api.call("getReportDocument", path, {})
        told = body_of(answer, "getReportDocument")
        url, packing = told.get("url"), told.get("compressionAlgorithm")
        if not isinstance(url, str) or packing not in (None, "GZIP"):
            raise MarketUnavailable(f"getReportDocument: no url, or packed as {packing!r:.20}")
        with TemporaryFile() as packed:
            encoding = await self._download(url, packed)
            packed.seek(0)
            if packing is None:
                yield ReportFile(packed, encoding)
                return
            with _Unpacked(fileobj=packed) as file:
                yield ReportFile(cast("BinaryIO", file), encoding)

    async def _download(self, url: str, into: IO[bytes]) -> str:
        """Write a document as it comes; return how its text is written."""
        came = 0
        try:
            async with self._client.stream("GET", url) as answer:
                if answer.status_code != 200:
                    raise MarketUnavailable(f"report document: {answer.status_code}")
                async for chunk in answer.aiter_raw():
                    came += len(chunk)
                    if came > DOCUMENT_BYTES_MAX:
                        most = f"at most {DOCUMENT_BYTES_MAX} bytes are taken"
                        raise FileRefused(f"the document is too long: {most}")
                    into.write(chunk)
        except httpx.HTTPError as error:
            raise MarketUnavailable(f"report document: {type(error).__name__}") from None
        try:
            return codecs.lookup(answer.charset_encoding or "utf-8").name
        except LookupError:
            return "utf-8"


class _Unpacked(gzip.GzipFile):
    """A packed document; where it is cut short or damaged, it is refused like any wrong file."""

    def readline(self, size: int | None = -1) -> bytes:
        try:
            return super().readline(-1 if size is None else size)
        except (EOFError, OSError, zlib.error) as error:
            raise _cut(error) from None

    def read(self, size: int | None = -1) -> bytes:
        try:
            return super().read(size)
        except (EOFError, OSError, zlib.error) as error:
            raise _cut(error) from None


def _cut(error: Exception) -> FileRefused:
    return FileRefused(f"the document cannot be unpacked: {error}; get it again")
