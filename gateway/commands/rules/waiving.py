"""Options that let a red gate pass, shared by what brings rules into force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

from gateway.commands.proof import WAIVER_KEY, acting
from gateway.errors import BadRequest
from gateway.flow.changes import Waiver
from gateway.settings import Settings

C = TypeVar("C", bound=Callable[..., Any])

backlog_option = click.option(
    "--backlog",
    type=click.Choice(["drain", "move"]),
    default="drain",
    show_default=True,
    help="What was accepted before: `drain` leaves it where it is; `move` lets objects of which "
    "nothing was ever attempted follow the new rules.",
)


def waive_options(command: C) -> C:
    """Add ``--waive`` and ``--waived-by``."""
    by = click.option("--waived-by", help="The approver who answers for it; default: --by.")
    waive = click.option(
        "--waive",
        "waives",
        multiple=True,
        metavar="GATE=REASON",
        help="Let a red gate pass, for a reason that goes into the audit log.",
    )
    return waive(by(command))


def waiver_of(settings: Settings, waives: tuple[str, ...], waived_by: str | None) -> Waiver:
    """Read the two options; raise :class:`~gateway.errors.BadRequest` for what is no reason."""
    reasons = {}
    for text in waives:
        gate, separator, reason = text.partition("=")
        if not separator or not reason.strip():
            raise BadRequest(f"--waive {text!r}: write GATE=REASON, such as 'quotas=raised today'")
        reasons[gate.strip()] = reason.strip()
    if not waived_by:
        return Waiver(reasons, None)
    return Waiver(reasons, acting(settings, waived_by, option="--waived-by", variable=WAIVER_KEY))
