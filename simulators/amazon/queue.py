"""A standard queue of Amazon SQS, spoken in its JSON protocol (application/x-amz-json-1.0).

ReceiveMessage, DeleteMessage and DeleteMessageBatch. What is received and not deleted within the
visibility timeout comes again. Requests have to be signed with the right access key; that the
signature itself is right is checked as well, by the published rules (Signature Version 4).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from aiohttp import web

from simulators.amazon.options import MarketOptions
from simulators.channel import Channel

NAME = "order-changes"
PATH = f"/000000000000/{NAME}"
TYPE = "application/x-amz-json-1.0"
RECEIVE_MAX = 10
WAIT_S_MAX = 20
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>(?P<day>\d{8})/(?P<region>[^/]+)/sqs/"
    r"aws4_request), ?SignedHeaders=(?P<names>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(slots=True)
class Message:
    """A message; `visible_s` is the monotonic time from which it is handed out (again)."""

    id: str
    body: str
    visible_s: float
    receipt: str = ""


class Queue:
    """Messages nobody has deleted yet."""

    def __init__(self, channel: Channel[MarketOptions]) -> None:
        self._channel = channel
        self._messages: dict[str, Message] = {}
        self._chance: Random = channel.chance("queue")
        self._came = asyncio.Event()

    def put(self, body: str) -> None:
        """Add a message."""
        made = Message(self._id(), body, self._channel.clock.monotonic_s())
        self._messages[made.id] = made
        self._channel.counters.add("in_queue")
        self._came.set()

    def _id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def take(self, most: int, hidden_s: float) -> list[Message]:
        """Hand out messages that may be seen now, in no particular order."""
        now_s = self._channel.clock.monotonic_s()
        seen = [it for it in self._messages.values() if it.visible_s <= now_s]
        self._chance.shuffle(seen)
        for it in seen[:most]:
            it.visible_s = now_s + hidden_s
            it.receipt = self._id()
        self._channel.counters.add("received", len(seen[:most]))
        return seen[:most]

    def delete(self, receipt: str) -> None:
        """Delete the message with this receipt; an old one deletes nothing."""
        for it in self._messages.values():
            if it.receipt == receipt:
                del self._messages[it.id]
                self._channel.counters.add("deleted")
                self._channel.counters.add("in_queue", -1)
                return

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a call of the protocol."""
        body = await request.read()
        options = self._channel.options
        if not _is_signed(request, body, options):
            return _error(403, "SignatureDoesNotMatch", "The request signature does not match")
        action = request.headers.get("X-Amz-Target", "").removeprefix("AmazonSQS.")
        try:
            asked = json.loads(body)
        except ValueError:
            return _error(400, "SerializationException", "the body is no JSON")
        if not str(asked.get("QueueUrl", "")).endswith(PATH):
            return _error(400, "QueueDoesNotExist", "The specified queue does not exist.")
        if action == "ReceiveMessage":
            return await self._receive(asked)
        deletions = {"DeleteMessage": [asked], "DeleteMessageBatch": asked.get("Entries") or []}
        if action not in deletions:
            return _error(400, "UnknownOperationException", f"no operation {action!r}")
        for entry in deletions[action]:
            self.delete(str(entry.get("ReceiptHandle", "")))
        done = [{"Id": it.get("Id")} for it in deletions[action]]
        single = action == "DeleteMessage"
        return _answer({} if single else {"Successful": done, "Failed": []})

    async def _receive(self, asked: Mapping[str, Any]) -> web.Response:
        most = int(asked.get("MaxNumberOfMessages", 1))
        if not 1 <= most <= RECEIVE_MAX:
            return _error(400, "InvalidParameterValue", "MaxNumberOfMessages must be from 1 to 10")
        hidden_s = float(asked.get("VisibilityTimeout", self._channel.options.visibility_s))
        until_s = self._channel.clock.monotonic_s() + min(
            WAIT_S_MAX, float(asked.get("WaitTimeSeconds", 0))
        )
        found = self.take(most, hidden_s)
        while not found:
            left_s = until_s - self._channel.clock.monotonic_s()
            if left_s <= 0:
                break
            self._came.clear()
            try:
                async with asyncio.timeout(min(left_s, 0.2)):  # hidden ones come back silently
                    await self._came.wait()
            except TimeoutError:
                pass
            found = self.take(most, hidden_s)
        rows = [
            {
                "MessageId": it.id,
                "ReceiptHandle": it.receipt,
                "MD5OfBody": hashlib.md5(it.body.encode(), usedforsecurity=False).hexdigest(),
                "Body": it.body,
            }
            for it in found
        ]
        return _answer({"Messages": rows} if rows else {})


def _answer(body: Mapping[str, Any]) -> web.Response:
    return web.Response(text=json.dumps(body), content_type=TYPE)


def _error(status: int, code: str, message: str) -> web.Response:
    body = {"__type": f"com.amazonaws.sqs#{code}", "message": message}
    return web.Response(text=json.dumps(body), content_type=TYPE, status=status)


def _is_signed(request: web.Request, body: bytes, options: MarketOptions) -> bool:
    found = _SIGNED.fullmatch(request.headers.get("Authorization", ""))
    if found is None or found["key"] != options.queue_key:
        return False
    names = found["names"].split(";")
    at = request.headers.get("X-Amz-Date", "")
    canonical = "\n".join(
        [
            request.method,
            request.raw_path.partition("?")[0],
            "",
            *(f"{name}:{request.headers.get(name, '').strip()}" for name in names),
            "",
            found["names"],
            hashlib.sha256(body).hexdigest(),
        ]
    )
    told = "\n".join(
        ["AWS4-HMAC-SHA256", at, found["scope"], hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = f"AWS4{options.queue_secret}".encode()
    for part in (found["day"], found["region"], "sqs", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(hmac.digest(key, told.encode(), "sha256").hex(), found["signature"])
