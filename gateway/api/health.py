"""Whether the process is alive, whether it can work, and how it is doing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog
from litestar import get
from litestar.types import ASGIApp

from gateway.api import describe, views
from gateway.api.answers import NO_STORE, Answer, as_json
from gateway.api.calls import AnyRequest, admit, facade_of
from gateway.api.problems import MEDIA_TYPE, TYPE_PREFIX, encoded, instance_of
from gateway.api.services import Check
from gateway.errors import CoexistError

#: A check that takes longer counts as failed: probes ask every few seconds.
CHECK_S_MAX: Final = 2.0
RETRY_AFTER_S: Final = 2

_log = structlog.get_logger("gateway.api")


@get(
    "/healthz",
    summary="Is the process alive?",
    tags=("health",),
    operation_class=describe.open_read(views.Liveness),
)
async def alive() -> ASGIApp:
    """Answer; nothing else is looked at, so that an outage elsewhere restarts no gateway."""
    return as_json({"status": "alive"}, headers=NO_STORE)


@get(
    "/readyz",
    summary="Can the process take work?",
    tags=("health",),
    operation_class=describe.open_read(views.Readiness, can_fail=True),
)
async def ready(request: AnyRequest) -> ASGIApp:
    """Ask all that a write needs; 503 names what does not answer."""
    health = facade_of(request).services.health
    answers = await asyncio.gather(*(_checked(name, check) for name, check in health.items()))
    checks = dict(zip(health, answers, strict=True))
    if all(state == "ok" for state in checks.values()):
        return as_json({"status": "ready", "checks": checks}, headers=NO_STORE)
    return _not_ready(checks, instance_of(request))


@get(
    "/metrics",
    summary="Figures in Prometheus' text format",
    tags=("health",),
    operation_class=describe.text("Figures in Prometheus' text format, version 0.0.4"),
)
async def metrics(request: AnyRequest) -> ASGIApp:
    """Return the process's figures."""
    call = admit(request, "ops")
    body = call.services.metrics()
    return Answer(200, body, NO_STORE, b"text/plain; version=0.0.4; charset=utf-8")


async def _checked(name: str, check: Check) -> str:
    try:
        await asyncio.wait_for(check(), CHECK_S_MAX)
    except (CoexistError, TimeoutError) as error:
        _log.warning("not-ready", check=name, error=type(error).__name__, detail=str(error))
        return "unavailable"
    return "ok"


def _not_ready(checks: Mapping[str, str], instance: str) -> Answer:
    missing = " and ".join(name for name, state in checks.items() if state != "ok")
    document = {
        "type": f"{TYPE_PREFIX}not-ready",
        "title": "Not ready",
        "status": 503,
        "detail": f"{missing} cannot be reached; ask again",
        "instance": instance,
        "checks": checks,
    }
    headers = [*NO_STORE, (b"retry-after", b"%d" % RETRY_AFTER_S)]
    return Answer(503, encoded(document), headers, MEDIA_TYPE.encode())
