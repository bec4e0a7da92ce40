"""`coexist rules`: for migration leads. A page per group of commands; each adds its own."""

from __future__ import annotations

import rich_click as click

from gateway.commands.rules import (
    approval,
    check,
    diff,
    dryrun,
    explain,
    flip,
    history,
    rollback,
    schedule,
)

__all__ = ["rules"]


@click.group()
def rules() -> None:
    """Routing rules: which ERP serves which process, wave by wave."""


for page in (check, explain, diff, dryrun, approval, flip, rollback, schedule, history):
    for command in page.COMMANDS:
        rules.add_command(command)
