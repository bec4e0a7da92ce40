"""The estate: stores, their registers, what they did, and what of it is still to be sent.

Its books keep every number that was used, with what was done on purpose to it: never sent, or used
for another receipt too. They are the oracle of a report on sequences.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from simulators.catalogue import Item
from simulators.channel import Channel
from simulators.faults import FaultKind
from simulators.pos.options import PosOptions
from simulators.pos.till import Rung, Till
from simulators.pos.wire import as_json, money

KINDS: Mapping[str, FaultKind] = {
    "offline_store": FaultKind(
        5000, (), "a store that is about to send has no network for delay_ms"
    ),
    "duplicate_receipt": FaultKind(0, (), "a receipt is sent again in a later batch"),
    "disordered_batch": FaultKind(0, (), "what a store sends is shuffled"),
    "lost_receipt": FaultKind(0, (), "a number is used and never sent: a gap"),
    "number_used_twice": FaultKind(0, (), "another receipt is sent under the number of a receipt"),
    "lost_answer": FaultKind(0, (), "the answer to a batch is lost: all of it is sent again"),
    "clock_skew": FaultKind(
        600_000, ("ahead", "behind"), "the registers' clocks are delay_ms wrong"
    ),
    "truncated_file": FaultKind(0, (), "a POSLog file ends in the middle"),
    "wrong_totals": FaultKind(0, (), "a POSLog file states one transaction more than it has"),
}
COUNTERS = (
    "rung",  # numbers used
    "batches",  # requests that were answered
    "batches_failed",  # requests without an answer, or answered 5xx
    "accepted",  # receipts taken now
    "replayed",  # receipts taken before
    "noted",  # numbers without a sale
    "held",  # taken and held for staff
    "rejected",  # refused for good
    "duplicates",  # sent again by the fault
    "disordered",  # batches shuffled by the fault
    "lost",  # numbers never sent, by the fault
    "used_twice",  # receipts under a number of another, by the fault
    "answers_lost",  # answers thrown away by the fault
    "skewed",  # times of day the fault set wrong
    "offline_spells",  # spells without a network, by the fault
    "files_spoilt",  # POSLog files cut off or with wrong totals, by the faults
    "unsent",  # now: numbers still to be sent
)


@dataclass(slots=True)
class Store:
    """A store: its registers, whether it has a network, and what waits to be sent."""

    name: str
    day: date
    tills: dict[str, Till]
    online: bool = True
    unsent: deque[dict[str, object]] = field(default_factory=deque)
    rung: list[Rung] = field(default_factory=list)


class Estate:
    """All stores. What happens is entered in the books, and waits to be sent."""

    def __init__(self, channel: Channel[PosOptions], items: Mapping[str, Item]) -> None:
        self._channel = channel
        self._chance: Random = channel.chance("customers")
        options = channel.options
        day = options.business_day[0] if options.business_day else ""
        first = date.fromisoformat(day) if day else channel.clock.now().date()
        self.stores = {
            name: Store(name, first, self._tills(name, items)) for name in options.stores
        }

    def _tills(self, store: str, items: Mapping[str, Item]) -> dict[str, Till]:
        options = self._channel.options
        names = [str(n) for n in range(1, options.registers + 1)]
        return {
            name: Till(store, name, items, self._channel.chance(f"{store}/{name}"),
                       options.first_number - 1)
            for name in names
        }  # fmt: skip

    def _now(self) -> datetime:
        """The registers' clock, which a fault may set wrong; business days are staff's."""
        now = self._channel.clock.now()
        skew = self._channel.faults.on("clock_skew")
        if skew is None:
            return now
        self._channel.counters.add("skewed")
        return now + timedelta(seconds=-skew.delay_s if skew.mode == "behind" else skew.delay_s)

    def sell(self, store: str = "", count: int = 1) -> list[Rung]:
        """Let customers come, to one store or to any."""
        found = []
        for _ in range(count):
            shop = self.stores[store or self._chance.choice(list(self.stores))]
            till = shop.tills[self._chance.choice(list(shop.tills))]
            now = self._now()
            options = self._channel.options
            if not till.open:
                self._keep(shop, till.control(_day(shop), now, "shift begins", options))
            rung = till.ring(_day(shop), now, options)
            self._keep(shop, rung)
            found.append(rung)
        return found

    def end_day(self, store: str) -> None:
        """End the business day of a store: its shifts, then the day; the next one begins."""
        shop = self.stores[store]
        options, now = self._channel.options, self._now()
        for till in shop.tills.values():
            if till.open:
                self._keep(shop, till.control(_day(shop), now, "shift ends", options))
                self._channel.books.enter(
                    "shift", store=store, register=till.register, business_date=_day(shop),
                    expected_cash=money(till.drawer),
                )  # fmt: skip
                till.drawer = Decimal(0)
        last = next(reversed(shop.tills.values()))
        self._keep(shop, last.control(_day(shop), now, "day ends", options))
        last.open = False
        shop.day += timedelta(days=1)

    def _keep(self, shop: Store, rung: Rung) -> None:
        counters, faults = self._channel.counters, self._channel.faults
        counters.add("rung")
        shop.rung.append(rung)
        lost = rung.kind == "sale" and faults.fires("lost_receipt") is not None
        twice = rung.kind == "sale" and not lost and faults.fires("number_used_twice") is not None
        self._channel.books.enter(
            rung.kind, name=rung.name, store=rung.store, business_date=rung.day,
            register=rung.register, number=rung.number, total=money(rung.total), what=rung.what,
            lost=lost, used_twice=twice, currency="EUR" if rung.kind == "sale" else "",
            lines=[
                {"sku": it.item.sku, "quantity": -it.quantity if it.back else it.quantity,
                 "amount": money(-it.amount if it.back else it.amount),
                 "line": it.line, "tax": money(-it.tax if it.back else it.tax)}
                for it in rung.kept
            ] if rung.kind == "sale" else [],
        )  # fmt: skip
        if lost:
            counters.add("lost")
            return
        shop.unsent.append(as_json(rung))
        counters.add("unsent", 2 if twice else 1)
        if twice:
            counters.add("used_twice")
            earlier = replace(rung, at=rung.at - timedelta(seconds=61))
            shop.unsent.append(as_json(earlier))


def _day(shop: Store) -> str:
    return shop.day.isoformat()
