"""Customers: found in an ERP, or created there, once.

The sentence the code follows: *what is known of a customer is looked up first; else the ERP is
asked by reference; only if it has none, and no earlier creation can still arrive, is it written
down that one begins, by compare-and-set, and then it is created, once; what came of it is kept, and
what nobody knows is looked up again until absence is final.*

A customer has no place in any lane, so two workers may want the same one: the compare-and-set in
the ledger lets one of them create it. A worker that dies between creation and record leaves the
beginning behind; whoever comes next finds the customer by its reference.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar

from gateway.canonical.customer import Wish
from gateway.canonical.outcome import Booked, Busy, Delayed, Refused, Unknown
from gateway.chain.customer import Found
from gateway.clock import Clock
from gateway.errors import CoexistError, ErpUnavailable
from gateway.flow.calls import Caller
from gateway.flow.errands import Errands
from gateway.ports import Customers, CustomerShelf, Master

T = TypeVar("T")

#: How long a look-up or a creation waits for a permit of its ERP.
PATIENCE_MS: Final = 10_000

LOG: Final = logging.getLogger("coexist.customers")


class CustomerDesk:
    """Finds or creates the customers of one ERP; every call to it takes a permit of its quota."""

    def __init__(
        self, erp: Customers, shelf: CustomerShelf, finder: Caller, maker: Caller, clock: Clock
    ) -> None:
        self._erp = erp
        self._shelf = shelf
        self._finder = finder
        self._maker = maker
        self._clock = clock
        self._errands: Errands[Found | Refused] = Errands("the customer", clock)

    async def find_or_create(self, wish: Wish) -> Found | Refused | Delayed:
        """Return the customer's number, or a delay while nobody knows it."""
        found = await self._errands.answer(wish.reference, lambda: self._guarded(wish))
        if isinstance(found, Refused):
            self._errands.forget(wish.reference)
        return found

    async def close(self) -> None:
        """Drop what is under way."""
        await self._errands.close()

    async def _guarded(self, wish: Wish) -> Found | Refused | Delayed:
        try:
            return await self._settled(wish)
        except ErpUnavailable as error:
            return Delayed(f"customer {wish.customer.ref}: {error}", error.retry_after_s * 1000)
        except CoexistError as error:
            return Delayed(f"customer {wish.customer.ref}: {error}")

    async def _settled(self, wish: Wish) -> Found | Refused | Delayed:
        known = await self._shelf.master(self._erp.name, wish.reference)
        if known is not None and known.number:
            return Found(known.number, "known")
        numbers = await self._call(self._finder, lambda: self._erp.find_customer(wish))
        if isinstance(numbers, Busy | Unknown):
            return _delayed(wish, numbers)
        if numbers:
            return await self._kept(wish, sorted(numbers), "found" if known is None else "created")
        return await self._create(wish, known)

    async def _create(self, wish: Wish, known: Master | None) -> Found | Refused | Delayed:
        """Create the customer the ERP does not have, unless somebody else may have, just now."""
        who, now = f"customer {wish.customer.ref}", self._clock.now()
        begun_at = None if known is None else known.begun_at
        # It is sent up to PATIENCE_MS after it began: there may be no permit earlier.
        final = timedelta(milliseconds=self._erp.timing.absent_final_ms + PATIENCE_MS)
        if begun_at is not None and now - begun_at < final:
            return Delayed(f"{who}: being created since {begun_at:%H:%M:%S}Z, not found yet")
        if not await self._shelf.begin_master(self._erp.name, wish, now, begun_at):
            return Delayed(f"{who}: another worker creates it")
        try:
            outcome = await self._call(self._maker, lambda: self._erp.create_customer(wish))
        except CoexistError:  # no permit: nothing was sent
            await self._shelf.end_master(self._erp.name, wish.reference, now)
            raise
        match outcome:
            case Booked(number):
                return await self._kept(wish, [number], "created")
            case Refused() | Busy():
                await self._shelf.end_master(self._erp.name, wish.reference, now)
        return outcome if isinstance(outcome, Refused) else _delayed(wish, outcome)

    async def _kept(self, wish: Wish, numbers: list[str], how: str) -> Found:
        if len(numbers) > 1:
            LOG.warning(
                "customer %s of %s has %d numbers: %s",
                wish.reference, self._erp.name, len(numbers), ", ".join(numbers),
                extra={"event": "double-customer", "erp": str(self._erp.name),
                       "reference": wish.reference, "numbers": numbers},
            )  # fmt: skip
        await self._shelf.keep_master(self._erp.name, wish, numbers[0])
        return Found(numbers[0], how)

    async def _call(self, caller: Caller, act: Callable[[], Awaitable[T]]) -> T:
        return await caller.call(self._erp.name, act, lasts_ms=self._erp.timing.request_ms)


def _delayed(wish: Wish, why: Busy | Unknown) -> Delayed:
    wait_ms = why.retry_after_ms if isinstance(why, Busy) else None
    return Delayed(f"customer {wish.customer.ref}: {why.detail}", wait_ms)
