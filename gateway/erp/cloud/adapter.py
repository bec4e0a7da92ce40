"""The cloud ERP behind :class:`gateway.ports.Erp`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from urllib.parse import quote

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
from gateway.canonical.validation import NotOffered, Valid, Validated
from gateway.clock import Clock
from gateway.erp.body import Overlong, Unsendable
from gateway.erp.cloud import answers, customers
from gateway.erp.cloud.batches import CloudBatches
from gateway.erp.cloud.documents import DIMENSION, build, collection, home, where
from gateway.erp.cloud.exact import Json, loads
from gateway.erp.cloud.token import Tokens
from gateway.erp.cloud.validation import ACTION, differences
from gateway.erp.figures import BadAnswer, pieces, priced, unit
from gateway.erp.http import Http, Reply
from gateway.erp.lookup import alive, found, unavailable

# A look-up that finds nothing is final once no earlier request can still arrive and be booked:
#    60 s  our own deadline: the last byte leaves by then
# + 480 s  in the user's queue, at most 8 min (then 503)
# + 480 s  in execution, at most 8 min (then 408 and rolled back). The gateway's own limit of 10 min
#          ends only the wait for the answer, not the work, so it shortens nothing
# +  60 s  until a read sees the commit on every replica
CLOUD_TIMING: Final = Timing(request_ms=60_000, absent_final_ms=1_080_000, poll_ms=60_000)
"""Timings by the published limits; a simulated ERP may be given shorter ones."""

JSON_TYPE: Final = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class CloudAccess:
    """Where the ERP is and who we are there.

    ``token_url`` is where tokens come from, if not from ``url``. An item has no currency of its
    own, its price is in the company's: ``currencies`` says which by legal entity, ``currency`` is
    that of all others.
    """

    url: str
    tenant: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str
    token_url: str = ""
    currency: str = "EUR"
    currencies: Mapping[str, str] = field(default_factory=dict)


class CloudErp:
    """Posts documents, looks them up, asks for items. One instance serves concurrent calls."""

    name = Target.CLOUD

    def __init__(
        self,
        access: CloudAccess,
        timing: Timing,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.timing = timing
        self._enquiry_ms = min(timing.enquiry_ms, timing.request_ms)
        self._access = access
        self._clock = clock
        self._http = Http(access.url, clock, transport)
        self._login = self._http
        if access.token_url:
            self._login = Http(access.token_url, clock, transport)
        grant = {
            "client_id": access.client_id,
            "client_secret": access.client_secret,
            "scope": access.scope,
        }
        path = f"/{quote(access.tenant, safe='')}/oauth2/v2.0/token"
        self._tokens = Tokens(self._login, path, grant, clock)
        self.batches = CloudBatches(self._call, clock, timing.request_of)

    # ------------------------------------------------------------------ documents

    async def prepare(self, envelope: Envelope) -> Shaped | Refused | Delayed:
        """Return the message as it is: crosswalks are applied in front of this."""
        return Shaped.of(envelope)

    async def send(self, envelope: Envelope) -> Outcome:
        """Post the message's document; a 201 means it is booked."""
        try:
            document = build(envelope)
        except Overlong as error:
            return Refused(Cause.NOT_ACCEPTED, f"not sent: {error}")
        except Unsendable as error:
            return Refused(Cause.POISON, f"not sent: {error}")
        within_ms = self.timing.request_of(envelope.process)
        reply = await self._call("POST", document.path, document.content, within_ms)
        if not isinstance(reply, Reply):
            return reply
        reference = external_reference(envelope.transaction_id)
        return answers.write(reply, reference, self._clock.now())

    async def probe(self, envelope: Envelope) -> Probed:
        """Look for documents with the message's external reference."""
        documents = await self._documents(envelope)
        if not isinstance(documents, list):
            return documents
        return found(documents, self.name, external_reference(envelope.transaction_id))

    async def documents(self, envelope: Envelope) -> Sequence[str] | Busy | Unknown:
        """Return the numbers of all documents of the message."""
        documents = await self._documents(envelope)
        return alive(documents) if isinstance(documents, list) else documents

    async def validate(self, envelope: Envelope) -> Validated:
        """Ask the validate action; whatever is no answer to it says nothing of the document."""
        try:
            document = build(envelope)
        except Unsendable as error:
            return Refused(Cause.POISON, f"not sent: {error}")
        within_ms = self.timing.request_of(envelope.process)
        reply = await self._call("POST", document.path + ACTION, document.content, within_ms)
        if not isinstance(reply, Reply):
            return reply
        if reply.status in (404, 405):
            return NotOffered(f"{reply} (is the extension with the validate action installed?)")
        if reply.status != 200:
            refused = answers.write(reply, "", self._clock.now())
            return refused if isinstance(refused, Refused | Busy) else Unknown(str(reply))
        try:
            return Valid(differences(envelope, loads(reply.body)))
        except BadAnswer as error:
            return Unknown(f"{reply}: {error}")

    async def confirm(self, documents: Sequence[str]) -> Mapping[str, Outcome]:
        """Return nothing: this ERP never says "stored", so there is nothing to ask about."""
        del documents
        return {}

    # ------------------------------------------------------------------ customers

    async def find_customer(self, wish: Wish) -> Sequence[str] | Busy | Unknown:
        """Return the numbers of customers that carry the wish's reference."""
        path = collection(wish.legal_entity, "customers")
        rows = await self._rows(where(path, "externalReference", wish.reference))
        return customers.numbers(rows, wish) if isinstance(rows, list) else rows

    async def create_customer(self, wish: Wish) -> Booked | Refused | Busy | Unknown:
        """Create a customer; the number is of the company's series."""
        path = collection(wish.legal_entity, "customers")
        reply = await self._call("POST", path, customers.build(wish))
        if not isinstance(reply, Reply):
            return reply
        outcome = answers.write(reply, "", self._clock.now())
        return Unknown(str(reply)) if isinstance(outcome, Stored) else outcome

    # ------------------------------------------------------------------ enquiries

    async def has_order(self, channel: str, order_ref: str, legal_entity: str) -> bool:
        """Say whether the legal entity has an order of that channel's reference.

        One that was entered there without a channel, before the gateway, counts for any.
        """
        what = f"order {channel} {order_ref} of {legal_entity}"
        orders = collection(legal_entity, "salesOrders")
        query = where(orders, "channelOrderReference", order_ref)
        rows = await self._rows(query, self._enquiry_ms)
        if not isinstance(rows, list):
            raise unavailable(what, rows, self.name)
        ours = ("", None, channel.upper())
        return any(isinstance(row, dict) and row.get(DIMENSION) in ours for row in rows)

    async def availability(self, sku: str, legal_entity: str) -> Availability | None:
        """Return what may be promised: the stock in whole pieces, at least 0."""
        what = f"availability of {sku} in {legal_entity}"
        item = await self._item(what, sku, legal_entity)
        if item is None:
            return None
        try:
            return Availability(
                sku=sku,
                legal_entity=legal_entity,
                available=pieces(_figure(item, "inventory")),
                unit=unit(_text(item, "baseUnitOfMeasureCode")),
                as_of=self._clock.now(),
            )
        except BadAnswer as error:
            raise unavailable(what, Unknown(str(error)), self.name) from error

    async def price(self, sku: str, legal_entity: str) -> Price | None:
        """Return the sales price of one piece, padded to the minor digits of its currency."""
        what = f"price of {sku} in {legal_entity}"
        item = await self._item(what, sku, legal_entity)
        if item is None:
            return None
        currency = self._access.currencies.get(legal_entity, self._access.currency)
        try:
            return Price(
                sku=sku,
                legal_entity=legal_entity,
                currency=currency,
                unit_price=priced(_figure(item, "unitPrice"), currency),
                tax_included=item.get("priceIncludesTax") is not False,
                as_of=self._clock.now(),
            )
        except ValueError as error:  # BadAnswer, or a figure the canonical model does not take
            raise unavailable(what, Unknown(str(error)), self.name) from error

    async def product(self, sku: str, legal_entity: str) -> Product | None:
        """Return the item in canonical terms."""
        what = f"product {sku} in {legal_entity}"
        item = await self._item(what, sku, legal_entity)
        if item is None:
            return None
        try:
            return Product(
                sku=sku,
                name=_text(item, "displayName"),
                ean=answers.text_of(item, "gtin"),
                tax_category=_text(item, "taxGroupCode").lower(),
                unit=unit(_text(item, "baseUnitOfMeasureCode")),
            )
        except BadAnswer as error:
            raise unavailable(what, Unknown(str(error)), self.name) from error

    async def close(self) -> None:
        """Close connections; calls under way end."""
        await self._tokens.close()
        await self._http.close()
        if self._login is not self._http:
            await self._login.close()

    # ------------------------------------------------------------------ inside

    async def _documents(self, envelope: Envelope) -> list[Outcome] | Busy | Unknown:
        reference = external_reference(envelope.transaction_id)
        try:
            path = home(envelope)
        except Unsendable as error:
            return Unknown(f"not asked: {error}")
        rows = await self._rows(where(path, "externalDocumentNumber", reference))
        if not isinstance(rows, list):
            return rows
        try:
            return [answers.booked(row, reference) for row in rows]
        except BadAnswer as error:
            return Unknown(f"look-up of {reference}: {error}")

    async def _call(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        within_ms: int | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Reply | Busy | Unknown:
        """Call with a good token. A 401 did not run: with a new token it is tried once more.

        Both tries share one deadline.
        """
        until = self._http.deadline(within_ms or self.timing.request_ms)
        reply: Reply | Busy | Unknown = Busy("not sent")
        for _ in range(2):
            token = await self._tokens.get(until)
            if isinstance(token, Busy):
                return token
            headers = {"Authorization": f"Bearer {token}", **JSON_TYPE, **(more or {})}
            reply = await self._http.call(
                method, path, until=until, headers=headers, content=content
            )
            if not isinstance(reply, Reply) or reply.status != 401:
                break
            self._tokens.drop(token)
        return reply

    async def _rows(self, path: str, within_ms: int | None = None) -> list[Json] | Busy | Unknown:
        reply = await self._call("GET", path, within_ms=within_ms)
        if not isinstance(reply, Reply):
            return reply
        if reply.status != 200:
            return answers.query(reply, self._clock.now())
        try:
            return answers.values(reply)
        except BadAnswer as error:
            return Unknown(f"{reply}: {error}")

    async def _item(self, what: str, sku: str, legal_entity: str) -> dict[str, Json] | None:
        """Ask for an item while a channel waits; None if there is none of exactly that number."""
        path = where(collection(legal_entity, "items"), "number", sku)
        rows = await self._rows(path, self._enquiry_ms)
        if not isinstance(rows, list):
            raise unavailable(what, rows, self.name)
        # The ERP compares numbers regardless of case, the other one does not: take only the exact.
        for row in rows:
            if isinstance(row, dict) and row.get("number") == sku:
                return row
        return None


def _text(item: dict[str, Json], name: str) -> str:
    text = answers.text_of(item, name)
    if not text:
        raise BadAnswer(f"the item has no {name}")
    return text


def _figure(item: dict[str, Json], name: str) -> Decimal:
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadAnswer(f"{name} is {value!r}, expected a figure")
    return Decimal(value)
