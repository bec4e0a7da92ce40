"""One ERP, whatever it speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.canonical.enquiry import Availability, Price, Product
from gateway.canonical.envelope import Envelope, Shaped
from gateway.canonical.exchange import (
    Timing,
)
from gateway.canonical.outcome import Busy, Delayed, Outcome, Probed, Refused, Unknown
from gateway.canonical.process import Target
from gateway.canonical.validation import Validated


class Batches(Protocol):
    """Many documents in one call, each with an outcome of its own."""

    @property
    def offered(self) -> bool:
        """Whether the ERP takes batches, as far as is known."""
        ...

    async def send_many(self, envelopes: Sequence[Envelope]) -> Mapping[str, Outcome]:
        """Send the messages' documents, each once; outcomes by transaction id, for all of them."""
        ...

    async def probe_many(self, envelopes: Sequence[Envelope]) -> Mapping[str, Probed]:
        """Look for the documents of many messages; answers by transaction id, for all of them."""
        ...


class Erp(Protocol):
    """One ERP. Every call costs one permit of its quota.

    No call raises for what an ERP answers: answers are outcomes. Enquiries return None for a SKU
    the ERP does not have and raise :class:`~gateway.errors.ErpUnavailable` when it is silent.
    """

    name: Target
    timing: Timing

    @property
    def batches(self) -> Batches | None:
        """Many in one call, where the ERP has it."""
        ...

    async def prepare(self, envelope: Envelope) -> Shaped | Refused | Delayed:
        """Return the message as this ERP hears it, once; one that is prepared stays as it is.

        Nothing of it is sent: a refusal and a delay are no attempts. :meth:`send` prepares what is
        not.
        """
        ...

    async def send(self, envelope: Envelope) -> Outcome:
        """Send the message's document, once."""
        ...

    async def probe(self, envelope: Envelope) -> Probed:
        """Look for a document with the message's external reference."""
        ...

    async def documents(self, envelope: Envelope) -> Sequence[str] | Busy | Unknown:
        """Return the numbers of all documents of the message that are booked or will be."""
        ...

    async def validate(self, envelope: Envelope) -> Validated:
        """Ask what would become of the message's document; nothing is booked or kept."""
        ...

    async def confirm(self, documents: Sequence[str]) -> Mapping[str, Outcome]:
        """Ask how stored documents fare, many in one call."""
        ...

    async def has_order(self, channel: str, order_ref: str, legal_entity: str) -> bool:
        """Say whether an order of that channel reference exists here."""
        ...

    async def availability(self, sku: str, legal_entity: str) -> Availability | None:
        """Return what may be promised."""
        ...

    async def price(self, sku: str, legal_entity: str) -> Price | None:
        """Return the sales price."""
        ...

    async def product(self, sku: str, legal_entity: str) -> Product | None:
        """Return the item."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
