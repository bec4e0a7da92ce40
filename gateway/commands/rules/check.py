"""Checking rule files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import rich_click as click

from gateway.commands.common import end_with, json_option, print_json
from gateway.commands.rules.common import directory_argument, load_directory
from gateway.errors import RulesError
from gateway.routing.ruleset import RuleSet


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
    idle = _idle(found)
    if as_json:
        print_json({
            "ok": True, "version": found.version, "rules": len(found.rules), "problems": [],
            "waves_without_rules": idle,
        })  # fmt: skip
    else:
        click.echo(f"{len(found.rules)} rules in {len(found.waves)} wave(s), no problems")
        for name in idle:
            click.echo(f"note: wave {name} has no rules, so it changes nothing")
        click.echo(f"version {found.version}")


def _idle(found: RuleSet) -> list[str]:
    """Return the waves that send nothing anywhere: right, but perhaps not what was meant."""
    busy = {rule.wave for rule in found.rules}
    return sorted(wave.name for wave in found.waves if wave.name not in busy)


COMMANDS: Final = (check,)
