"""Every command can be read by a machine, but for those that have nothing to tell it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from gateway import cli

#: They run until they are stopped, write files, or print what they are made for in its own format.
WITHOUT = {
    "demo", "load run", "bench",  # hand `--json FILE` on
    "up", "serve", "work", "simulate",
    "init", "keys new", "stop-store", "reference", "config",
    "audit export", "settlements rows", "xref export",
}  # fmt: skip


def commands(of: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command with its whole name."""
    if not isinstance(of, click.Group):
        yield " ".join(path), of
        return
    for name, below in of.commands.items():
        yield from commands(below, (*path, name))


def test_every_other_command_has_json() -> None:
    lacking = {
        name
        for name, it in commands(cli.coexist)
        if not any("--json" in option.opts for option in it.params)
    }
    assert lacking == WITHOUT
