"""`coexist wave`: is it ready, and how does it fare."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import rich_click as click

from gateway.canonical.guardrail import Finding
from gateway.commands import wave_status
from gateway.commands.common import count_option, installation, json_option, print_json, run
from gateway.commands.rules.common import load_directory
from gateway.errors import NotFound, RulesError
from gateway.flow.hypercare import Status
from gateway.flow.readiness import Gate, unreadable
from gateway.routing.ruleset import RuleSet


@click.group()
def wave() -> None:
    """One wave of the migration: go or no go, and how it fares afterwards."""


@wave.command()
@click.argument("name", metavar="WAVE")
@click.option("--rules", "directory", type=click.Path(path_type=Path), help="The rules folder.")
@json_option
def ready(name: str, directory: Path | None, *, as_json: bool) -> None:
    """Show every gate of WAVE, green or red, and who can turn it green.

    Ends with 1 if one is red. `coexist rules apply` asks the same gates.
    """
    try:
        draft = load_directory(directory)
    except RulesError as error:
        _unreadable(name, error, as_json=as_json)
    if name not in {it.name for it in draft.waves}:
        known = ", ".join(it.name for it in draft.waves) or "none"
        raise NotFound(f"no wave {name!r} in the rule files; known here: {known}")
    gates, touched = run(_gates(draft, name))
    go = all(gate.green for gate in gates)
    if as_json:
        print_json({
            "wave": name, "version": draft.version, "go": go, "changes": touched,
            "gates": [asdict(gate) for gate in gates],
        })  # fmt: skip
    else:
        if not touched:
            click.echo(f"{name} is in force as the files say it; there is nothing to apply")
        for gate in gates:
            _show(gate)
    if not go:
        sys.exit(1)


def _unreadable(name: str, error: RulesError, *, as_json: bool) -> NoReturn:
    """Show the one gate that can be asked about files with problems, red; end with 1."""
    gate = unreadable(len(error.problems))
    if as_json:
        print_json({
            "wave": name, "version": "", "go": False, "changes": None, "gates": [asdict(gate)],
            "problems": [asdict(it) for it in error.problems],
        })  # fmt: skip
    else:
        _show(gate)
        for problem in error.problems:
            click.echo(f"       {problem}")
        click.echo("the other gates were not asked: they are about rules that can be read")
    sys.exit(1)


def _show(gate: Gate) -> None:
    colour, word = ("green", "green") if gate.green else ("red", "RED")
    mark = click.style(f"{word:<6}", fg=colour)
    click.echo(f"{mark} {gate.name:<13} {gate.finding}  [{gate.owner}]")


async def _gates(draft: RuleSet, name: str) -> tuple[list[Gate], bool]:
    from gateway.ruling import ruling

    async with installation() as parts:
        in_force = (await parts.book.publication()).marker
        readiness = ruling(parts).readiness
        touched = name in (await readiness.change(draft, in_force)).waves
        return await readiness.gates(draft, in_force, name), touched


@wave.command()
@click.argument("name", metavar="[WAVE]", required=False, default="")
@json_option
def status(name: str, *, as_json: bool) -> None:
    """Show how the waves in force fare, or WAVE: since their flip, beside the day before."""
    found = run(_status(name))
    if name and not found:
        raise NotFound(f"no wave {name!r} is in force; `coexist wave status` lists those that are")
    if as_json:
        print_json([wave_status.as_json(it) for it in found])
        return
    if not found:
        click.echo("no wave is in force")
    for it in found:
        for line in wave_status.lines(it):
            click.echo(line)


@wave.command()
@click.argument("name", metavar="[WAVE]", required=False, default="")
@count_option("How many at most.")
@json_option
def guardrails(name: str, count: int, *, as_json: bool) -> None:
    """List what guardrails decided, of all waves or of WAVE, and the numbers they saw."""
    found = run(_findings(name, count))
    if as_json:
        print_json([{**asdict(it), "at": it.at.isoformat()} for it in found])
        return
    if not found:
        click.echo("no guardrail has looked yet; they do while a wave that has some is in force")
    for it in found:
        value = "no data" if it.value is None else f"{it.value:g}"
        click.echo(
            f"{it.at:%Y-%m-%d %H:%M:%S} {it.wave} {it.signal}: {it.verdict}, {value} against "
            f"{it.above:g}, {it.samples} sample(s) in {it.window_s} s, epoch {it.epoch}"
        )


async def _status(name: str) -> list[Status]:
    from gateway.ruling import ruling

    async with installation() as parts:
        return list(await ruling(parts).hypercare.status(name))


async def _findings(name: str, count: int) -> list[Finding]:
    async with installation() as parts:
        return list(await parts.ledger.findings(count, name))
