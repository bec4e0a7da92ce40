"""What the network and whatever stands in it make of an answer, after the request took effect.

One fault an answer at most. The caller knows a status and not the rest, or waits for the rest.
"""

from __future__ import annotations

import asyncio
import socket
import struct

from aiohttp import web

from simulators.counters import Counters
from simulators.faults import Fault, Faults

DRIPS = 20
"""Pieces a trickling answer comes in: each soon enough that no wait for *some* bytes runs out."""
PROXY_PAGE = b"<html><body><h1>Please wait while you are being redirected</h1></body></html>"


async def spoilt(
    request: web.Request, answer: web.StreamResponse, faults: Faults, counters: Counters
) -> web.StreamResponse:
    """The answer as it goes out: as it is, or what a fault makes of it."""
    if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
        return answer
    if not answer.body or request.transport is None or request.transport.is_closing():
        return answer
    if faults.fires("reset") is not None:
        counters.add("resets")
        return await _reset(request, answer, answer.body)
    fault = faults.fires("malformed")
    if fault is not None:
        counters.add("malformed_answers")
        return _unreadable(answer, answer.body, fault)
    fault = faults.fires("slow_drip")
    if fault is not None:
        counters.add("slow_drips")
        return await _dripped(request, answer, answer.body, fault)
    return answer


async def _reset(request: web.Request, answer: web.Response, body: bytes) -> web.StreamResponse:
    begun = await _begun(request, answer, body)
    transport = request.transport
    if begun is None or transport is None:
        return answer
    await _written(begun, body[: len(body) // 2])
    await asyncio.sleep(0.02)  # what a reset overtakes would never be seen
    given: socket.socket | None = transport.get_extra_info("socket")
    if given is not None:  # no lingering: the close is a reset
        given.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return begun


def _unreadable(answer: web.Response, body: bytes, fault: Fault) -> web.Response:
    if fault.mode == "html":
        headers = {"Content-Type": "text/html"}
        return web.Response(status=answer.status, body=PROXY_PAGE, headers=headers)
    answer.body = body[: len(body) // 2]
    return answer


async def _dripped(
    request: web.Request, answer: web.Response, body: bytes, fault: Fault
) -> web.StreamResponse:
    begun = await _begun(request, answer, body)
    if begun is None:
        return answer
    size = max(1, -(-len(body) // DRIPS))
    for at in range(0, len(body), size):
        await asyncio.sleep(fault.delay_s / DRIPS)
        if not await _written(begun, body[at : at + size]):
            break
    return begun


async def _begun(
    request: web.Request, answer: web.Response, body: bytes
) -> web.StreamResponse | None:
    """An answer of the same head whose head is sent; None if the caller has gone."""
    begun = web.StreamResponse(status=answer.status, headers=answer.headers)
    begun.content_length = len(body)
    try:
        await begun.prepare(request)
    except ConnectionError:
        return None
    return begun


async def _written(begun: web.StreamResponse, part: bytes) -> bool:
    try:
        await begun.write(part)
    except ConnectionError:
        return False
    return True
