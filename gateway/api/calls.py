"""A request that was admitted, with all its controller needs in hand.

Controllers call :func:`admit` as their first step instead of using Litestar's guards: Litestar
copies the whole route handler for each guard it runs (measured on 2.25: 10 µs, where an empty
request costs 26 µs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from litestar import Request

from gateway.api.auth import Channel, Keys, require
from gateway.api.checks import Checks
from gateway.api.services import Services

AnyRequest: TypeAlias = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Facade:
    """What all calls share."""

    services: Services
    keys: Keys
    checks: Checks

    @classmethod
    def of(cls, services: Services) -> Facade:
        """Return what calls share; raise :class:`ConfigError` if two channels have one key."""
        checks = Checks(services.settings, services.clock)
        return cls(services, Keys(services.settings), checks)


class Call:
    """An admitted request: its channel, and its headers by lower-case name (the last of each)."""

    __slots__ = ("channel", "checks", "headers", "request", "services")

    def __init__(
        self, request: AnyRequest, headers: dict[bytes, bytes], channel: Channel, facade: Facade
    ) -> None:
        self.request = request
        self.headers = headers
        self.channel = channel
        self.services = facade.services
        self.checks = facade.checks


def facade_of(request: AnyRequest) -> Facade:
    """Return the facade of the application a request came to."""
    facade: Facade = request.scope["litestar_app"].state["facade"]
    return facade


def admit(request: AnyRequest, *scopes: str) -> Call:
    """Return the call if its channel has one of ``scopes`` (any channel if none is named).

    Raises:
        Unauthenticated: no key, or a key nobody owns.
        Forbidden: the channel lacks the scope.
    """
    headers = dict(request.scope["headers"])
    facade = facade_of(request)
    channel = facade.keys.channel_of(headers)
    if scopes:
        require(channel, scopes)
    return Call(request, headers, channel, facade)
