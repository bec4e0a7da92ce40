"""What the channels that sell by themselves have sold so far, by their own books: for the view.

Books are read as they grow. What was undone before the gateway could hear of it is left out, as the
audit leaves it out; the figures of the audit itself come when a channel is settled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from loadtests.channels.answers import books_of, sold_by
from loadtests.channels.port import Entry, Source
from loadtests.errors import LoadTestError


@dataclass(slots=True)
class _Channel:
    """Its books as far as they were read, and how many messages for an ERP they hold."""

    books: list[Entry] = field(default_factory=list)
    sold: int = 0


class Sales:
    """Messages sold by channel. ``url`` says where a channel is, or raises KeyError before it is.

    One thread may read while another settles.
    """

    def __init__(self, sources: Iterable[Source], url: Callable[[Source], str]) -> None:
        self._sources = list(sources)
        self._url = url
        self._channels = {it.name: _Channel() for it in self._sources}
        self._settled: dict[str, int] = {}

    def read(self) -> Mapping[str, int]:
        """Take in what was sold since the last time; who does not answer keeps its last figure."""
        for source in self._sources:
            if source.name not in self._settled:
                self._follow(source, self._channels[source.name])
        return {name: it.sold for name, it in self._channels.items()} | self._settled

    def settle(self, name: str, sold: int) -> None:
        """Nothing more comes of a channel: so much is what the audit judges."""
        self._settled[name] = sold

    def _follow(self, source: Source, channel: _Channel) -> None:
        try:
            last = int(channel.books[-1]["sequence"]) if channel.books else 0
            if news := books_of(self._url(source), after=last):
                channel.books += news
                channel.sold = sum(not it.undone for it in sold_by(source, channel.books))
        except (LoadTestError, KeyError):
            return  # killed, not started yet, or amid an entry: the next look tells
