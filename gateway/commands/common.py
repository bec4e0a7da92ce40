"""What the commands share: options, output, opening the rule book without the ERPs."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import rich_click as click

from gateway.errors import RuleProblem

if TYPE_CHECKING:
    from gateway.wiring import Parts

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
by_option = click.option(
    "--by",
    default=getpass.getuser,
    show_default="your login",
    help="Who does this, for the record.",
)


def count_option(text: str) -> Callable[[C], C]:
    """Return the option of a list that says how many lines of it are wanted: 1 or more."""
    return click.option(
        "--count", type=click.IntRange(min=1), default=20, show_default=True, help=text
    )


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return asyncio.run(work)


@asynccontextmanager
async def installation() -> AsyncIterator[Parts]:
    """Open the configured installation.

    What it takes (SQL, HTTP, Redis) is imported here: checking rules must not pay for it.
    """
    from gateway.observe.logs import beside_answers
    from gateway.settings import load
    from gateway.wiring import opened

    beside_answers()

    async with opened(load()) as parts:
        yield parts


def print_json(value: object) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def end_with(problems: Iterable[RuleProblem]) -> NoReturn:
    """Print what is wrong with files, for machines, and end with 1."""
    print_json({"ok": False, "problems": [asdict(it) for it in problems]})
    sys.exit(1)
