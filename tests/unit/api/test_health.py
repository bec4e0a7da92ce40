from __future__ import annotations

import asyncio

import pytest
import structlog
from litestar.testing import AsyncTestClient

from gateway.api import health
from gateway.api.edge import Gateway
from gateway.errors import InstallationMismatch, LedgerUnavailable, StoreUnavailable
from tests.unit.api.world import World, sent_by

Client = AsyncTestClient[Gateway]

pytestmark = pytest.mark.anyio


async def test_a_process_is_alive_whatever_else_is_down(world: World, client: Client) -> None:
    world.buffer.failure = StoreUnavailable("down")
    world.health["store"] = world.buffer.progress  # type: ignore[assignment]  # -- never called
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_a_process_is_ready_if_all_it_needs_answers(client: Client) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"store": "ok", "ledger": "ok", "rules": "ok"},
    }


async def test_what_does_not_answer_is_named_and_its_reason_only_logged(
    world: World, client: Client
) -> None:
    async def no_ledger() -> None:
        raise LedgerUnavailable("postgresql at 10.0.0.5 refused")

    async def other_installation() -> None:
        raise InstallationMismatch("store of 16 partitions, settings of 32")

    world.health["ledger"] = no_ledger
    world.health["rules"] = other_installation
    with structlog.testing.capture_logs() as logs:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:coexist:problem:not-ready",
        "title": "Not ready",
        "status": 503,
        "detail": "ledger and rules cannot be reached; ask again",
        "instance": "/readyz",
        "checks": {"store": "ok", "ledger": "unavailable", "rules": "unavailable"},
    }
    assert [(log["check"], log["detail"]) for log in logs] == [
        ("ledger", "postgresql at 10.0.0.5 refused"),
        ("rules", "store of 16 partitions, settings of 32"),
    ]


async def test_a_check_that_hangs_counts_as_failed(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_S_MAX", 0.01)
    world.health["store"] = asyncio.Event().wait
    answer = await client.get("/readyz")
    assert answer.json()["checks"] == {"store": "unavailable", "ledger": "ok", "rules": "ok"}


async def test_figures_are_for_ops(client: Client) -> None:
    answer = await client.get("/metrics", headers=sent_by("ops"))
    assert (answer.status_code, answer.text) == (200, "coexist_up 1\n")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert (await client.get("/metrics")).status_code == 401
    assert (await client.get("/metrics", headers=sent_by("webshop"))).status_code == 403
