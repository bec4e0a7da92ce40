"""For migration leads: check, explain, apply, roll back, look back."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from gateway.canonical.envelope import Marker
from gateway.canonical.process import PROCESSES
from gateway.canonical.staff import Action
from gateway.commands.common import acting, by_option, installation, json_option, print_json, run
from gateway.errors import ConfigError, NotFound, PublishError, RulesError
from gateway.flow.publish import Publisher, Step
from gateway.routing.compile import Compiled, compile_rules
from gateway.routing.explain import Explanation
from gateway.routing.explain import explain as explained
from gateway.routing.facts import Facts
from gateway.routing.loader import load as load_rules
from gateway.routing.model import Vocabulary
from gateway.routing.ruleset import RuleSet
from gateway.settings import Settings, load

if TYPE_CHECKING:
    from gateway.wiring import Parts

directory_argument = click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), required=False
)


@click.group()
def rules() -> None:
    """Routing rules: which ERP serves which process, wave by wave."""


@rules.command()
@directory_argument
@json_option
def check(directory: Path | None, *, as_json: bool) -> None:
    """Check all rules of DIRECTORY; list every problem with file, line and remedy."""
    try:
        found = _load(directory)
    except RulesError as error:
        if not as_json:
            raise
        problems = [
            {"file": p.file, "line": p.line, "column": p.column, "key": p.key,
             "problem": p.problem, "remedy": p.remedy}
            for p in error.problems
        ]  # fmt: skip
        print_json({"ok": False, "problems": problems})
        sys.exit(1)
    if as_json:
        print_json(
            {"ok": True, "version": found.version, "rules": len(found.rules), "problems": []}
        )
    else:
        click.echo(f"{len(found.rules)} rules in {len(found.waves)} wave(s), no problems")
        click.echo(f"version {found.version}")


@rules.command()
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
        explanation = run(_explain_transaction(transaction))
    elif process is None:
        raise click.UsageError("name a PROCESS, or a recorded one with --transaction ID")
    else:
        asked = _facts(process, facts)
        compiled = compile_rules(_load(directory)) if directory else run(_in_force())
        explanation = explained(compiled, asked)
    if as_json:
        print_json(explanation.as_json())
    else:
        click.echo(explanation.as_text())


@rules.command()
@directory_argument
@by_option
@click.option("--note", default="", help="Why, for the history.")
@click.option("--resume", is_flag=True, help="Finish a flip that was interrupted.")
@json_option
def apply(directory: Path | None, by: str, note: str, *, resume: bool, as_json: bool) -> None:
    """Bring the rules of DIRECTORY into force on every gateway process.

    When this returns, no later request is decided by older rules.
    """
    wanted = None if resume else _load(directory)
    marker = run(_apply(wanted, by, note, quiet=as_json))
    _print_marker(marker, "in force", as_json=as_json)


@rules.command()
@by_option
@click.option("--note", default="", help="Why, for the history.")
@json_option
def rollback(by: str, note: str, *, as_json: bool) -> None:
    """Bring back the rules that were in force before the present ones.

    What was booked stays where it is: follow-ups go on to the ERP that owns the object.
    """
    marker = run(_rollback(by, note, quiet=as_json))
    _print_marker(marker, "back in force", as_json=as_json)


@rules.command()
@click.option("--count", default=20, show_default=True, help="How many lines.")
@json_option
def history(count: int, *, as_json: bool) -> None:
    """List flips, the newest first, and what is in force."""
    run(_history(count, as_json=as_json))


def _load(directory: Path | None) -> RuleSet:
    """Load rule files; with a configuration, names must be ones it knows."""
    try:
        settings = load()
    except ConfigError:
        if directory is None:
            raise
        return load_rules(directory)
    return load_rules(directory or settings.rules_dir, vocabulary(settings))


def vocabulary(settings: Settings) -> Vocabulary:
    """Return the names that rules may use."""
    return Vocabulary(
        channels=frozenset(settings.channels),
        legal_entities=frozenset(settings.legal_entities),
        stores=frozenset(settings.stores) or None,
    )


def _facts(process: str, pairs: tuple[str, ...]) -> Facts:
    if process not in PROCESSES:
        raise click.UsageError(f"unknown process {process!r}; known are {', '.join(PROCESSES)}")
    values = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or name not in Facts._fields or name == "process":
            known = ", ".join(Facts._fields[1:])
            raise click.UsageError(f"{pair!r} is not a fact; write name=value with one of {known}")
        values[name] = value
    return Facts(process, **values)


def publisher(parts: Parts) -> Publisher:
    """Return what flips the rules of an installation."""
    settings = parts.settings
    return Publisher(
        parts.book, parts.ledger, parts.clock, settings.partitions, settings.rule_lease_ms
    )


async def _apply(wanted: RuleSet | None, by: str, note: str, *, quiet: bool) -> Marker:
    async with installation() as parts:
        subject = "the open flip" if wanted is None else wanted.version
        staff = acting(parts.settings, by)
        await parts.auditor.record(staff, Action.RULES_APPLY, subject, note)
        if wanted is None:
            return await publisher(parts).resume(by, _progress(quiet=quiet))
        return await publisher(parts).apply(wanted, by, note, _progress(quiet=quiet))


async def _rollback(by: str, note: str, *, quiet: bool) -> Marker:
    async with installation() as parts:
        subject = (await parts.book.publication()).marker.version
        staff = acting(parts.settings, by)
        await parts.auditor.record(staff, Action.RULES_ROLLBACK, subject, note)
        return await publisher(parts).rollback(by, note, _progress(quiet=quiet))


class _progress:  # noqa: N801 -- used as a function
    """Prints the steps of a flip, one line each, when they are complete."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._last: Step | None = None

    def __call__(self, step: Step) -> None:
        if not self._quiet and step.done == step.total and step != self._last:
            click.echo(f"  {step.doing}: {step.done} of {step.total}", err=True)
        self._last = step


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


async def _history(count: int, *, as_json: bool) -> None:
    async with installation() as parts:
        publication = await parts.book.publication()
        lines = await parts.ledger.history(count)
    if as_json:
        print_json({
            "in_force": {
                "epoch": publication.marker.epoch, "version": publication.marker.version
            },
            "open": None if publication.pending is None else {
                "epoch": publication.pending.epoch, "version": publication.pending.version,
                "by": publication.by,
            },
            "history": [
                {"epoch": it.epoch, "version": it.version, "kind": it.kind, "by": it.by,
                 "note": it.note, "at": it.at.isoformat()}
                for it in lines
            ],
        })  # fmt: skip
        return
    if not lines:
        click.echo("no rules were ever applied; run `coexist rules apply`")
    for it in lines:
        here = "*" if it.epoch == publication.marker.epoch else " "
        click.echo(f"{here} {it.epoch:>4} {it.version} {it.kind:<8} {it.at:%Y-%m-%d %H:%M:%S} "
                   f"{it.by}  {it.note}")  # fmt: skip
    if publication.pending is not None:
        click.echo(
            f"  {publication.pending.epoch:>4} {publication.pending.version} is being applied by "
            f"{publication.by}"
        )


def _print_marker(marker: Marker, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"epoch": marker.epoch, "version": marker.version})
    else:
        click.echo(f"rule version {marker.version} is {what}, as epoch {marker.epoch}")
