"""The queue of notifications: Amazon SQS in its JSON protocol.

Source: docs.aws.amazon.com, SQS API reference (ReceiveMessage, DeleteMessageBatch).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from gateway.callers.amazon.signing import Key, signed
from gateway.canonical.exchange.pulling import QueueMessage
from gateway.clock import Clock
from gateway.errors import MarketUnavailable

#: As many as one call gives, or deletes.
AT_ONCE: Final = 10


class AmazonQueue:
    """Implements :class:`gateway.ports.marketplaces.NoticeQueue`."""

    def __init__(
        self, url: str, key: Key, client: httpx.AsyncClient, clock: Clock, wait_s: int
    ) -> None:
        self._url = url
        self._key = key
        self._client = client
        self._clock = clock
        self._wait_s = wait_s

    async def receive(self) -> Sequence[QueueMessage]:
        asked = {"MaxNumberOfMessages": AT_ONCE, "WaitTimeSeconds": self._wait_s}
        found = await self._call("ReceiveMessage", asked)
        return [
            QueueMessage(it["ReceiptHandle"], it["Body"])
            for it in found.get("Messages") or ()
            if isinstance(it.get("ReceiptHandle"), str) and isinstance(it.get("Body"), str)
        ]

    async def delete(self, receipts: Sequence[str]) -> None:
        for begin in range(0, len(receipts), AT_ONCE):
            entries = [
                {"Id": str(at), "ReceiptHandle": it}
                for at, it in enumerate(receipts[begin : begin + AT_ONCE])
            ]
            await self._call("DeleteMessageBatch", {"Entries": entries})

    async def _call(self, action: str, asked: Mapping[str, object]) -> dict[str, Any]:
        body = msgspec.json.encode({"QueueUrl": self._url, **asked})
        there = urlsplit(self._url)
        headers = {
            "host": there.netloc,
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"AmazonSQS.{action}",
        }
        sent = signed(self._key, "POST", "/", headers, body, self._clock.now())
        try:
            answer = await self._client.post(
                f"{there.scheme}://{there.netloc}/", content=body, headers=sent
            )
            found = msgspec.json.decode(answer.content)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise MarketUnavailable(f"queue {action}: {type(error).__name__}") from None
        if answer.status_code != 200 or not isinstance(found, dict):
            code = found.get("__type", "") if isinstance(found, dict) else ""
            raise MarketUnavailable(
                f"queue {action}: {answer.status_code} {str(code)[:80]}; check the queue's "
                "address, region and key"
            )
        return found
