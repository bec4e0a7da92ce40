"""Many documents to the cloud ERP in one request, and many look-ups in one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

from gateway.canonical.envelope import Envelope, external_reference
from gateway.canonical.outcome import Busy, Cause, Outcome, Probed, Refused, Unknown
from gateway.canonical.process import Target
from gateway.clock import Clock
from gateway.erp.body import Overlong, Unsendable
from gateway.erp.cloud import answers
from gateway.erp.cloud.batch import PATH, PREFER, Operation, written
from gateway.erp.cloud.batch import answers as answers_of
from gateway.erp.cloud.documents import build, home, where
from gateway.erp.figures import BadAnswer
from gateway.erp.http import Reply
from gateway.erp.lookup import found

#: Answers to a whole batch that say that this ERP, or what stands before it, takes none.
_NOT_OFFERED: Final = frozenset({400, 404, 405, 413, 415, 501})

Answered = Sequence[Reply | None] | Busy | Unknown


class Call(Protocol):
    """How a request is made: with a good token, once, before a deadline."""

    def __call__(
        self, method: str, path: str, content: bytes, within_ms: int, more: Mapping[str, str]
    ) -> Awaitable[Reply | Busy | Unknown]: ...


class CloudBatches:
    """:class:`gateway.ports.Batches` in OData. ``offered`` ends once the ERP has refused one."""

    def __init__(self, call: Call, clock: Clock, request_of: Callable[[str], int]) -> None:
        self._call = call
        self._clock = clock
        self._request_of = request_of
        self.offered = True

    async def send_many(self, envelopes: Sequence[Envelope]) -> Mapping[str, Outcome]:
        """Send each document once, all in one request; outcomes by transaction id.

        Whatever has no answer of its own is unknown, and unknown outcomes are probed one by one.
        """
        outcomes: dict[str, Outcome] = {}
        sent: list[Envelope] = []
        operations: list[Operation] = []
        for envelope in envelopes:
            try:
                document = build(envelope)
            except Unsendable as error:
                cause = Cause.NOT_ACCEPTED if isinstance(error, Overlong) else Cause.POISON
                outcomes[envelope.transaction_id] = Refused(cause, f"not sent: {error}")
            else:
                sent.append(envelope)
                operations.append(Operation("POST", document.path, document.content))
        replies = await self._batch(operations, sent) if sent else []
        if isinstance(replies, Busy | Unknown):
            return outcomes | dict.fromkeys([it.transaction_id for it in sent], replies)
        for envelope, reply in zip(sent, replies, strict=True):
            reference = external_reference(envelope.transaction_id)
            outcomes[envelope.transaction_id] = (
                Unknown(f"{reference}: not in the batch's answer")
                if reply is None
                else answers.write(reply, reference, self._clock.now())
            )
        return outcomes

    async def probe_many(self, envelopes: Sequence[Envelope]) -> Mapping[str, Probed]:
        """Look for the documents of many messages in one request."""
        probed: dict[str, Probed] = {}
        asked: list[Envelope] = []
        operations: list[Operation] = []
        for envelope in envelopes:
            reference = external_reference(envelope.transaction_id)
            try:
                path = where(home(envelope), "externalDocumentNumber", reference)
            except Unsendable as error:
                probed[envelope.transaction_id] = Unknown(f"not asked: {error}")
            else:
                asked.append(envelope)
                operations.append(Operation("GET", path))
        replies = await self._batch(operations, asked) if asked else []
        if isinstance(replies, Busy | Unknown):
            return probed | dict.fromkeys([it.transaction_id for it in asked], replies)
        for envelope, reply in zip(asked, replies, strict=True):
            probed[envelope.transaction_id] = self._read(envelope, reply)
        return probed

    def _read(self, envelope: Envelope, reply: Reply | None) -> Probed:
        reference = external_reference(envelope.transaction_id)
        if reply is None:
            return Unknown(f"look-up of {reference}: not in the batch's answer")
        if reply.status != 200:
            return answers.query(reply, self._clock.now())
        try:
            rows = [answers.booked(row, reference) for row in answers.values(reply)]
        except BadAnswer as error:
            return Unknown(f"look-up of {reference}: {error}")
        return found(rows, Target.CLOUD, reference)

    async def _batch(
        self, operations: Sequence[Operation], envelopes: Sequence[Envelope]
    ) -> Answered:
        within_ms = max(self._request_of(envelope.process) for envelope in envelopes)
        reply = await self._call("POST", PATH, written(operations), within_ms, PREFER)
        if not isinstance(reply, Reply):
            return reply
        if reply.status in _NOT_OFFERED:
            self.offered = False
            return Busy(f"no batches are taken, so none was carried out: {reply}")
        if reply.status != 200:
            outcome = answers.write(reply, "", self._clock.now())
            return outcome if isinstance(outcome, Busy) else Unknown(str(reply))
        try:
            return answers_of(reply, operations)
        except BadAnswer as error:
            return Unknown(f"{reply}: {error}")
