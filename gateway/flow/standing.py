"""How an installation stands: rules in force, backlog, quotas, and who is alive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from gateway.canonical.process import Target
from gateway.ports import Quotas, RuleBook


async def standing(
    book: RuleBook,
    quotas: Quotas,
    erps: Iterable[Target],
    backlog: Callable[[], Awaitable[Mapping[str, int]]],
    workers: Callable[[], Awaitable[int]],
) -> dict[str, Any]:
    """Return it as plain JSON; times are in milliseconds."""
    publication = await book.publication()
    used = {}
    for erp in erps:
        use = await quotas.usage(erp)
        used[erp.value] = {
            "in_flight": use.in_flight,
            "in_window": use.in_window,
            "closed_ms": use.closed_ms,
        }
    return {
        "rules": {
            "epoch": publication.marker.epoch,
            "version": publication.marker.version,
            "open": publication.pending.version if publication.pending else "",
        },
        "backlog": dict(await backlog()),
        "quotas": used,
        "gateways": len(await book.gateways()),
        "workers": await workers(),
    }
