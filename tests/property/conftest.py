"""The machine and the fault tests run against a real Valkey."""

from __future__ import annotations

from tests.valkey import buffer, valkey_url

__all__ = ["buffer", "valkey_url"]
