"""Rules by folder or by version: what commands that compare rules take."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from gateway.clock import SystemClock
from gateway.commands.rules.common import load_directory
from gateway.errors import NotFound
from gateway.routing.compile import Compiled, compile_rules

if TYPE_CHECKING:
    from gateway.wiring import Parts

#: What stands for the version in force.
IN_FORCE: Final = "in-force"

_VERSION: Final = re.compile(r"[0-9a-f]{12}")
_AGO: Final = re.compile(r"([0-9]+)(m|h|d)")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def is_stored(source: str) -> bool:
    """Say whether a source is asked of the installation: a version, or what is in force."""
    if source == IN_FORCE:
        return True
    return _VERSION.fullmatch(source) is not None and not Path(source).is_dir()


def from_folder(source: str) -> Compiled:
    """Load and compile a folder of rule files."""
    return compile_rules(load_directory(Path(source)))


async def from_source(parts: Parts, source: str) -> Compiled:
    """Return the rules a source names; raises NotFound for a version nobody stored."""
    if not is_stored(source):
        return from_folder(source)
    version = source
    if source == IN_FORCE:
        version = (await parts.book.publication()).marker.version
        if not version:
            raise NotFound("no rules are in force yet; run `coexist rules apply`")
    elif await parts.book.text(version) is None and await parts.ledger.rules(version) is None:
        raise NotFound(
            f"rule version {version} is not stored here; `coexist rules history` lists versions, "
            "or name a folder of rule files"
        )
    return await parts.versions.compiled(version)


class Moment(click.ParamType):  # type: ignore[type-arg]  # -- not generic in older releases
    """A point in time: ``now``, ``7d``, ``12h``, ``30m`` ago, a day, or an instant (ISO 8601)."""

    name = "TIME"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read it; a time without an offset is UTC."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        ago = _AGO.fullmatch(text)
        now = SystemClock().now()
        if ago is not None:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            found = now if text == "now" else datetime.fromisoformat(text)
        except ValueError:
            self.fail(
                f"{text!r} is no time; write 7d, 12h or 30m ago, a day (2026-11-21) or an instant",
                param,
                ctx,
            )
        return found if found.tzinfo else found.replace(tzinfo=UTC)


MOMENT: Final = Moment()
