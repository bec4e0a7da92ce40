"""Takes Loop's webhooks: each snapshot is compared with what was credited of its return before.

The sentence the code follows: *a snapshot is read beside its order and all that was taken of its
return; what it says beyond that is credited where the order is; of two that find the same, the
claim lets one through, and the other looks again.*
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from gateway.canonical.envelope import order_key
from gateway.canonical.unmapped import unmapped
from gateway.channels import reading
from gateway.channels.known import Memory
from gateway.channels.loop.credit import Credit, KnownReturn, Place, credit_of
from gateway.channels.reading import Payload
from gateway.errors import IdempotencyClash, NotFound, OwnerUndecidable
from gateway.flow.accept import Acceptor, Submission
from gateway.ports import Intake, Ledger
from gateway.routing.facts import Facts

#: Looks before giving up: as many webhooks of one return would have to be taken meanwhile.
LOOKS_MAX: Final = 5
_RETRY_S: Final = 60
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class Platform:
    """A returns platform as configured: whose orders it takes back, and who books them."""

    channel: str
    legal_entity: str
    order_channel: str


class Taken(NamedTuple):
    """What became of a webhook: ``return`` or ``exception``."""

    what: str
    transaction_id: str
    replayed: bool


class LoopIntake:
    """Takes the webhooks of all returns platforms of an installation."""

    def __init__(self, acceptor: Acceptor, buffer: Intake, ledger: Ledger) -> None:
        self._acceptor = acceptor
        self._memory = Memory(buffer, ledger)

    async def take(self, platform: Platform, payload: Payload, text: str) -> list[Taken]:
        """Take what a webhook says; an empty list if that is nothing new, or nothing to book.

        Raises :class:`~gateway.errors.Unavailable` if nothing can be said to be taken, also while
        the order is not known: a repeat is safe.
        """
        return_id = reading.text(payload, "id", 24)
        order_ref = reading.text(payload, "provider_order_id", 35)
        if not return_id or not order_ref or reading.text(payload, "topic") not in {"return", ""}:
            return []
        place = Place(platform.legal_entity, platform.order_channel, order_ref)
        for _ in range(LOOKS_MAX):
            known = await self._known(platform, place, return_id)
            credit = credit_of(payload, known, place)
            if credit is None:
                return []
            try:
                return [await self._follow(platform, place, credit, text)]
            except IdempotencyClash:
                continue  # somebody was quicker: what is left to say is another thing now
        raise OwnerUndecidable(f"return {return_id} changes faster than it can be read", _RETRY_S)

    async def _known(self, platform: Platform, place: Place, return_id: str) -> KnownReturn:
        said = await self._memory.said(order_key(place.order_channel, place.order_ref))
        order = said.get((place.order_channel, "order.intake", place.order_ref))
        credits_: list[Mapping[str, Any]] = []
        elsewhere: list[Mapping[str, Any]] = []
        for (channel, process, reference), it in said.items():
            if process != "return.credit":
                continue
            ours = channel == platform.channel and f"{reference}-".startswith(f"{return_id}-")
            (credits_ if ours else elsewhere).append(it.body)
        return KnownReturn(order.body if order else {}, tuple(credits_), tuple(elsewhere))

    async def _follow(self, platform: Platform, place: Place, credit: Credit, text: str) -> Taken:
        draft = credit.draft
        body = unmapped(draft.body, draft.problems, text) if draft.problems else draft.body
        content = [draft.body.get(name) for name in ("lines", "adjustments", "total")]
        digest = blake2b(f"return.credit|{credit.name}|".encode(), digest_size=16)
        digest.update(_encode(content))
        submission = Submission(
            process="return.credit",
            channel=platform.channel,
            object_key=order_key(place.order_channel, place.order_ref),
            reference=credit.name,
            facts=Facts(
                process="return.credit",
                channel=platform.channel,
                legal_entity=place.legal_entity,
                order_ref=place.order_ref,
            ),
            body=body,
            digest=digest.digest(),
            order_channel=place.order_channel,
            order_ref=place.order_ref,
        )
        try:
            receipt = await self._acceptor.accept(submission)
        except NotFound as error:
            raise OwnerUndecidable(error.detail, _RETRY_S) from None
        what = "exception" if draft.problems else "return"
        return Taken(what, receipt.transaction_id, receipt.replayed)
