"""What the commands about rules share: reading rule files, and what flips them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import rich_click as click

from gateway.canonical.envelope import Marker
from gateway.commands.common import print_json
from gateway.errors import ConfigError
from gateway.routing.loader import load as load_rules
from gateway.routing.model import Vocabulary
from gateway.routing.ruleset import RuleSet
from gateway.settings import Settings, load

directory_argument = click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), required=False
)


def load_directory(directory: Path | None) -> RuleSet:
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


def print_marker(
    marker: Marker, what: str, *, as_json: bool, more: Mapping[str, object] | None = None
) -> None:
    """Say what is in force now; ``more`` is for machines."""
    if as_json:
        print_json({"epoch": marker.epoch, "version": marker.version, **(more or {})})
    else:
        click.echo(f"rule version {marker.version} is {what}, as epoch {marker.epoch}")
