"""What is kept of decisions, for dry runs."""

from __future__ import annotations

from pydantic import Field

from gateway.settings.section import Section


class EvidenceSettings(Section):
    """How long decisions are kept, and how many of the reads; the same of surprising payloads.

    A decision takes about 20 bytes in the ledger: a million a day, kept for five weeks, 700 MB.
    A payload of a channel with something unannounced takes some 2 KB.
    """

    keep_days: int = Field(default=35, ge=1, description="days that recorded decisions are kept")
    reads_one_in: int = Field(
        default=10, ge=0, description="one of so many reads is recorded, 1 for each, 0 for none"
    )
    payload_days: int = Field(
        default=30, ge=1, description="days that payloads with something unannounced are kept"
    )
    payloads_a_day: int = Field(
        default=1000,
        ge=0,
        description="so many of them are kept of each channel and day (UTC), the rest are counted",
    )
