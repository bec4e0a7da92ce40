"""Every command of ``coexist``, from the tree that parses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from gateway.commands.pages.markdown import page, table

_INTRO: Final = (
    "Every command finds its installation by the [configuration](configuration.md). Those that "
    "print tables print JSON with `--json`. Exit codes: 0 done; 1 the answer is no (problems "
    "found, audit failed, flip refused); 2 the call or the configuration is wrong; 75 try again "
    "later (store or ledger do not answer)."
)


def command_line(root: click.Command) -> str:
    """Return the page about ``root`` and all below it; hidden commands are left out."""
    parts = [_INTRO]
    for path, command in _commands("coexist", root):
        parts += _section(path, command)
    return page("Command line", parts)


def _commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Walk the tree in the order of names, groups before what they hold."""
    if path != "coexist":
        yield path, command
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            if not command.commands[name].hidden:
                yield from _commands(f"{path} {name}", command.commands[name])


def _section(path: str, command: click.Command) -> Iterator[str]:
    yield f"## `{path}`"
    yield _help(command)
    if isinstance(command, click.Group) and not command.invoke_without_command:
        return
    context = click.Context(command, info_name=path)
    pieces = command.collect_usage_pieces(context)
    yield f"```\n{' '.join([path, *pieces])}\n```"
    options = [
        _row(option, context)
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
    ]
    if options:
        yield table(("option", "default", "meaning"), options)


def _help(command: click.Command) -> str:
    paragraphs = (command.help or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _row(option: click.Option, context: click.Context) -> tuple[str, str, str]:
    names = ", ".join(f"`{name}`" for name in option.opts)
    if not option.is_flag:
        names += f" {option.make_metavar(context)}"
    return names, _default(option, context), option.help or ""


def _default(option: click.Option, context: click.Context) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    if option.is_flag:
        return "off"
    default = option.get_default(context, call=False)
    if not option.show_default or default is None:
        return "none"
    return f"`{default}`"
