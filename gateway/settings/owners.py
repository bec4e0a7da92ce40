"""How long owners stay in the buffer, and how long they are looked for."""

from __future__ import annotations

from pydantic import Field

from gateway.settings.section import Section


class OwnersSettings(Section):
    """Who owns an order is in the ledger for good; ``keep_days`` is about the store's memory.

    At least 62 days: so long a claim may live, by which a repeated order is known.
    """

    keep_days: int = Field(
        default=90, ge=62, description="days after which an order's owner leaves the store"
    )
    seek_s: int = Field(
        default=3600,
        ge=1,
        description="seconds for which the owner of a follow-up's order is looked for, before the "
        "follow-up becomes an exception",
    )
