"""The legacy ERP behind :class:`gateway.ports.Erp`."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

import httpx

from gateway.canonical.customer import Wish
from gateway.canonical.enquiry import Availability, Price, Product
from gateway.canonical.envelope import Envelope, Shaped, external_reference
from gateway.canonical.exchange import Timing
from gateway.canonical.outcome import (
    Booked,
    Busy,
    Cause,
    Delayed,
    Outcome,
    Probed,
    Refused,
    Stored,
    Unknown,
)
from gateway.canonical.process import Target
from gateway.canonical.validation import NotOffered, Validated
from gateway.clock import Clock
from gateway.erp.body import Overlong, Unsendable
from gateway.erp.figures import BadAnswer, figure, pieces, priced, unit
from gateway.erp.http import Http, Reply
from gateway.erp.legacy import answers, customers, soap
from gateway.erp.legacy.idoc import build
from gateway.erp.lookup import alive, found, unavailable
from gateway.ports import Batches

#: Documents one status call may ask for.
CONFIRM_MAX: Final = 100

# A look-up that finds nothing is final once no earlier request can still arrive and be stored:
#    30 s  our own deadline: the last byte leaves by then
# +  60 s  in the ICM's queue for a dialog process (PROCTIMEOUT, its default)
# + 600 s  in that process (rdisp/max_wprun_time, as commonly set for interfaces)
# +  30 s  until another application server's look-up sees the commit
LEGACY_TIMING: Final = Timing(request_ms=30_000, absent_final_ms=720_000, poll_ms=2_000)
"""Timings of an ERP in production; a simulated one may be given shorter ones."""

TAX_CATEGORIES: Final[dict[str, str]] = {"0": "zero", "1": "standard", "2": "reduced"}
"""TAXKM of a material -> canonical; an ERP that keeps words keeps the canonical ones."""

_IDOC: Final = "/sap/bc/idoc_xml"
_SOAP: Final = "/sap/bc/soap/rfc"


@dataclass(frozen=True, slots=True)
class LegacyAccess:
    """Where the ERP is and who we are there. ``client`` is SAP's three-digit client."""

    url: str
    user: str
    password: str = field(repr=False)
    client: str = "100"


