"""What a channel's drafts are submitted as: an order, and what follows it."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final, Literal, NamedTuple, Protocol

import msgspec

from gateway.canonical.envelope import order_key
from gateway.canonical.unmapped import unmapped
from gateway.channels.draft import Draft, Terms
from gateway.channels.known import FollowUp
from gateway.flow.accept import Receipt, Submission
from gateway.routing.facts import Facts, shared

_encode: Final = msgspec.json.Encoder(order="deterministic").encode

What = Literal["order", "cancellation", "return", "payment", "exception"]


class Taken(NamedTuple):
    """What became of (a part of) what a channel sent."""

    what: What
    transaction_id: str
    replayed: bool


class Accepts(Protocol):
    """Takes submissions."""

    async def accept(self, submission: Submission) -> Receipt:
        """Take one, durably."""
        ...


def body_of(draft: Draft, received: str) -> dict[str, Any]:
    """Return a document, or if something is wrong with it the draft with what was received."""
    return unmapped(draft.body, draft.problems, received) if draft.problems else draft.body


def order_submission(
    channel: str, terms: Terms, draft: Draft, received: str, *, key: str | None = None
) -> Submission:
    """Return the submission of an order."""
    order_ref, to = draft.body["order_ref"], draft.body["ship_to"]
    facts = Facts(
        process="order.intake",
        channel=channel,
        legal_entity=terms.legal_entity,
        country=to["country"],
        region=to.get("region", ""),
        node=shared(line.get("node", "") for line in draft.body["lines"]),
        customer_group=draft.body["customer"].get("group", ""),
        customer_ref=draft.body["customer"]["ref"],
        order_ref=order_ref,
    )
    return Submission(
        process="order.intake",
        channel=channel,
        object_key=order_key(channel, order_ref),
        reference=order_ref,
        facts=facts,
        body=body_of(draft, received),
        digest=_digest("order.intake", order_ref, _encode(draft.body)),
        key=key,
    )


def follow_submission(
    channel: str, terms: Terms, order_ref: str, follow: FollowUp, received: str
) -> Submission:
    """Return the submission of what follows an order."""
    cancels = follow.process == "order.cancellation"
    reference = f"{order_ref}/{follow.name}" if cancels else follow.name
    # A reduction is compared by what it takes off; all else is told by its name alone.
    content = follow.draft.body.get("cancellation", {}).get("lines", [])
    return Submission(
        process=follow.process,
        channel=channel,
        object_key=order_key(channel, order_ref),
        reference=reference,
        facts=Facts(
            process=follow.process,
            channel=channel,
            legal_entity=terms.legal_entity,
            order_ref=order_ref,
        ),
        body=body_of(follow.draft, received),
        digest=_digest(follow.process, reference, _encode(content)),
        order_channel=channel,
        order_ref=order_ref,
    )


def _digest(process: str, reference: str, content: bytes) -> bytes:
    hashed = blake2b(f"{process}|{reference}|".encode(), digest_size=16)
    hashed.update(content)
    return hashed.digest()
