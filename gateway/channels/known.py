"""What a channel has said of an order before: as it was accepted, and all that followed.

Channels that speak a format of their own send how an order *is*. What to do about it is the
difference to what was taken already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

from gateway.canonical.envelope import Envelope
from gateway.canonical.exchange import Record
from gateway.canonical.process import Target
from gateway.channels.draft import Draft
from gateway.ports import Intake, Ledger

#: Begins the name of a cancellation of some pieces; its number follows.
REDUCED: Final = "reduced-"


class Said(NamedTuple):
    """A message about the order that was taken before."""

    process: str
    reference: str
    body: Mapping[str, Any]
    transaction_id: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """An order as it was accepted ({} if only its owner is known), and all that followed.

    ``transaction_id`` is that of its acceptance, "" if it was taken just now.
    """

    order: Mapping[str, Any]
    said: tuple[Said, ...] = ()
    transaction_id: str = ""

    @property
    def is_whole_cancelled(self) -> bool:
        """Whether a cancellation of all of it was taken."""
        return any(it and not it.get("lines") for it in self._cancellations())

    @property
    def taken_off(self) -> Counter[int]:
        """Pieces that cancellations took off, by line."""
        found: Counter[int] = Counter()
        for wish in self._cancellations():
            for line in wish.get("lines") or ():
                found[line["line"]] += line["quantity"]
        return found

    @property
    def reductions(self) -> int:
        """How many reductions were taken: the next one is told by its number."""
        return sum(f"/{REDUCED}" in it.reference for it in self.said)

    @property
    def lines(self) -> dict[str, Mapping[str, Any]]:
        """The lines of the order by what the channel calls them."""
        return {it["line_ref"]: it for it in self.order.get("lines", ()) if it.get("line_ref")}

    def _cancellations(self) -> Iterable[Mapping[str, Any]]:
        for it in self.said:
            if it.process == "order.cancellation":
                yield it.body.get("cancellation") or {}


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A message that follows the order; ``name`` is unique for its process and order."""

    process: str
    name: str
    draft: Draft


def overtaxed(line: Mapping[str, Any] | None, tax: str | None) -> str:
    """Say by how much a credit's tax exceeds that of its order's line, "" if it does not."""
    charged = Decimal(str((line or {}).get("tax") or "0.00"))
    if line is None or tax is None or Decimal(tax) <= charged:
        return ""
    return f"gives {tax} of tax back, and {charged} was charged; say how much of it is tax"


class Memory:
    """Finds what was taken of an order."""

    def __init__(self, buffer: Intake, ledger: Ledger) -> None:
        self._buffer = buffer
        self._ledger = ledger

    async def claimed(self, key: str, channel: str, order_ref: str) -> bool:
        """Say whether an order was taken as one of this channel's."""
        claim = f"{channel}|order.intake|{order_ref}"
        return await self._buffer.claimed(key, claim) is not None

    async def said(self, key: str) -> dict[tuple[str, str, str], Said]:
        """Return all that was taken of an order, by channel, process and reference.

        The buffer, which forgets only what the ledger has, is read before the ledger: so nothing is
        overlooked.
        """
        buffered = await self._buffer.progress_of(key)
        said = {
            (it.channel, it.process, it.reference): _said(it)
            for it in await self._ledger.transactions_of(key)
        }
        for it in (progress.envelope for progress in buffered):
            said[it.channel, it.process, it.reference] = _said(it)
        return said

    async def owner(self, key: str) -> Target | None:
        """Return who owns an order, as far as buffer and ledger know."""
        return await self._buffer.owner(key) or await self._ledger.owner(key)


def _said(it: Record | Envelope) -> Said:
    return Said(it.process, it.reference, it.body, it.transaction_id)
