"""Who is delivered first, and when the buffer refuses to take more."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.settings.section import Section


class MarkSettings(Section):
    """High-water marks. The most urgent class is refused at the mark itself, others earlier."""

    messages_max: int = Field(
        default=2_000_000, ge=1, description="messages that are not booked yet"
    )
    events_max: int = Field(
        default=5_000_000, ge=1, description="events that the ledger has not recorded yet"
    )
    memory_share_max: float = Field(
        default=0.8, gt=0, lt=1, description="of the store's maxmemory, where it has one"
    )
    memory_bytes_max: int = Field(
        default=0, ge=0, description="of the store's memory; 0: only the share counts"
    )
    age_s_max: float = Field(
        default=86_400,
        ge=1,
        description="a class is refused while its longest waiting object has waited for so long",
    )


class DeliverySettings(Section):
    """Classes, ageing, peak mode and marks."""

    rise_after_s: float = Field(
        default=900, ge=0, description="what waits for so long rises a class; 0: nothing does"
    )
    peak_pauses: Literal["low", "normal"] = Field(
        default="low", description="this class and those below it wait during `coexist peak on`"
    )
    marks: MarkSettings = Field(default_factory=MarkSettings, description="high-water marks")
