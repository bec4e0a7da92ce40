"""How instants and amounts are written."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal


def stamp(at: datetime) -> str:
    """An instant as the API writes it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def whole(at: datetime) -> str:
    """An instant in whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text(amount: Decimal) -> str:
    """Two decimal places, never an exponent."""
    return f"{amount:.2f}"
