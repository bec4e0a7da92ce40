"""What moves between two rule sets, and what has not moved yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import rich_click as click

from gateway.canonical.process import PROCESSES, Kind
from gateway.commands.common import installation, json_option, print_json, run
from gateway.commands.rules.sources import (
    IN_FORCE,
    from_folder,
    from_source,
    is_folder,
    is_stored,
    nothing_called,
)
from gateway.errors import ConfigError, NotFound
from gateway.routing.model import Mode
from gateway.routing.ruleset import RuleSet
from gateway.routing.traffic import answer, moves, on_legacy
from gateway.settings import load

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command()
@click.argument("before")
@click.argument("after", required=False, default=IN_FORCE)
@json_option
def diff(before: str, after: str, *, as_json: bool) -> None:
    """Say which traffic moves from where to where if rules BEFORE give way to AFTER.

    Each is a folder of rule files, a stored version, or in-force. What rules are called, how they
    are written and in which file does not count: only requests that are answered otherwise do.
    """
    one, other = _both(before, after)
    found = moves(one, other)
    if as_json:
        print_json({
            "before": one.version, "after": other.version, "moves": [it.as_json() for it in found]
        })  # fmt: skip
        return
    click.echo(f"{one.version} -> {other.version}")
    if not found:
        click.echo("nothing moves")
    for move in found:
        click.echo(str(move))


@click.command()
@click.argument("source", required=False, default=IN_FORCE)
@json_option
def left(source: str, *, as_json: bool) -> None:
    """List every process, and every follow-up, that the legacy ERP still serves.

    SOURCE is a folder of rule files, a stored version, or in-force. Follow-ups go where their
    object is, so they are on legacy as long as it owns any: owners are counted where an
    installation is asked.
    """
    rows, version = run(_left(source))
    if as_json:
        print_json({"version": version, "left": rows})
        return
    click.echo(f"rules {version}")
    for row in rows:
        click.echo(f"{row['process']}: {row['what']}")
        for where in row["where"]:
            click.echo(f"  {where['answer']}: {where['when']} ({where['rule']})")
    if not rows:
        click.echo("nothing is left on the legacy ERP")


def _both(before: str, after: str) -> tuple[RuleSet, RuleSet]:
    if _are_files(before, after):
        return from_folder(before).rule_set, from_folder(after).rule_set
    return run(_stored(before, after))


def _are_files(*sources: str) -> bool:
    """Say whether no installation has to be asked; raise if there is none to ask."""
    missing = [it for it in sources if not is_stored(it) and not is_folder(it)]
    if missing:
        try:
            load()
        except ConfigError:
            raise NotFound(nothing_called(missing[0])) from None
    return not missing and not any(map(is_stored, sources))


async def _stored(before: str, after: str) -> tuple[RuleSet, RuleSet]:
    async with installation() as parts:
        one, other = [await from_source(parts, it) for it in (before, after)]
        return one.rule_set, other.rule_set


async def _left(source: str) -> tuple[list[dict[str, Any]], str]:
    if _are_files(source):
        rules = from_folder(source).rule_set
        return _rows(rules, None), rules.version
    async with installation() as parts:
        rules = (await from_source(parts, source)).rule_set
        return _rows(rules, await parts.ledger.owned_by("legacy")), rules.version


def _rows(rules: RuleSet, owned: int | None) -> list[dict[str, Any]]:
    """Return a row for each process with anything left; ``owned`` are objects legacy owns."""
    rows: list[dict[str, Any]] = []
    for process in PROCESSES.values():
        pieces = on_legacy(rules, process.name)
        where = [
            {
                "when": it.region.described(), "matches": it.region.as_json(),
                "answer": answer(it.rule), "rule": it.rule.rule_id,
            }
            for it in pieces
        ]  # fmt: skip
        if process.kind is not Kind.FOLLOW_UP:
            if where:
                modes = _modes([it.rule.mode for it in pieces])
                rows.append({"process": process.name, "what": modes, "where": where})
        elif owned != 0:
            counted = "as long as it owns any object" if owned is None else f"{owned:,} objects"
            what = f"follow-up: goes to the owner, legacy for {counted}"
            rows.append({"process": process.name, "what": what, "where": where, "owned": owned})
    return rows


def _modes(modes: Sequence[Mode]) -> str:
    counts = {mode: modes.count(mode) for mode in dict.fromkeys(modes)}
    return ", ".join(f"{count} x {mode}" for mode, count in counts.items())


COMMANDS: Final = (diff, left)
