"""How shadow comparisons are made."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.section import Section


class ShadowSettings(Section):
    """What candidates are asked for, and what counts as a difference.

    Whether anything is compared is the rules' business: `shadow:` beside `mode`.
    """

    in_flight_max: int = Field(
        default=4, ge=1, description="calls one process has open at a candidate, at most"
    )
    controls_one_in: int = Field(
        default=20,
        ge=0,
        description="one of so many comparisons asks the control twice, to know its noise; "
        "0 for none",
    )
    money_tolerance: str = Field(
        default="0.01",
        pattern=r"^[0-9]+(\.[0-9]{1,4})?$",
        description="amounts that differ by no more are alike",
    )
    skew_s: float = Field(
        default=300, ge=0, description="instants that differ by no more seconds are alike"
    )
    ignore: tuple[Annotated[str, Field(pattern=r"^[a-z]+\.[a-z]+:.+$")], ...] = Field(
        default=(), description='fields not compared, as "catalog.product:name"'
    )
