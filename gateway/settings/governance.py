"""Governance: what a change of rules needs before it comes into force."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from gateway.settings.section import Section


class GovernanceSettings(Section):
    """What a change of rules needs before it comes into force."""

    approvals_required: bool | None = Field(
        default=None,
        description="whether `rules apply` needs an approval of these rules by somebody else; "
        "unless set, it does where staff is configured",
    )
    calendars_dir: Path | None = Field(
        default=None,
        description="folder of calendar files (freezes, finance closes, posting periods); every "
        "machine that runs a gateway or worker needs it, they carry out what is scheduled",
    )
    late_s_max: float = Field(
        default=3600,
        gt=0,
        description="a scheduled flip that nobody could carry out for this long is suspended",
    )
    guardrails_every_s: float = Field(
        default=10, ge=1, description="pause between two looks at the guardrails of all waves"
    )
    findings_days: int = Field(
        default=7, ge=1, description="how long looks at guardrails that paused nothing are kept"
    )
