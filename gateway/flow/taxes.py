"""Taxes: asked of the engine beside the message, once for each content.

What is asked is named by its content, so a message that comes back, or is corrected to the same,
finds the answer; an answer is kept for a quarter of an hour and then asked for again.
"""

from __future__ import annotations

from hashlib import blake2b

from gateway.canonical.outcome import Delayed, Refused
from gateway.canonical.taxation import TaxQuestion, TaxQuoted
from gateway.clock import Clock
from gateway.flow.errands import Errands
from gateway.ports import TaxEngine


class TaxDesk:
    """Asks one engine for all orders of a process."""

    def __init__(self, engine: TaxEngine, clock: Clock) -> None:
        self._engine = engine
        self._errands: Errands[TaxQuoted | Refused] = Errands("the tax engine", clock)

    async def quote(self, question: TaxQuestion) -> TaxQuoted | Refused | Delayed:
        """Return what the engine calculates, or a delay while it does not say."""
        key = blake2b(repr(question).encode(), digest_size=16).hexdigest()
        found = await self._errands.answer(key, lambda: self._engine.quote(question))
        if isinstance(found, Refused):
            self._errands.forget(key)
        return found

    async def close(self) -> None:
        """Drop what is under way."""
        await self._errands.close()
        await self._engine.close()
