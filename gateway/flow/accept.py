"""Accept: claim → decide → own → enqueue, in one durable step.

The sentence the code follows: *a submission is bound to its idempotency key, decided under the
marker its partition is under, and taken by one script that checks that marker, the claim and the
owner before it writes anything.* If the marker has moved on, it is decided again; if nobody knows
the owner of a follow-up, the owner is looked for and the step repeated. If that cannot be decided
now, it is taken all the same, and waits until it can (``flow/seek``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from gateway.canonical.envelope import ALPHABET, partition_of, transaction_id_of
from gateway.canonical.exchange import Accepted, Clash, Entry, Ownerless, Replay, Stale
from gateway.canonical.process import PROCESSES, Kind, Priority, Target
from gateway.clock import Clock, TokenPool
from gateway.errors import IdempotencyClash, RulesUnavailable
from gateway.flow.owners import OwnerFinder, Undecided
from gateway.flow.versions import RuleVersions
from gateway.ports import Intake
from gateway.routing.compile import Compiled
from gateway.routing.facts import Decision, Facts

_encode: Final = msgspec.json.Encoder().encode

#: The facts that apply; those that are "" are not written.
_Known: Final[Any] = msgspec.defstruct(
    "_Known", [(name, str, "") for name in Facts._fields], omit_defaults=True, gc=False
)


class _Wire(msgspec.Struct, gc=False):
    """:class:`~gateway.canonical.envelope.Envelope` as it is written."""

    transaction_id: str
    process: str
    channel: str
    object_key: str
    reference: str
    accepted_at: datetime
    facts: Any
    rule_id: str
    rule_version: str
    body: dict[str, Any] | msgspec.Raw


#: Looks at a moving marker before giving up: two flips in the time of one accept are two looks.
DECISIONS_MAX = 5


class Submission(msgspec.Struct, frozen=True, gc=False):
    """What a channel submitted, made canonical.

    ``reference`` is unique per channel and process; ``digest`` is 16 bytes over the received body;
    ``body`` is what becomes the envelope's body, as values or as JSON that is ready;
    ``key`` the ``Idempotency-Key`` header, if one was sent. ``order_channel`` and ``order_ref``
    name the order a follow-up is about, and ``order_entities`` the legal entities it may be of.
    ``owner`` is that of the object it belongs with, for an object that is to go the same way.
    """

    process: str
    channel: str
    object_key: str
    reference: str
    facts: Facts
    body: dict[str, Any] | msgspec.Raw
    digest: bytes
    key: str | None = None
    order_channel: str = ""
    order_ref: str = ""
    order_entities: tuple[str, ...] = ()
    owner: Target | None = None

    @property
    def claim(self) -> str:
        """The business claim: nobody else may use this reference for this process and channel."""
        return f"{self.channel}|{self.process}|{self.reference}"

    def located(self, legal_entity: str) -> Submission:
        """Fill in the legal entity its order was found in, where the channel named none."""
        if self.facts.legal_entity or not legal_entity or isinstance(self.body, msgspec.Raw):
            return self
        facts = self.facts._replace(legal_entity=legal_entity)
        return replace(self, facts=facts, body={**self.body, "legal_entity": legal_entity})


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What was taken: now, or (``replayed``) by the first of equal submissions."""

    transaction_id: str
    replayed: bool


def _all_are(priority: Priority) -> None:
    """Admit every class."""


