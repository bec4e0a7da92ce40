"""``Retry-After``, in both of its forms (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

#: An ERP that asks for more is asked again after an hour: one request lost, a day's silence saved.
RETRY_AFTER_MS_MAX: Final = 3_600_000

#: Some servers send "2.0". More digits than a century has seconds are no wait anybody means.
_SECONDS: Final = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)


def retry_after_ms(headers: Mapping[str, str], now: datetime) -> int | None:
    """Return for how many ms the server asks for silence, at most an hour; None if it does not say.

    A date is measured against the answer's own ``Date``, as the server's clock may differ from
    ours; without one, against ``now``. A date that is past means 0. What is neither form (negative
    seconds, other text) says nothing.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        wait_ms = float(text) * 1000
    else:
        until = _date(text)
        if until is None:
            return None
        since = _date(headers.get("date", "")) or now
        wait_ms = (until - since).total_seconds() * 1000
    return int(min(max(wait_ms, 0), RETRY_AFTER_MS_MAX))


def _date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
