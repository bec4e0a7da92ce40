"""Takes Loop's webhooks: each snapshot is compared with what was taken of its return before.

The sentence the code follows: *a snapshot is read beside its order and all that was taken of its
return; what it says beyond that is authorised, received and credited where the order is; of two
that find the same, the claim lets one through, and the other looks again.*
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from gateway.canonical.envelope import order_key
from gateway.canonical.unmapped import unmapped
from gateway.channels import reading
from gateway.channels.known import Memory
from gateway.channels.loop.credit import KnownReturn, Place, credit_of
from gateway.channels.loop.goods import AUTHORISATION, RECEIPT, Step, come, expected, restocked
from gateway.channels.reading import Payload
from gateway.errors import IdempotencyClash, NotFound, OwnerUndecidable
from gateway.flow.accept import Acceptor, Submission
from gateway.ports import Intake, Ledger
from gateway.routing.facts import Facts

#: Looks before giving up: as many webhooks of one return would have to be taken meanwhile.
LOOKS_MAX: Final = 5
_RETRY_S: Final = 60
CREDIT: Final = "return.credit"
#: What two messages of one name have to say alike to be one.
_CONTENT: Final[Mapping[str, tuple[str, ...]]] = {
    AUTHORISATION: ("status", "lines"),
    RECEIPT: ("node", "lines"),
    CREDIT: ("lines", "adjustments", "total"),
}
_WHAT: Final = {AUTHORISATION: "authorisation", RECEIPT: "receipt", CREDIT: "return"}
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class Platform:
    """A returns platform as configured: whose orders it takes back, and who books them.

    ``goods_came`` is ``closed`` if the goods of a closed return have come, or ``requested`` if only
    requests to restock say so.
    """

    channel: str
    legal_entity: str
    order_channel: str
    goods_came: str = "closed"


class Taken(NamedTuple):
    """What became of a webhook: ``authorisation``, ``receipt``, ``return`` or ``exception``.

    ``reference`` is what the message is called in its channel.
    """

    what: str
    transaction_id: str
    replayed: bool
    reference: str


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
        topic = reading.text(payload, "topic")
        if not return_id or not order_ref or topic not in {"return", "restock", ""}:
            return []
        place = Place(platform.legal_entity, platform.order_channel, order_ref)
        taken: list[Taken] = []
        for _ in range(LOOKS_MAX):
            known = await self._known(platform, place, return_id)
            if topic == "restock" and not known.authorised:
                said = f"return {return_id} is not known; send this again once it was told"
                raise OwnerUndecidable(said, _RETRY_S)
            try:
                taken += [
                    await self._follow(platform, place, step, text)
                    for step in _steps(platform, payload, known, place)
                ]
            except IdempotencyClash:
                continue  # somebody was quicker: what is left to say is another thing now
            return taken
        raise OwnerUndecidable(f"return {return_id} changes faster than it can be read", _RETRY_S)

    async def _known(self, platform: Platform, place: Place, return_id: str) -> KnownReturn:
        said = await self._memory.said(order_key(place.order_channel, place.order_ref))
        order = said.get((place.order_channel, "order.intake", place.order_ref))
        ours: dict[str, list[Mapping[str, Any]]] = {name: [] for name in _WHAT}
        elsewhere: list[Mapping[str, Any]] = []
        for (channel, process, reference), it in said.items():
            mine = channel == platform.channel and f"{reference}-".startswith(f"{return_id}-")
            if process in ours and mine:
                ours[process].append(it.body)
            elif process == CREDIT:
                elsewhere.append(it.body)
        return KnownReturn(
            order.body if order else {}, tuple(ours[CREDIT]), tuple(elsewhere),
            tuple(ours[AUTHORISATION]), tuple(ours[RECEIPT]),
        )  # fmt: skip

    async def _follow(self, platform: Platform, place: Place, step: Step, text: str) -> Taken:
        draft, process = step.draft, step.process
        body = unmapped(draft.body, draft.problems, text) if draft.problems else draft.body
        content = [draft.body.get(name) for name in _CONTENT[process]]
        digest = blake2b(f"{process}|{step.name}|".encode(), digest_size=16)
        digest.update(_encode(content))
        submission = Submission(
            process=process,
            channel=platform.channel,
            object_key=order_key(place.order_channel, place.order_ref),
            reference=step.name,
            facts=Facts(
                process=process,
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
        what = "exception" if draft.problems else _WHAT[process]
        return Taken(what, receipt.transaction_id, receipt.replayed, step.name)


def _steps(
    platform: Platform, payload: Payload, known: KnownReturn, place: Place
) -> Iterator[Step]:
    """Return what a webhook says beyond what is known, in the order in which it happens."""
    if reading.text(payload, "topic") == "restock":
        yield from restocked(payload, known, place)
        return
    if authorisation := expected(payload, known, place):
        yield authorisation
    if platform.goods_came == "closed":
        yield from come(payload, known, place)
    if credit := credit_of(payload, known, place):
        yield Step(CREDIT, credit.name, credit.draft)
