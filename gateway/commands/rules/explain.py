"""Where a request goes, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import rich_click as click

from gateway.canonical.process import PROCESSES
from gateway.commands.common import installation, json_option, print_json, run
from gateway.commands.rules.common import load_directory, vocabulary
from gateway.errors import ConfigError, NotFound, PublishError
from gateway.routing.compile import Compiled, compile_rules
from gateway.routing.explain import Explanation
from gateway.routing.explain import explain as explained
from gateway.routing.facts import Facts
from gateway.routing.sheet import did_you_mean
from gateway.settings import load


@click.command()
@click.argument("process", required=False)
@click.argument("facts", nargs=-1)
@click.option("--rules", "directory", type=click.Path(path_type=Path), help="Explain these files.")
@click.option("--transaction", help="Explain a recorded transaction by its id.")
@json_option
def explain(
    process: str | None,
    facts: tuple[str, ...],
    directory: Path | None,
    transaction: str | None,
    *,
    as_json: bool,
) -> None:
    """Say where a request goes and why: PROCESS and FACTS such as channel=webshop.

    Without --rules the rules in force are asked.
    """
    if transaction is not None:
        if process is not None or directory is not None:
            raise click.UsageError("--transaction ID is explained as it was decided; name no more")
        explanation = run(_explain_transaction(transaction))
    elif process is None:
        raise click.UsageError("name a PROCESS, or a recorded one with --transaction ID")
    else:
        asked = _facts(process, facts)
        compiled = compile_rules(load_directory(directory)) if directory else run(_in_force())
        explanation = explained(compiled, asked)
        for hint in _hints(asked):
            click.echo(hint, err=True)
    if as_json:
        print_json(explanation.as_json())
    else:
        click.echo(explanation.as_text())


def _facts(process: str, pairs: tuple[str, ...]) -> Facts:
    if process not in PROCESSES:
        raise click.UsageError(f"unknown process {process!r}; known are {', '.join(PROCESSES)}")
    values = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or name not in Facts._fields or name == "process":
            known = ", ".join(Facts._fields[1:])
            raise click.UsageError(f"{pair!r} is not a fact; write name=value with one of {known}")
        if name == "business_date" and not _is_day(value):
            raise click.UsageError(f"{pair!r} is no day; write business_date=2026-11-21")
        values[name] = value
    return Facts(process, **values)


def _hints(facts: Facts) -> list[str]:
    """Say which values this installation does not have: no request of its channels has them."""
    try:
        known = vocabulary(load())
    except ConfigError:
        return []
    hints = []
    for name, value in facts._asdict().items():
        names = known.known(name)
        if value and names is not None and value not in names:
            remedy = did_you_mean(value, sorted(names))
            hints.append(f"note: {name} '{value}' is not configured here; {remedy}")
    return hints


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


async def _in_force() -> Compiled:
    async with installation() as parts:
        publication = await parts.book.publication()
        if not publication.marker.version:
            raise PublishError("no rules are in force yet; run `coexist rules apply`")
        return await parts.versions.compiled(publication.marker.version)


async def _explain_transaction(transaction_id: str) -> Explanation:
    async with installation() as parts:
        progress = await parts.intake.progress(transaction_id)
        if progress is not None:
            facts: Mapping[str, str] = progress.envelope.facts
            version = progress.envelope.rule_version
        else:
            record = await parts.ledger.transaction(transaction_id)
            if record is None:
                raise NotFound(f"no transaction {transaction_id!r} is known; check the id")
            facts, version = record.facts, record.rule_version
        return explained(await parts.versions.compiled(version), Facts(**facts))


COMMANDS: Final = (explain,)
