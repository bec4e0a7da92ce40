"""What the commands share: options, output, opening the rule book without the ERPs."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

if TYPE_CHECKING:
    from gateway.wiring import Parts

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
by_option = click.option(
    "--by",
    default=getpass.getuser,
    show_default="your login",
    help="Who does this, for the record.",
)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return asyncio.run(work)


@asynccontextmanager
async def installation() -> AsyncIterator[Parts]:
    """Open the configured installation.

    What it takes (SQL, HTTP, Redis) is imported here: checking rules must not pay for it.
    """
    from gateway.settings import load
    from gateway.wiring import opened

    async with opened(load()) as parts:
        yield parts


def print_json(value: object) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))
