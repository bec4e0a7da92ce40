"""An ERP behind the order chain: the story speaks canonical documents, the ERP hears its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from gateway.canonical.crosswalk import CrosswalkKind
from gateway.canonical.enquiry import Availability, Price, Product
from gateway.canonical.envelope import Envelope, Shaped
from gateway.canonical.exchange import Timing
from gateway.canonical.outcome import Busy, Delayed, Outcome, Probed, Refused, Unknown
from gateway.canonical.process import Target
from gateway.canonical.validation import Validated
from gateway.chain.run import Chain, Tables
from gateway.clock import Clock
from gateway.mapping.crosswalk import Gap
from gateway.ports import Batches, Erp

Found = TypeVar("Found", Availability, Price, Product)


class MappedErp:
    """Implements :class:`gateway.ports.Erp` around another one.

    What the chain refuses or delays is not sent. Enquiries go through the crosswalk of SKUs.
    """

    def __init__(self, erp: Erp, tables: Tables, clock: Clock, chain: Chain | None = None) -> None:
        self._erp = erp
        self._chain = chain or Chain(erp.name, tables)
        self._tables = tables
        self._clock = clock
        self.name: Target = erp.name
        self.timing: Timing = erp.timing
        self.batches: Batches | None = (
            None if erp.batches is None else MappedBatches(erp.batches, self._chain.prepare)
        )

    async def prepare(self, envelope: Envelope) -> Shaped | Refused | Delayed:
        """Return the message as the chain shapes it, or why it cannot go on."""
        return await self._chain.prepare(envelope)

    async def send(self, envelope: Envelope) -> Outcome:
        """Send the message as the chain shapes it."""
        found = await self.prepare(envelope)
        return await self._erp.send(found) if isinstance(found, Shaped) else _unsent(found)

    async def probe(self, envelope: Envelope) -> Probed:
        """Look for the document; its reference is ours, so nothing is translated."""
        return await self._erp.probe(envelope)

    async def documents(self, envelope: Envelope) -> Sequence[str] | Busy | Unknown:
        """Return the numbers of all documents of the message."""
        return await self._erp.documents(envelope)

    async def validate(self, envelope: Envelope) -> Validated:
        """Ask what would become of the message as the chain shapes it; nobody else is asked."""
        found = await self._chain.rehearse(envelope)
        return await self._erp.validate(found) if isinstance(found, Shaped) else _unsent(found)

    async def confirm(self, documents: Sequence[str]) -> Mapping[str, Outcome]:
        """Ask how stored documents fare."""
        return await self._erp.confirm(documents)

    async def has_order(self, channel: str, order_ref: str, legal_entity: str) -> bool:
        """Say whether an order of that channel reference exists here."""
        return await self._erp.has_order(channel, order_ref, legal_entity)

    async def availability(self, sku: str, legal_entity: str) -> Availability | None:
        """Return what may be promised, under the caller's SKU."""
        own = self._sku(sku)
        return _called(sku, await self._erp.availability(own, legal_entity) if own else None)

    async def price(self, sku: str, legal_entity: str) -> Price | None:
        """Return the sales price, under the caller's SKU."""
        own = self._sku(sku)
        return _called(sku, await self._erp.price(own, legal_entity) if own else None)

    async def product(self, sku: str, legal_entity: str) -> Product | None:
        """Return the item, under the caller's SKU."""
        own = self._sku(sku)
        return _called(sku, await self._erp.product(own, legal_entity) if own else None)

    async def close(self) -> None:
        """Close connections."""
        await self._erp.close()

    def _sku(self, sku: str) -> str:
        """Return the ERP's own SKU, "" if it has none: then the ERP does not have the item."""
        today = self._clock.now().date()
        found = self._tables.tables().find(CrosswalkKind.SKU, "", sku, self.name, today)
        return "" if isinstance(found, Gap) else found


class MappedBatches:
    """Implements :class:`gateway.ports.Batches` around another one."""

    def __init__(
        self, batches: Batches, prepare: Callable[[Envelope], Awaitable[Shaped | Refused | Delayed]]
    ) -> None:
        self._batches = batches
        self._prepare = prepare

    @property
    def offered(self) -> bool:
        """Whether the ERP takes batches, as far as is known."""
        return self._batches.offered

    async def send_many(self, envelopes: Sequence[Envelope]) -> Mapping[str, Outcome]:
        """Send together what the chain lets go on; of the others, say why not."""
        outcomes: dict[str, Outcome] = {}
        ready: list[Envelope] = []
        for envelope in envelopes:
            found = await self._prepare(envelope)
            if isinstance(found, Shaped):
                ready.append(found)
            else:
                outcomes[envelope.transaction_id] = _unsent(found)
        return {**outcomes, **(await self._batches.send_many(ready) if ready else {})}

    async def probe_many(self, envelopes: Sequence[Envelope]) -> Mapping[str, Probed]:
        """Look for the documents of many messages."""
        return await self._batches.probe_many(envelopes)


def _unsent(why: Refused | Delayed) -> Refused | Busy:
    return why if isinstance(why, Refused) else Busy(why.detail, why.retry_after_ms)


def _called(sku: str, found: Found | None) -> Found | None:
    return None if found is None else found.model_copy(update={"sku": sku})
