"""The channels that sell by themselves: connected, opened, closed, and what they sold."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

from loadtests.books import ERPS
from loadtests.channels.amazon import GIFT_WRAP, Marketplace
from loadtests.channels.answers import Answers, Clocks, books_of, sold_by
from loadtests.channels.loop import Returns
from loadtests.channels.port import Gateway, Sold, Source
from loadtests.channels.pos import Estate
from loadtests.channels.shopify import Shop
from loadtests.demo import folder as folders
from loadtests.demo.board import Board
from loadtests.demo.control import Control
from loadtests.demo.folder import WorkFolder
from loadtests.demo.gateway import Gateway as Commands
from loadtests.demo.sales import Sales
from loadtests.demo.stage import Stage
from loadtests.events import Channel, Day, EventLog
from loadtests.gaps import Gaps, lost_in, reported_in, wrong_gaps
from loadtests.journal import JournalWriter
from loadtests.messages import AUTHORISATION, RECEIPT, RETURN

#: The stores that move first, and lose their network; and all stores with who books their sales.
FIRST_STORES = ("NL-001", "NL-002", "NL-003")
STORES = {f"NL-{n:03}": "NL01" for n in range(1, 7)} | {f"DE-{n:03}": "DE01" for n in range(1, 5)}
#: The share of all requests each channel sells by itself; the driver has the rest.
SHARES = {"shop-nl": 0.15, "shop-de": 0.10, "pos": 0.25, "amazon-de": 0.15, "returns": 0.05}
DRIVEN = 1 - sum(SHARES.values())
#: What no webhook brought is found by a poll, every few seconds; a busy machine takes its time.
KNOWN_WITHIN_S = 60.0
#: What is booked is in the record within moments.
RECORDED_WITHIN_S = 20.0
LOOK_S = 1.0
#: What a platform is told of only if its webhook was taken.
_OF_RETURNS = frozenset({AUTHORISATION, RECEIPT, RETURN})


class Market:
    """The channels on a stage. ``today`` is the last of the two business days of the stores."""

    def __init__(
        self,
        stage: Stage,
        folder: WorkFolder,
        board: Board,
        log: EventLog,
        commands: Commands,
        today: date,
    ) -> None:
        self._commands = commands
        self._stage = stage
        self._folder = folder
        self._board = board
        self._log = log
        self._today = today
        self._estate = Estate("pos", STORES, self._yesterday)
        shop = Shop("shop-nl", "NL", "NL01", returned_elsewhere=True)
        self.sources: tuple[Source, ...] = (
            shop,
            Returns("returns", shop),
            Shop("shop-de", "DE", "DE01", net=True),
            Marketplace("amazon-de", "DE", "A1PA6795UKMFR9", "DE01"),
            self._estate,
        )
        self._quiet_s = 0.0
        #: What they have sold so far, for the view.
        self.sales = Sales(self.sources, self._url)

    def connect(self) -> None:
        """Tell the gateway of the channels, whose simulators have been started."""
        self._stage.channels_ready()
        for erp in ERPS:
            self._stage.control(erp).create_item(GIFT_WRAP, like="GIFTBOX")
        for source in self.sources:
            folders.connect(self._folder, source.name, source.settings(self._url(source)))

    def open(self, rate_per_s: float) -> None:
        """Let them sell their shares of so many requests a second."""
        for source in self.sources:
            rate = rate_per_s * SHARES[source.name]
            source.open(self._url(source), self._gateway(source), rate)
        self._day(self._yesterday)

    def tills(self, what: str) -> None:
        """Do to the stores what a step says."""
        url = self._url(self._estate)
        if what == "cut off":
            self._estate.cut_off(url, FIRST_STORES)
        elif what == "day ends":
            self._estate.end_day(url)
            self._day(self._today.isoformat())
        else:
            self._estate.back(url)

    def close(self) -> None:
        """Let them sell no more."""
        for source in self.sources:
            source.close(self._url(source))
        lingers_s = max((source.lingers_s for source in self.sources), default=0.0)
        self._quiet_s = time.monotonic() + lingers_s

    def settle(self, look: Callable[[], None]) -> list[Path]:
        """Wait until all they sold is known to the gateway, at most KNOWN_WITHIN_S.

        Return the journals that say what became of it; what is still not known is the audit's to
        judge. ``look`` is called now and then, to see that all processes run.
        """
        while time.monotonic() < self._quiet_s:
            look()
            time.sleep(LOOK_S / 4)
        return [self._settle(source, look) for source in self.sources]

    def gaps(self) -> Gaps:
        """Return what registers lost, and what the gateway says is missing of them.

        What was taken last comes into the record with the next projection: so one that differs is
        asked for again, for a while.
        """
        lost = lost_in(books_of(self._url(self._estate)))
        until = time.monotonic() + RECORDED_WITHIN_S
        while True:
            gaps = Gaps(lost, reported_in(self._commands.stores()))
            if not any(wrong_gaps(gaps)) or time.monotonic() > until:
                return gaps
            time.sleep(LOOK_S)

    def _settle(self, source: Source, look: Callable[[], None]) -> Path:
        answers = Answers(self._gateway(source))
        until = time.monotonic() + KNOWN_WITHIN_S
        while True:
            look()
            sold = sold_by(source, books_of(self._url(source)))
            missing = self._awaited(source, answers.missing(sold))
            if not missing or time.monotonic() > until:
                break
            time.sleep(LOOK_S)
        entries = answers.entries(sold, Clocks.now())
        self.sales.settle(source.name, len(entries))
        self._say(source, len(entries), missing)
        counters = Control(self._url(source)).counters()
        self._log.append(Channel(name=source.name, counters=counters))
        path = self._folder.sold(source.name)
        journal = JournalWriter(path)
        for entry in entries:
            journal.write(entry)
        journal.close()
        return path

    def _awaited(self, source: Source, missing: Sequence[Sold]) -> list[Sold]:
        """Leave out what a poll has passed: of a return that one found, nobody is told."""
        unheard = [it for it in missing if it.message.process in _OF_RETURNS]
        polled = self._commands.pulled_until().get(source.name) if unheard else None
        return [it for it in missing if not (it in unheard and polled and it.at < polled)]

    def _say(self, source: Source, sold: int, missing: Sequence[Sold]) -> None:
        words = f"{source.name} sold and took back {sold} times"
        if missing:
            first = missing[0].message.reference
            self._board.note(f"{words}; {len(missing)} never came, {first} first", "bad")
        else:
            self._board.note(f"{words}, and the gateway knows of all of it", "good")

    def _gateway(self, source: Source) -> Gateway:
        key = folders.key_of(self._folder, source.name)
        others = {name: child.url for name, child in self._stage.channels.items()}
        return Gateway(self._stage.gateways[0].url, key, others)

    @property
    def _yesterday(self) -> str:
        return (self._today - timedelta(days=1)).isoformat()

    def _day(self, business_date: str) -> None:
        self._log.append(Day(at=time.monotonic(), business_date=business_date))

    def _url(self, source: Source) -> str:
        return self._stage.channels[source.name].url
