"""What a channel sold, with what the gateway says became of it: entries of a journal.

The gateway is asked for each order's transactions, as the channel may. When it accepted one is its
own word; it cannot be before the channel sold it, and rules are judged by that span.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from loadtests.channels.port import Entry, Gateway, Sold, Source
from loadtests.channels.web import Web
from loadtests.errors import BadFile
from loadtests.journal import MessageEntry
from loadtests.messages import AUTHORISATION, ORDER, SALE, Message


@dataclass(frozen=True, slots=True)
class Clocks:
    """One moment on the wall clock and on the monotonic one, which a journal counts by."""

    wall: datetime
    monotonic_s: float

    @classmethod
    def now(cls) -> Clocks:
        """Both clocks of this machine."""
        return cls(datetime.now(UTC), time.monotonic())

    def monotonic(self, at: datetime) -> float:
        """Return an instant in monotonic seconds."""
        return self.monotonic_s - (self.wall - at).total_seconds()


def books_of(url: str, after: int = 0) -> list[Entry]:
    """Read a channel's books from behind entry ``after`` on. Raises LoadTestError."""
    with Web(url) as simulator:
        entries: list[Entry] = simulator.get(f"/control/books?after={after}")["documents"]
        return entries


def sold_by(source: Source, books: Sequence[Entry]) -> list[Sold]:
    """Return what the books say was sold; raises BadFile if they are none."""
    try:
        return source.sold(books)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise BadFile(f"books of {source.name}", "", f"cannot be read: {error!r}") from error


class Answers:
    """Asks one gateway process, as one channel, what became of its messages."""

    def __init__(self, at: Gateway) -> None:
        self._gateway = at.url
        self._key = at.key
        self._known: dict[tuple[str, str], Mapping[str, Any]] = {}

    def missing(self, sold: Iterable[Sold]) -> list[Sold]:
        """Ask for all that was not known when last asked; return what is not known yet.

        Raises LoadTestError if the gateway does not answer.
        """
        missing = [it for it in sold if not self._is_known(it)]
        asked = {it.message.object_reference for it in missing if it.message.process != SALE}
        with Web(self._gateway, {"Authorization": f"Bearer {self._key}"}) as gateway:
            for order in sorted(asked):
                answer = gateway.get(f"/v1/orders/{quote(order, safe='')}", unknown=True)
                for one in answer.get("transactions", ()):
                    self._known[one["process"], one["reference"]] = one
        missing = [it for it in missing if not it.message.optional or self._has_to_end(it.message)]
        return [it for it in missing if not self._is_known(it) and self._is_due(it)]

    def entries(self, sold: Iterable[Sold], clocks: Clocks) -> list[MessageEntry]:
        """Return an entry for each message; ``unknown`` if nobody says that it was taken.

        What was undone before the gateway heard of it is left out.
        """
        return [self._entry(it, clocks) for it in sold if self._is_due(it)]

    def _has_to_end(self, message: Message) -> bool:
        """Say whether the gateway expects what was given up, so that it has to hear of it."""
        name = message.return_reference
        expected = (
            reference
            for process, reference in self._known
            if process == AUTHORISATION and reference != message.reference
        )
        return message.withdrawn and any(f"{it}-".startswith(f"{name}-") for it in expected)

    def _is_known(self, sold: Sold) -> bool:
        return bool(sold.transaction_id) or _name(sold) in self._known

    def _is_due(self, sold: Sold) -> bool:
        return not sold.undone or (ORDER, sold.message.object_reference) in self._known

    def _entry(self, sold: Sold, clocks: Clocks) -> MessageEntry:
        message, sent = sold.message, clocks.monotonic(sold.at)
        transaction_id, told = sold.transaction_id, sold.told
        if known := self._known.get(_name(sold)):
            transaction_id = known["transaction_id"]
            told = datetime.fromisoformat(known["accepted_at"])
        return MessageEntry(
            message=message,
            request=f"{message.channel}/{message.reference}",
            intended=sent,
            sent=sent,
            answered=max(sent, clocks.monotonic(told)) if told else None,
            answered_wall=told.isoformat() if told else None,
            attempts=0,  # the driver did not send it
            gateway=self._gateway,
            status=0,
            state="accepted" if transaction_id else "unknown",
            transaction_id=transaction_id,
        )


def _name(sold: Sold) -> tuple[str, str]:
    return sold.message.process, sold.message.reference
