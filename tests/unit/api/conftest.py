"""The application over its fakes, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from litestar.testing import AsyncTestClient

from gateway.api.edge import Gateway
from tests.unit.api.world import World, client_of


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def client(world: World, anyio_backend: str) -> AsyncIterator[AsyncTestClient[Gateway]]:
    async with client_of(world) as client:
        yield client
