"""Every option of the simulated POS estate, in one table."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulators.options import ServerOptions, option

_STORE = re.compile(r"(NL|DE)-\d{3}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
STORES = (*(f"NL-{n:03}" for n in range(1, 7)), *(f"DE-{n:03}" for n in range(1, 5)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PosOptions(ServerOptions):
    """What the estate takes besides."""

    gateway: str = option("", "address that receipts are sent to; empty sends none", live=True)
    api_key: str = option("", "the estate's API key at the gateway", live=True)
    stores: tuple[str, ...] = option(
        STORES, "stores, as NL-001; the country says which company", parts=_STORE
    )
    registers: int = option(2, "registers of each store", low=1, high=99)
    first_number: int = option(1, "the number a register begins with", low=1, high=999_999_999)
    last_number: int = option(
        0, "the number behind which registers go on with 1; 0: none", high=999_999_999
    )
    business_day: tuple[str, ...] = option(
        (), "the first business day, as 2026-11-21; empty: today", parts=_DAY
    )
    batch: int = option(
        50, "receipts sent at once, at most; the gateway takes 500", low=1, high=500, live=True
    )
    sales_per_s: float = option(0.0, "receipts that customers cause", high=10_000, live=True)
    voids: float = option(0.03, "share of receipts that are given up whole", high=1, live=True)
    line_voids: float = option(0.05, "share of lines that are keyed and taken back", high=1,
                               live=True)  # fmt: skip
    returns: float = option(0.08, "share of receipts that take something back", high=1, live=True)
    promotions: float = option(0.1, "share of lines that are a tenth off", high=1, live=True)
    cash: float = option(0.4, "share of receipts that are paid in cash", high=1, live=True)
    retry_s: float = option(
        1.0,
        "pause before a batch that was not answered is sent again",
        low=0.01,
        high=60,
        live=True,
    )
