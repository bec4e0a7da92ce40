"""An ERP behind its crosswalks: the story speaks canonical codes, the ERP hears its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from gateway.canonical.crosswalk import CrosswalkKind
from gateway.canonical.enquiry import Availability, Price, Product
from gateway.canonical.envelope import Envelope, Shaped
from gateway.canonical.exchange import Timing
from gateway.canonical.outcome import Busy, Cause, Outcome, Probed, Refused, Unknown
from gateway.canonical.process import Target
from gateway.canonical.validation import Validated
from gateway.clock import Clock
from gateway.mapping.crosswalk import Crosswalks, Gap
from gateway.mapping.documents import kinds_of, translated
from gateway.ports import Batches, Erp

Found = TypeVar("Found", Availability, Price, Product)


class Tables(Protocol):
    """The crosswalks in force."""

    def tables(self) -> Crosswalks:
        """Return them as last seen."""
        ...

    async def refresh(self) -> Crosswalks:
        """Look again, and return them."""
        ...


class MappedErp:
    """Implements :class:`gateway.ports.Erp` around another one.

    A gap refuses a message before anything is sent, once the newest tables were looked at: it
    waits until the steward has filled it.
    """

    def __init__(self, erp: Erp, tables: Tables, clock: Clock) -> None:
        self._erp = erp
        self._tables = tables
        self._clock = clock
        self.name: Target = erp.name
        self.timing: Timing = erp.timing
        self.batches: Batches | None = (
            None if erp.batches is None else MappedBatches(erp.batches, self._translated)
        )

    async def prepare(self, envelope: Envelope) -> Shaped | Refused:
        """Return the message with the ERP's own codes, or refuse it naming each gap."""
        found = await self._translated(envelope)
        if isinstance(found, Envelope):
            return found
        return Refused(Cause.CROSSWALK_GAP, _said(found))

    async def send(self, envelope: Envelope) -> Outcome:
        """Send the message with the ERP's own codes, or refuse it naming each gap."""
        found = await self.prepare(envelope)
        return found if isinstance(found, Refused) else await self._erp.send(found)

    async def probe(self, envelope: Envelope) -> Probed:
        """Look for the document; its reference is ours, so nothing is translated."""
        return await self._erp.probe(envelope)

    async def documents(self, envelope: Envelope) -> Sequence[str] | Busy | Unknown:
        """Return the numbers of all documents of the message."""
        return await self._erp.documents(envelope)

    async def validate(self, envelope: Envelope) -> Validated:
        """Ask what would become of the message with the ERP's own codes."""
        found = await self._translated(envelope)
        if isinstance(found, Envelope):
            return await self._erp.validate(found)
        return Refused(Cause.CROSSWALK_GAP, _said(found))

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

    async def _translated(self, envelope: Envelope) -> Shaped | list[Gap]:
        """Translate, once: a code of the ERP's may be another's source, and tables change."""
        if isinstance(envelope, Shaped):
            return envelope
        found = _shaped(envelope, self.name, self._tables.tables())
        if isinstance(found, Shaped):
            return found
        return _shaped(envelope, self.name, await self._tables.refresh())

    def _sku(self, sku: str) -> str:
        """Return the ERP's own SKU, "" if it has none: then the ERP does not have the item."""
        today = self._clock.now().date()
        found = self._tables.tables().find(CrosswalkKind.SKU, "", sku, self.name, today)
        return "" if isinstance(found, Gap) else found


class MappedBatches:
    """Implements :class:`gateway.ports.Batches` around another one."""

    def __init__(
        self, batches: Batches, translate: Callable[[Envelope], Awaitable[Shaped | list[Gap]]]
    ) -> None:
        self._batches = batches
        self._translate = translate

    @property
    def offered(self) -> bool:
        """Whether the ERP takes batches, as far as is known."""
        return self._batches.offered

    async def send_many(self, envelopes: Sequence[Envelope]) -> Mapping[str, Outcome]:
        """Send those without a gap together; the others are refused, each naming its gaps."""
        outcomes: dict[str, Outcome] = {}
        ready: list[Envelope] = []
        for envelope in envelopes:
            found = await self._translate(envelope)
            if isinstance(found, Envelope):
                ready.append(found)
            else:
                refused = Refused(Cause.CROSSWALK_GAP, _said(found))
                outcomes[envelope.transaction_id] = refused
        return {**outcomes, **(await self._batches.send_many(ready) if ready else {})}

    async def probe_many(self, envelopes: Sequence[Envelope]) -> Mapping[str, Probed]:
        """Look for the documents of many messages."""
        return await self._batches.probe_many(envelopes)


def _shaped(envelope: Envelope, erp: Target, tables: Crosswalks) -> Shaped | list[Gap]:
    found = translated(envelope, erp, tables)
    if not isinstance(found, Envelope):
        return found
    return Shaped.of(found, tables.shape(kinds_of(envelope.process)))


def _called(sku: str, found: Found | None) -> Found | None:
    return None if found is None else found.model_copy(update={"sku": sku})


def _said(gaps: Sequence[Gap]) -> str:
    return "; ".join(str(gap) for gap in gaps)
