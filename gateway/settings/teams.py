"""Teams: who looks after what is held, where that differs from the usual."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from gateway.canonical.outcome import CAUSES, Cause
from gateway.canonical.process import PROCESSES
from gateway.settings.section import Section

_KNOWN: Final = f"causes are {', '.join(Cause)}; processes are {', '.join(PROCESSES)}"


def _scope(text: str) -> str:
    process, slash, cause = text.partition("/")
    if slash and process in PROCESSES and cause in CAUSES:
        return text
    if not slash and (text in CAUSES or text in PROCESSES):
        return text
    raise ValueError(
        f"{text!r} is no cause, no process and no process/cause such as "
        f"store.sale/total-differs; {_KNOWN}"
    )


class TeamSettings(Section):
    """One team, and what it looks after; the most specific of all teams' scopes decides."""

    owns: Annotated[tuple[Annotated[str, AfterValidator(_scope)], ...], Field(min_length=1)] = (
        Field(description="causes, processes, or process/cause, such as store.sale/total-differs")
    )
    steward: str = Field(default="", description="who answers for it, shown beside what is held")
