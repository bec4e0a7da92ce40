"""How long owners stay in the buffer."""

from __future__ import annotations

from pydantic import Field

from gateway.settings.section import Section


class OwnersSettings(Section):
    """Who owns an order is in the ledger for good; this is about the store's memory.

    At least 62 days: so long a claim may live, by which a repeated order is known.
    """

    keep_days: int = Field(
        default=90, ge=62, description="days after which an order's owner leaves the store"
    )
