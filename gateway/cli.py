"""One command tree, ``coexist``, for every role.

Exit codes: 0 done, 1 the answer is no (problems found, audit failed, flip refused), 2 the call or
the configuration is wrong, 75 try again later (store or ledger do not answer).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Final

import rich_click as click

from gateway import __version__
from gateway.errors import CoexistError, InputError, RulesError

#: Commands by the module of ``gateway.commands`` they are in.
MODULES: Final[dict[str, tuple[str, ...]]] = {
    "demo": ("demo", "load", "bench"),
    "setup": ("init", "config", "keys", "status", "stop-store"),
    "processes": ("up", "serve", "work", "simulate"),
    "rules": ("rules",),
    "wave": ("wave",),
    "exceptions": ("exceptions",),
    "quota": ("quota",),
    "peak": ("peak",),
    "recover": ("recover",),
    "audit": ("audit",),
    "owner": ("owner",),
    "shadow": ("shadow",),
    "calendar": ("calendar",),
    "reconcile": ("reconcile",),
    "settlements": ("settlements",),
    "poslog": ("poslog",),
    "pulls": ("pulls",),
    "drift": ("drift",),
    "stores": ("stores",),
    "xref": ("xref",),
    "reference": ("reference",),
}


class Commands(MutableMapping[str, click.Command]):
    """The commands by name, each imported when it is asked for.

    What they need (SQL, HTTP, Redis) takes over a second to import, which ``rules check`` in an
    editor, or a script that calls many commands, must not pay each time.
    """

    def __init__(self) -> None:
        self._modules = {name: module for module, names in MODULES.items() for name in names}
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            module = import_module(f"gateway.commands.{self._modules[name]}")
            self._loaded[name] = getattr(module, name.replace("-", "_"))
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._modules.setdefault(name, "")
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._modules[name]
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coexist")
def coexist() -> None:
    """A gateway between channels and two ERPs, while business moves from one to the other."""


coexist.commands = Commands()  # only now: the group looks at each command it is made with


def main() -> None:
    """Run the command line; every known error is one clear text and an exit code."""
    try:
        coexist(prog_name="coexist")
    except RulesError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        click.echo(f"{len(error.problems)} problem(s) in {error.what}", err=True)
        sys.exit(error.exit_code)
    except CoexistError as error:
        click.echo(f"coexist: {error}", err=True)
        for wrong in error.errors if isinstance(error, InputError) else ():
            click.echo(f"  {wrong.pointer or '(the whole)'}: {wrong.detail}", err=True)
        sys.exit(error.exit_code)
