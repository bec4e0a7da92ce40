"""Amounts and dates as Amazon's report files write them: by marketplace, not by one rule.

Amounts come with a decimal point or a decimal comma, with or without separators of thousands;
negative ones with a sign or in parentheses. A file keeps to one convention, and the first amount
that leaves no doubt says which.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

DateOrder = Literal["", "dmy", "mdy"]

_AMOUNT: Final = {
    ".": re.compile(r"[+-]?(?:\d{1,15}|\d{1,3}(?:,\d{3}){1,4})(?:\.\d{1,4})?", re.ASCII),
    ",": re.compile(r"[+-]?(?:\d{1,15}|\d{1,3}(?:\.\d{3}){1,4})(?:,\d{1,4})?", re.ASCII),
}
_OTHER: Final = {".": ",", ",": "."}
#: Three digits behind a single separator may be thousands or decimals; anything else is plain.
_DOUBTFUL: Final = re.compile(r"[+-]?\d{1,3}[.,]\d{3}", re.ASCII)


class Amounts:
    """Reads the amounts of one file."""

    def __init__(self) -> None:
        self.mark = ""  #: the decimal mark, once an amount has shown it

    def read(self, text: str) -> Decimal:
        """Return the amount; raise :class:`ValueError` saying what is wrong with it."""
        plain = text.strip()
        if plain.startswith("(") and plain.endswith(")"):
            plain = f"-{plain[1:-1]}"
        if not self.mark:
            self.mark = _mark_of(plain)
        mark = self.mark or "."
        if not _AMOUNT[mark].fullmatch(plain):
            raise ValueError(_wrong(text, self.mark))
        return Decimal(plain.replace(_OTHER[mark], "").replace(mark, "."))


def _mark_of(plain: str) -> str:
    """Return the decimal mark an amount shows beyond doubt, "" if it shows none."""
    if _DOUBTFUL.fullmatch(plain):
        raise ValueError(
            f"{plain!r} can be read with {plain[-4]!r} as decimal mark or as separator of "
            "thousands, and no amount before it tells which; say so with --decimal"
        )
    last = max(plain.rfind("."), plain.rfind(","))
    if last < 0:
        return ""
    if plain.count(plain[last]) > 1:  # 1.234.567: separators only
        return _OTHER[plain[last]]
    return plain[last]


def _wrong(text: str, mark: str) -> str:
    how = f" with {mark!r} as decimal mark, as in the amounts before" if mark else ""
    return f"{text!r} is not an amount{how}"


def pieces(text: str) -> int | None:
    """Return the quantity ``text`` writes, None for blank; raise :class:`ValueError` otherwise."""
    if not text:
        return None
    if not _PIECES.fullmatch(text):
        raise ValueError(f"{text!r} is not a number of pieces")
    return int(text)


_PIECES: Final = re.compile(r"-?\d{1,9}", re.ASCII)
_FORMATS: Final = (
    "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S UTC", "%d.%m.%Y %H:%M:%S",
    "%Y-%m-%d", "%d.%m.%Y",
)  # fmt: skip
_SLASHED: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})", re.ASCII)


@lru_cache(maxsize=4096)
def instant(text: str, order: DateOrder = "") -> datetime:
    """Return the point in time ``text`` writes, UTC where it names no zone.

    Raises :class:`ValueError` for what is no date, or one whose day and month cannot be told
    apart and ``order`` does not tell either.
    """
    plain = text.strip()
    slashed = _SLASHED.fullmatch(plain)
    if slashed:
        return _slashed(plain, slashed, order)
    for form in _FORMATS:
        try:
            return datetime.strptime(plain, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        found = datetime.fromisoformat(plain)
    except ValueError:
        raise ValueError(f"{text!r} is not a date") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def day(text: str, order: DateOrder = "") -> date:
    """Return the calendar day ``text`` writes; raises as :func:`instant` does."""
    return instant(text, order).date()


def _slashed(plain: str, found: re.Match[str], order: DateOrder) -> datetime:
    first, second, year = (int(part) for part in found.groups())
    if not order:
        if first > 12:
            order = "dmy"
        elif second > 12 or first == second:
            order = "mdy"
        else:
            raise ValueError(
                f"{plain!r} has day and month in an order that nothing tells; say which with "
                "--date-order dmy or mdy"
            )
    month, day_of_month = (second, first) if order == "dmy" else (first, second)
    try:
        return datetime(year + 2000 if year < 100 else year, month, day_of_month, tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{plain!r} is not a date in the order {order}") from None
