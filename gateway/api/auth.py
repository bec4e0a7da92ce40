"""Who calls, and whether they may: API key → channel → scope.

Keys arrive as ``Authorization: Bearer <key>`` or ``X-API-Key: <key>``. Only their SHA-256 is
configured; a lookup by that hash says nothing about how much of a wrong key was right. Keys are
never logged and never repeated in an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from gateway.api.services import Terms
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

    def known(self, key: bytes) -> Channel | None:
        """Return the channel that owns ``key``, if there is one."""
        return self._channels.get(sha256(key).hexdigest())

    def channel_of(self, headers: Mapping[bytes, bytes]) -> Channel:
        """Return the channel that owns the key sent; raise :class:`Unauthenticated`."""
        channel = self.known(key_of(headers))
        if channel is None:
            raise Unauthenticated(
                "the API key belongs to no channel; check it, or ask the operator for a new one"
            )
        return channel


def require(channel: Channel, scopes: Sequence[str]) -> None:
    """Raise :class:`Forbidden` unless the channel has one of ``scopes``."""
    if channel.scopes.isdisjoint(scopes):
        raise Forbidden(
            f"channel '{channel.name}' may not use this: it needs scope {_listed(scopes, 'or')} "
            f"and has {_listed(sorted(channel.scopes), 'and')}; ask the operator for the scope"
        )


def key_of(headers: Mapping[bytes, bytes]) -> bytes:
    """Return the API key sent; raise :class:`Unauthenticated` if there is none."""
    authorization = headers.get(b"authorization")
    if authorization is not None:
        scheme, _, key = authorization.partition(b" ")
        if scheme.lower() == b"bearer" and key.strip():
            return key.strip()
    key = headers.get(b"x-api-key", b"")
    if key:
        return key
    if authorization is None:
        raise Unauthenticated(f"no API key was sent; {_HOW}")
    raise Unauthenticated(f"this Authorization scheme is not understood; {_HOW}")


def _listed(names: Sequence[str], word: str) -> str:
    return f" {word} ".join(f"'{name}'" for name in names) or "none"
