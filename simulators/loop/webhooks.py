"""Webhooks as the platform sends them: a full snapshot each, signed over text that is not sent.

The signature is made over the body with slashes escaped and without newlines; the body goes out
pretty-printed and unescaped, so that whoever signs what arrived is wrong.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from simulators.channel import Channel
from simulators.faults import FaultKind
from simulators.loop.options import LoopOptions
from simulators.loop.topics import told_of

TOTAL_S = 10.0
KINDS: Mapping[str, FaultKind] = {
    "duplicate_webhook": FaultKind(200, (), "a delivery that was taken comes again delay_ms later"),
    "disordered_webhook": FaultKind(3000, (), "a delivery is held back for delay_ms"),
    "missing_webhook": FaultKind(0, (), "a delivery is never made"),
    "wrong_signature": FaultKind(0, (), "a delivery comes wrongly signed first, then rightly"),
    "empty_payload": FaultKind(0, (), "a delivery of another trigger comes first, without content"),
    "clock_skew": FaultKind(
        600_000, ("ahead", "behind"), "the times of a return are delay_ms wrong"
    ),
    "schema_surprise": FaultKind(
        0, ("unknown_field", "null", "new_enum"), "the body has what nobody announced"
    ),
}  # fmt: skip
COUNTERS = (
    "webhooks_triggered",  # deliveries due, whatever became of them
    "webhooks_delivered",  # answered with a 2xx
    "webhook_attempts",  # requests made
    "webhooks_given_up",  # not taken in all attempts
    "webhooks_duplicated",  # sent again by the fault
    "webhooks_disordered",  # held back by the fault
    "webhooks_missing",  # dropped by the fault
    "webhooks_wrongly_signed",  # signed wrongly by the fault
    "webhooks_empty",  # sent without content by the fault
    "webhooks_surprising",  # with a body nobody announced
    "webhooks_skewed",  # with times the fault set wrong
    "lists",  # pages of returns that were answered
    "webhooks_pending",  # now: still to be delivered
)


def signature(body: bytes, secret: str) -> str:
    """What ``X-Loop-Signature`` says of a body."""
    text = body.replace(b"\n", b"").replace(b"\\/", b"/").replace(b"/", b"\\/")
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def surprising(channel: Channel[LoopOptions], body: dict[str, Any]) -> dict[str, Any]:
    """A snapshot, with what faults make of it: another content, another time."""
    skew = channel.faults.on("clock_skew")
    if skew is not None:
        channel.counters.add("webhooks_skewed")
        by = timedelta(seconds=-skew.delay_s if skew.mode == "behind" else skew.delay_s)
        for name in ("created_at", "edited_at"):
            if body.get(name):
                body[name] = (datetime.fromisoformat(body[name]) + by).isoformat()
    surprise = channel.faults.fires("schema_surprise")
    if surprise is not None:
        channel.counters.add("webhooks_surprising")
        if surprise.mode == "unknown_field":
            body["loyalty_v2"] = {"tier": "gold"}
        elif surprise.mode == "null":
            body |= {name: None for name in ("customer", "currency") if name in body}
        elif "state" in body:
            body["state"] = "triaged"
    return body


class Sender:
    """Sends what happened."""

    def __init__(self, channel: Channel[LoopOptions]) -> None:
        self._channel = channel
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()

    def tell(self, trigger: str, snapshot: Mapping[str, Any]) -> None:
        """Start the deliveries of what happened to a return, as it is now."""
        topics = frozenset(self._channel.options.topics.split(","))
        for body in told_of(trigger, snapshot, topics):
            self._send(body)

    def _send(self, body: dict[str, Any]) -> None:
        channel = self._channel
        channel.counters.add("webhooks_triggered")
        if not channel.options.hook:
            return
        if channel.faults.fires("missing_webhook"):
            channel.counters.add("webhooks_missing")
            return
        body = surprising(channel, body)
        channel.counters.add("webhooks_pending")
        text = json.dumps(body, indent=2).encode()
        channel.background(self._deliver(text, str(body["id"])))

    async def _deliver(self, body: bytes, return_id: str) -> None:
        channel, secret = self._channel, self._channel.options.secret
        try:
            disorder = channel.faults.fires("disordered_webhook")
            if disorder:
                channel.counters.add("webhooks_disordered")
                await asyncio.sleep(disorder.delay_s)
            if channel.faults.fires("empty_payload"):
                channel.counters.add("webhooks_empty")
                await self._attempt(b"{}", secret, return_id)
            if channel.faults.fires("wrong_signature"):
                channel.counters.add("webhooks_wrongly_signed")
                await self._attempt(body, "not-the-secret", return_id)
            if not await self._attempts(body, return_id):
                channel.counters.add("webhooks_given_up")
                return
            channel.counters.add("webhooks_delivered")
            duplicate = channel.faults.fires("duplicate_webhook")
            if duplicate:
                channel.counters.add("webhooks_duplicated")
                await asyncio.sleep(duplicate.delay_s)
                await self._attempt(body, secret, return_id)
        finally:
            channel.counters.add("webhooks_pending", -1)

    async def _attempts(self, body: bytes, return_id: str) -> bool:
        for attempt in range(self._channel.options.attempts):
            if attempt:
                await asyncio.sleep(self._channel.options.retry_s)
            if await self._attempt(body, self._channel.options.secret, return_id):
                return True
        return False

    async def _attempt(self, body: bytes, secret: str, return_id: str) -> bool:
        """Send once; whether a 2xx came in time. What it says was taken is entered in the books."""
        self._channel.counters.add("webhook_attempts")
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TOTAL_S))
        headers = {"Content-Type": "application/json", "X-Loop-Signature": signature(body, secret)}
        try:
            async with self._session.post(
                self._channel.options.hook, data=body, headers=headers, allow_redirects=False
            ) as answer:
                text = await answer.read()
                if not 200 <= answer.status < 300:
                    return False
                self._answered(text, return_id)
                return True
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    def _answered(self, text: bytes, return_id: str) -> None:
        with suppress(ValueError, TypeError, KeyError):  # whoever listens may answer anything
            for it in json.loads(text)["taken"]:
                self._channel.books.enter(
                    "answer", return_id=return_id, what=it["what"], reference=it["reference"],
                    transaction_id=it["transaction_id"], replayed=it["replayed"],
                )  # fmt: skip
