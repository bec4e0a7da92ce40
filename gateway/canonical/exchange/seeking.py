"""What was taken though nobody could say who owns its object."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.canonical.exchange.delivering import Lease


@dataclass(frozen=True, slots=True)
class Sought:
    """The head of an object whose owner is looked for, since ``waited_ms`` (server's clock)."""

    lease: Lease
    transaction_id: str
    object_key: str
    payload: bytes
    waited_ms: int
