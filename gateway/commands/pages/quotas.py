"""The limits a configuration may name, from the files of :mod:`gateway.settings.quota`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.commands.pages.markdown import page, table
from gateway.settings.quota import Profile, profiles

_INTRO: Final = (
    "What ERPs and marketplaces publish of their limits, by name: `quota: {profile: NAME}`. Any "
    "key of [the configuration](configuration.md) given besides replaces the profile's. Without a "
    "name the legacy ERP has `legacy-4-sessions` and the cloud ERP `business-central`. Figures "
    "change: the sources say where to look. [How quotas work](../explanation/quotas.md)."
)


def quotas() -> str:
    """Return the page."""
    return page("Quota profiles", [_INTRO, *_parts()])


def _parts() -> Iterator[str]:
    for it in profiles().values():
        yield f"## `{it.profile}`"
        yield f"{it.system}. {it.notes}"
        yield table(("key", "value"), _rows(it))
        yield "\n".join(
            f"- <{url}>" if url.startswith("http") else f"- {url}" for url in it.sources
        )


def _rows(it: Profile) -> Iterator[tuple[str, str]]:
    windows = "; ".join(f"{w.calls_max:,} in {w.window_s:g} s" for w in it.windows)
    yield "`windows`", windows or "none published"
    yield "`concurrent_max`", str(it.concurrent_max)
    if it.queue_use:
        yield "`queue_use`", str(it.queue_use)
    if it.read:
        yield "`read`", f"{it.read:g}"
    if it.read_places:
        yield "`read_places`", str(it.read_places)
    if it.costs:
        yield "`costs`", ", ".join(f"{kind} {cost}" for kind, cost in it.costs.items())
    if it.adaptive:
        bounds = it.adaptive
        yield "`adaptive`", f"from {bounds.first}, between {bounds.least} and {bounds.most}"
