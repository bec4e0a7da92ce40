"""Returns of a platform as a poll finds them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.channels import reading
from gateway.channels.drifting import as_text, surprises, whole
from gateway.channels.loop.credit import as_of
from gateway.channels.loop.intake import LoopIntake, Platform
from gateway.channels.loop.wire import drift
from gateway.channels.reading import Payload
from gateway.ports.marketplaces import PullObserver

_text: Final = msgspec.json.Encoder(enc_hook=str).encode


class PolledPlatform:
    """Implements :class:`gateway.channels.polling.Polled`."""

    def __init__(self, platform: Platform, intake: LoopIntake, observer: PullObserver) -> None:
        self.channel = platform.channel
        self._platform = platform
        self._intake = intake
        self._observer = observer

    async def take(self, found: Payload) -> int:
        name = reading.text(found, "id", 40)
        odd = surprises(found, drift(found), name)
        for it in odd:
            self._observer.drifted(self.channel, "return", it)
        if odd:
            self._observer.surprised(self.channel, "return", [whole(name, odd, as_text(found))])
        taken = await self._intake.take(self._platform, found, _text(found).decode())
        return sum(not it.replayed for it in taken)

    def changed_at(self, found: Payload) -> datetime | None:
        return as_of(found)