class Acceptor:
    """Takes submissions for one installation of ``partitions`` partitions."""

    def __init__(
        self,
        intake: Intake,
        versions: RuleVersions,
        owners: OwnerFinder,
        clock: Clock,
        partitions: int,
        admit: Callable[[Priority], None] = _all_are,
    ) -> None:
        self._admit = admit
        self._intake = intake
        self._versions = versions
        self._owners = owners
        self._clock = clock
        self._partitions = partitions
        self._tokens = TokenPool(ALPHABET)

    async def accept(self, submission: Submission) -> Receipt:
        """Take a submission, or say that its first copy was taken.

        Raises:
            IdempotencyClash: key or reference were used with another body.
            NotFound: a follow-up on an order that no system knows.
            Unavailable: nothing can be said to be taken; a repeat with the same key is safe.
        """
        self._admit(PROCESSES[submission.process].priority)
        partition = partition_of(submission.object_key, self._partitions)
        now = self._clock.now()
        taken_as = transaction_id_of(partition, now, self._tokens.next())
        if submission.key is not None:
            taken_as = await self._bound(submission, submission.key, taken_as)
        answer = await self._take(submission, partition, taken_as, now)
        if isinstance(answer, Clash):
            raise IdempotencyClash(
                f"reference {submission.reference!r} was accepted before with a different body, as "
                f"transaction {answer.transaction_id}; send the same body, or a new reference"
            )
        return Receipt(answer.transaction_id, isinstance(answer, Replay))

    async def _bound(self, submission: Submission, key: str, proposed: str) -> str:
        """Reserve the idempotency key first, so that one key can never carry two bodies."""
        bound = await self._intake.reserve(
            f"{submission.channel}|key|{key}", proposed, submission.digest
        )
        if isinstance(bound, Clash):
            raise IdempotencyClash(
                f"Idempotency-Key {key!r} was used before with a different body; "
                "use a new key for a new request"
            )
        return bound.transaction_id

    async def _take(
        self, submission: Submission, partition: int, transaction_id: str, now: datetime
    ) -> Accepted | Replay | Clash:
        owner_found: Target | None = None
        undecided = False
        marker, rules = self._versions.known(partition) or await self._versions.at(partition)
        for _ in range(DECISIONS_MAX):
            entry = _entry(submission, transaction_id, now, marker.epoch, rules, owner_found)
            entry = replace(entry, undecided=True) if undecided else entry
            answer = await self._intake.accept(entry)
            if isinstance(answer, Stale):
                self._versions.learned(partition, answer.marker)
                marker, rules = await self._versions.at(partition)
            elif isinstance(answer, Ownerless):
                found = await self._owners.find(
                    submission.object_key,
                    submission.order_channel,
                    submission.order_ref,
                    submission.order_entities or (submission.facts.legal_entity,),
                )
                if isinstance(found, Undecided):
                    undecided = True
                    continue
                owner_found = found.owner
                submission = submission.located(found.legal_entity)
            else:
                return answer
        raise RulesUnavailable("the routing rules change faster than they can be read; repeat")


def _entry(
    submission: Submission,
    transaction_id: str,
    now: datetime,
    epoch: int,
    rules: Compiled,
    owner_found: Target | None,
) -> Entry:
    process = PROCESSES[submission.process]
    decision = rules.decide(submission.facts)
    return Entry(
        transaction_id,
        submission.object_key,
        submission.claim,
        submission.digest,
        epoch,
        _asked_target(process.kind, decision, submission.owner),
        int(process.priority),
        submission.channel,
        _payload(submission, transaction_id, now, decision),
        process.kind is Kind.FOLLOW_UP,
        process.pipelined,
        owner_found,
    )


def _payload(
    submission: Submission, transaction_id: str, now: datetime, decision: Decision
) -> bytes:
    """Write the envelope (:class:`~gateway.canonical.envelope.Envelope`) as JSON.

    Its values were validated on the way in: building and dumping the model again would cost
    as much as the rest of an accept.
    """
    return _encode(
        _Wire(
            transaction_id,
            submission.process,
            submission.channel,
            submission.object_key,
            submission.reference,
            now,
            _Known(*submission.facts),
            decision.rule_id,
            decision.version,
            submission.body,
        )
    )


def _asked_target(kind: Kind, decision: Decision, owner: Target | None) -> Target | None:
    """A follow-up goes to its owner whatever the rules say, unless they say to hold it."""
    if decision.target is Target.HOLD:
        return decision.target
    return None if kind is Kind.FOLLOW_UP else owner or decision.target
