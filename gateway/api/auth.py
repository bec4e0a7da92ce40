"""Who calls, and whether they may: API key → channel → scope.

Keys arrive as ``Authorization: Bearer <key>`` or ``X-API-Key: <key>``. Only their SHA-256 is
configured; a lookup by that hash says nothing about how much of a wrong key was right. Keys are
never logged and never repeated in an answer.

Controllers call :func:`admit` first instead of using Litestar's guards: Litestar 2.25 copies the
whole route handler for each guard it runs (10 µs of the 26 µs an empty request costs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from gateway.api.services import AnyRequest, Services, Terms, services_of
from gateway.errors import ConfigError, Forbidden, Unauthenticated

_HOW = "send 'Authorization: Bearer <api key>' or 'X-API-Key: <api key>'"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as its key shows it; ``legal_entities`` are those it may name, at least one."""

    name: str
    scopes: frozenset[str]
    legal_entities: tuple[str, ...]

    @property
    def only_entity(self) -> str:
        """The one entity it may name, or "" if there are several."""
        return self.legal_entities[0] if len(self.legal_entities) == 1 else ""


@dataclass(frozen=True, slots=True)
class Call:
    """An admitted request: who sends it, its headers by lower-case name, and what serves it."""

    request: AnyRequest
    headers: dict[bytes, bytes]
    channel: Channel
    services: Services


class Keys:
    """The channels by the hash of their keys."""

    def __init__(self, settings: Terms) -> None:
        self._channels: dict[str, Channel] = {}
        for name, terms in settings.channels.items():
            entities = terms.legal_entities or tuple(settings.legal_entities)
            channel = Channel(name, frozenset(terms.scopes), entities)
            for digest in terms.key_sha256:
                known = self._channels.setdefault(digest.lower(), channel)
                if known is not channel:
                    raise ConfigError(
                        f"channels.{name}.key_sha256: {digest[:8]}… is also a key of channel "
                        f"{known.name}; give each channel its own keys"
                    )

    def channel_of(self, headers: Mapping[bytes, bytes]) -> Channel:
        """Return the channel that owns the key sent; raise :class:`Unauthenticated`."""
        channel = self._channels.get(sha256(_key_of(headers)).hexdigest())
        if channel is None:
            raise Unauthenticated(
                "the API key belongs to no channel; check it, or ask the operator for a new one"
            )
        return channel


def admit(request: AnyRequest, *scopes: str) -> Call:
    """Return the call if its channel has one of ``scopes`` (any channel if none is named).

    Raises:
        Unauthenticated: no key, or a key nobody owns.
        Forbidden: the channel lacks the scope.
    """
    headers = dict(request.scope["headers"])
    keys: Keys = request.app.state["keys"]
    channel = keys.channel_of(headers)
    if scopes and channel.scopes.isdisjoint(scopes):
        raise Forbidden(
            f"channel '{channel.name}' may not use this: it needs scope {_either(scopes)} and has "
            f"{_either(sorted(channel.scopes), 'and')}; ask the operator for the scope"
        )
    return Call(request, headers, channel, services_of(request))


def _key_of(headers: Mapping[bytes, bytes]) -> bytes:
    authorization = headers.get(b"authorization")
    if authorization is not None:
        scheme, _, key = authorization.partition(b" ")
        if scheme.lower() == b"bearer":
            return key.strip()
    key = headers.get(b"x-api-key", b"")
    if key:
        return key
    if authorization is None:
        raise Unauthenticated(f"no API key was sent; {_HOW}")
    raise Unauthenticated(f"this Authorization scheme is not understood; {_HOW}")


def _either(names: tuple[str, ...] | list[str], word: str = "or") -> str:
    return f" {word} ".join(f"'{name}'" for name in names) or "none"
