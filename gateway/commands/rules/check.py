"""Checking rule files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import rich_click as click

from gateway.commands.common import end_with, json_option, print_json
from gateway.commands.rules.common import directory_argument, load_directory
from gateway.errors import RulesError


@click.command()
@directory_argument
@json_option
def check(directory: Path | None, *, as_json: bool) -> None:
    """Check all rules of DIRECTORY; list every problem with file, line and remedy."""
    try:
        found = load_directory(directory)
    except RulesError as error:
        if not as_json:
            raise
        end_with(error.problems)
    if as_json:
        print_json(
            {"ok": True, "version": found.version, "rules": len(found.rules), "problems": []}
        )
    else:
        click.echo(f"{len(found.rules)} rules in {len(found.waves)} wave(s), no problems")
        click.echo(f"version {found.version}")


COMMANDS: Final = (check,)
