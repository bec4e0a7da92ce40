"""The Python client of the Selling Partner API, unmodified, pointed at a simulated marketplace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sp_api.auth.access_token_client import cache, grantless_cache
from sp_api.base import Marketplaces

from tests.unit.simulators.markets import RunningMarket


def forget_tokens() -> None:
    """Let no token of another marketplace be used."""
    cache.clear()
    grantless_cache.clear()


def client(kind: Any, of: RunningMarket, **credentials: str) -> Any:
    """A client whose requests go to the simulator: by the transport hook, as DNS would do it."""

    class Redirected(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            there = httpx.URL(of.url)
            request.url = request.url.copy_with(scheme="http", host=there.host, port=there.port)
            return super().handle_request(request)

    options = of.options
    made = kind(
        marketplace=Marketplaces.NL,
        verify=False,  # nothing here is encrypted, and a context of certificates takes long to make
        credentials={
            "refresh_token": options.refresh_token,
            "lwa_app_id": options.client_id,
            "lwa_client_secret": options.client_secret,
            **credentials,
        },
    )
    for speaks in (made, made._auth):
        speaks._transport.close()
        speaks._transport._client = httpx.Client(transport=Redirected(verify=False))
    return made


def close(*clients: Any) -> None:
    """Close their connections."""
    for it in clients:
        it._auth._transport.close()
        it.close()


@contextmanager
def selling(kind: Any, of: RunningMarket) -> Iterator[Any]:
    """A client for as long as the block lasts."""
    forget_tokens()
    made = client(kind, of)
    yield made
    close(made)
    forget_tokens()


def long_ago() -> str:
    """Before anything happened here."""
    return (datetime.now(UTC) - timedelta(days=1)).isoformat()
