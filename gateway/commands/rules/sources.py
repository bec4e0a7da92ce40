"""Rules by folder or by version: what commands that compare rules take."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
#: Versions named to whoever named one that does not exist.
_VERSIONS_TOLD: Final = 5
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def is_stored(source: str) -> bool:
    """Say whether a source is asked of the installation: a version, or what is in force."""
    if source == IN_FORCE:
        return True
    return _VERSION.fullmatch(source) is not None and not Path(source).is_dir()


def is_folder(source: str) -> bool:
    """Say whether a source is a folder, of rule files or not."""
    return Path(source).is_dir()


def from_folder(source: str) -> Compiled:
    """Load and compile a folder of rule files."""
    return compile_rules(load_directory(Path(source)))


async def from_source(parts: Parts, source: str) -> Compiled:
    """Return the rules a source names; raises NotFound for a version nobody stored."""
    if not is_stored(source):
        if not is_folder(source):
            raise NotFound(nothing_called(source, await _stored(parts)))
        return from_folder(source)
    version = source
    if source == IN_FORCE:
        version = (await parts.book.publication()).marker.version
        if not version:
            raise NotFound("no rules are in force yet; run `coexist rules apply`")
    elif await parts.book.text(version) is None and await parts.ledger.rules(version) is None:
        raise NotFound(nothing_called(source, await _stored(parts)))
    return await parts.versions.compiled(version)


def nothing_called(source: str, stored: Sequence[str] = ()) -> str:
    """Say that nothing has this name, and what has one; ``stored`` are versions, newest first."""
    known = f"; stored here: {', '.join(stored)}" if stored else ""
    return (
        f"{source!r} is neither a folder of rule files nor a rule version that is stored here; "
        f"name a folder, a version, or {IN_FORCE}{known}"
    )


async def _stored(parts: Parts) -> Sequence[str]:
    """Return the versions that were in force last, the newest first."""
    lines = await parts.ledger.history(_VERSIONS_TOLD * 3)
    return list(dict.fromkeys(it.version for it in lines))[:_VERSIONS_TOLD]


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
        try:
            if ago is not None:
                return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            found = now if text == "now" else datetime.fromisoformat(text)
        except (ValueError, OverflowError):  # no time, or one before the year 1
            self.fail(
                f"{text!r} is no time; write 7d, 12h or 30m ago, a day (2026-11-21) or an instant",
                param,
                ctx,
            )
        return found if found.tzinfo else found.replace(tzinfo=UTC)


MOMENT: Final = Moment()