class LegacyErp:
    """Sends IDocs, polls them, asks by SOAP. One instance serves any number of concurrent calls."""

    name = Target.LEGACY
    batches: Batches | None = None  # a packet of IDocs is stored all or none

    def __init__(
        self,
        access: LegacyAccess,
        timing: Timing,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.timing = timing
        self._client = access.client
        self._clock = clock
        self._http = Http(access.url, clock, transport)
        secret = b64encode(f"{access.user}:{access.password}".encode()).decode()
        self._headers = {
            "Authorization": f"Basic {secret}",
            "Content-Type": "text/xml; charset=utf-8",
        }

    # ------------------------------------------------------------------ documents

    async def prepare(self, envelope: Envelope) -> Shaped | Refused | Delayed:
        """Return the message as it is: crosswalks are applied in front of this."""
        return Shaped.of(envelope)

    async def send(self, envelope: Envelope) -> Outcome:
        """Post the message's IDoc; at best it is then stored, never booked."""
        try:
            document = build(envelope, self._client)
        except Overlong as error:
            return Refused(Cause.NOT_ACCEPTED, f"not sent: {error}")
        except Unsendable as error:
            return Refused(Cause.POISON, f"not sent: {error}")
        reply = await self._http.call(
            "POST",
            _IDOC,
            until=self._http.deadline(self.timing.request_of(envelope.process)),
            headers=self._headers,
            params={"sap-client": self._client},
            content=document,
        )
        return answers.intake(reply, self._clock.now()) if isinstance(reply, Reply) else reply

    async def probe(self, envelope: Envelope) -> Probed:
        """Look in the IDoc store and among documents for the message's external reference."""
        documents = await self._documents(envelope)
        if not isinstance(documents, list):
            return documents
        return found(documents, self.name, external_reference(envelope.transaction_id))

    async def documents(self, envelope: Envelope) -> Sequence[str] | Busy | Unknown:
        """Return the numbers of the message's documents that are posted or still may be."""
        documents = await self._documents(envelope)
        return alive(documents) if isinstance(documents, list) else documents

    async def validate(self, envelope: Envelope) -> Validated:
        """Say that it cannot be asked: an IDoc that is stored is posted."""
        del envelope
        return NotOffered("an IDoc cannot be validated without being stored, and then it is posted")

    async def confirm(self, documents: Sequence[str]) -> Mapping[str, Outcome]:
        """Ask for statuses, :data:`CONFIRM_MAX` a call, one call after the other.

        Every document gets an outcome. What ends one call is the outcome of all it asked for and of
        those not yet asked for: an ERP that says "busy" is not asked again at once.
        """
        outcomes: dict[str, Outcome] = {}
        for start in range(0, len(documents), CONFIRM_MAX):
            asked = tuple(documents[start : start + CONFIRM_MAX])
            answer = await self._ask("Z_IDOC_STATUS", {"DOCNUMS": asked})
            if isinstance(answer, soap.Fault):
                answer = Unknown(f"status of {len(asked)} IDocs: {answer}")
            if isinstance(answer, Busy | Unknown):
                return outcomes | dict.fromkeys(documents[start:], answer)
            outcomes |= _statuses(answer, asked)
        return outcomes

    # ------------------------------------------------------------------ customers

    async def find_customer(self, wish: Wish) -> Sequence[str] | Busy | Unknown:
        """Return the numbers of customers that carry the wish's reference."""
        return await customers.find(self._ask, wish)

    async def create_customer(self, wish: Wish) -> Booked | Refused | Busy | Unknown:
        """Create a customer by RFC; the number is of the internal range."""
        return await customers.create(self._ask, wish)

    # ------------------------------------------------------------------ enquiries

    async def has_order(self, channel: str, order_ref: str, legal_entity: str) -> bool:
        """Say whether an order of that reference is posted or on its way; failed ones do not count.

        One that was entered there without a channel, before the gateway, counts for any. The legal
        entity is not looked at.
        """
        what = f"order {channel} {order_ref} of {legal_entity}"
        parameters: soap.Parameters = {
            "REFERENCE": order_ref, "KIND": "ORDER_REF", "CHANNEL": channel
        }  # fmt: skip
        answer = await self._asked(what, "Z_DOCUMENT_BY_REFERENCE", parameters)
        if answer is None:
            return False
        standings = [answers.standing(item) for item in answer.findall("DOCUMENTS/item")]
        if any(isinstance(each, Booked | Stored) for each in standings):
            return True
        for each in standings:
            if isinstance(each, Unknown):  # neither yes nor no: nothing may be decided by it
                raise unavailable(what, each, self.name)
        return False

    async def availability(self, sku: str, legal_entity: str) -> Availability | None:
        """Return what may be promised: the stock in whole pieces, at least 0."""
        what = f"availability of {sku} in {legal_entity}"
        parameters: soap.Parameters = {"MATNR": sku, "BUKRS": legal_entity}
        answer = await self._asked(what, "Z_STOCK_ENQUIRY", parameters)
        if answer is None:
            return None
        try:
            return Availability(
                sku=sku,
                legal_entity=legal_entity,
                available=pieces(figure(soap.required(answer, "QTY"))),
                unit=unit(soap.required(answer, "MEINS")),
                as_of=self._clock.now(),
            )
        except BadAnswer as error:
            raise unavailable(what, Unknown(str(error)), self.name) from error

    async def price(self, sku: str, legal_entity: str) -> Price | None:
        """Return the sales price of one piece, padded to the minor digits of its currency."""
        what = f"price of {sku} in {legal_entity}"
        parameters: soap.Parameters = {"MATNR": sku, "BUKRS": legal_entity}
        answer = await self._asked(what, "Z_PRICE_ENQUIRY", parameters)
        if answer is None:
            return None
        try:
            currency = soap.required(answer, "CURRENCY")
            return Price(
                sku=sku,
                legal_entity=legal_entity,
                currency=currency,
                unit_price=priced(figure(soap.required(answer, "PRICE")), currency),
                tax_included=soap.field(answer, "TAXINCL") == "X",
                as_of=self._clock.now(),
            )
        except ValueError as error:  # BadAnswer, or a figure the canonical model does not take
            raise unavailable(what, Unknown(str(error)), self.name) from error

    async def product(self, sku: str, legal_entity: str) -> Product | None:
        """Return the item in canonical terms."""
        what = f"product {sku} in {legal_entity}"
        answer = await self._asked(what, "Z_PRODUCT_ENQUIRY", {"MATNR": sku})
        if answer is None:
            return None
        try:
            tax = soap.required(answer, "TAXKM").lower()
            return Product(
                sku=sku,
                name=soap.required(answer, "MAKTX"),
                ean=soap.field(answer, "EAN11"),
                tax_category=TAX_CATEGORIES.get(tax, tax),
                unit=unit(soap.required(answer, "MEINS")),
            )
        except BadAnswer as error:
            raise unavailable(what, Unknown(str(error)), self.name) from error

    async def close(self) -> None:
        """Close connections; calls under way end."""
        await self._http.close()

    # ------------------------------------------------------------------ inside

    async def _documents(self, envelope: Envelope) -> list[Outcome] | Busy | Unknown:
        reference = external_reference(envelope.transaction_id)
        answer = await self._ask("Z_DOCUMENT_BY_REFERENCE", {"REFERENCE": reference})
        if isinstance(answer, Busy | Unknown):
            return answer
        if isinstance(answer, soap.Fault):
            return Unknown(f"look-up of {reference}: {answer}")
        return [answers.standing(item) for item in answer.findall("DOCUMENTS/item")]

    async def _ask(
        self, function: str, parameters: soap.Parameters, within_ms: int | None = None
    ) -> Element | soap.Fault | Busy | Unknown:
        reply = await self._http.call(
            "POST",
            _SOAP,
            until=self._http.deadline(within_ms or self.timing.request_ms),
            headers={**self._headers, "SOAPAction": f'"{soap.FUNCTIONS}:{function}"'},
            content=soap.call(function, parameters),
        )
        if not isinstance(reply, Reply):
            return reply
        if reply.status not in (200, 500):  # SOAP 1.1 sends faults as 500
            return answers.enquiry(reply, self._clock.now())
        try:
            return soap.answer(reply.body)
        except BadAnswer as error:
            return Unknown(f"{reply}: {error}")

    async def _asked(self, what: str, function: str, parameters: soap.Parameters) -> Element | None:
        """Ask while a channel waits; None if the ERP has no such material."""
        within_ms = min(self.timing.enquiry_ms, self.timing.request_ms)
        answer = await self._ask(function, parameters, within_ms)
        if isinstance(answer, soap.Fault):
            if answer.code == "MATERIAL_NOT_FOUND":
                return None
            raise unavailable(what, Unknown(str(answer)), self.name)
        if isinstance(answer, Busy | Unknown):
            raise unavailable(what, answer, self.name)
        return answer


def _statuses(answer: Element, asked: Sequence[str]) -> dict[str, Outcome]:
    told = {
        soap.field(item, "DOCNUM"): answers.standing(item)
        for item in answer.findall("STATUSES/item")
    }
    return {each: told.get(each, Unknown(f"IDoc {each}: not in the answer")) for each in asked}
