"""The tax engine's web front: `POST /api/v2/transactions/create`, as AvaTax publishes it.

A `SalesOrder` is a calculation that is kept nowhere, so asking twice is harmless. What was asked
is in the books all the same, for audits and tests.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import deque
from decimal import ROUND_HALF_UP, Decimal
from hmac import compare_digest
from itertools import count
from typing import Any

from aiohttp import web

from simulators.catalogue import load_catalogue
from simulators.channel import Channel
from simulators.clock import Clock, SystemClock
from simulators.control import add_control
from simulators.tax.options import TaxOptions
from simulators.taxes import RATES

CENT = Decimal("0.01")
COUNTERS = ("calculated",)
WINDOW_S = 60.0


class BadTransaction(ValueError):
    """A transaction that cannot be calculated; `where` names the field."""

    def __init__(self, where: str, message: str) -> None:
        self.where = where
        super().__init__(message)


def tax_engine(options: TaxOptions, clock: Clock | None = None) -> Channel[TaxOptions]:
    """Build a simulated tax engine."""
    channel = Channel("tax", options, clock or SystemClock(), {}, COUNTERS)
    add_control(channel)
    channel.app.add_routes([web.post("/api/v2/transactions/create", _Front(channel).create)])
    return channel


class _Front:
    def __init__(self, channel: Channel[TaxOptions]) -> None:
        self._channel = channel
        self._categories = {sku: it.tax_category for sku, it in load_catalogue().items()}
        self._ids = count(85_000_000_001)
        self._calls: deque[float] = deque()
        secret = f"{channel.options.account}:{channel.options.license_key}".encode()
        self._authorization = b"Basic " + b64encode(secret)

    async def create(self, request: web.Request) -> web.Response:
        """Calculate one transaction."""
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not compare_digest(given, self._authorization):
            self._channel.counters.add("unauthorized_401")
            return _refused(401, "AuthenticationException", "Authentication failed.")
        if self._throttled():
            self._channel.counters.add("throttled_429")
            return _refused(429, "RateLimitExceeded", "Too many calls.", {"Retry-After": "1"})
        await self._channel.work()
        try:
            answer = self._calculated(json.loads(await request.text(), parse_float=Decimal))
        except BadTransaction as error:
            return _refused(400, "ValidationException", str(error), where=error.where)
        except (ValueError, TypeError, KeyError, ArithmeticError) as error:
            return _refused(400, "ValidationException", f"The transaction cannot be read: {error}")
        self._channel.counters.add("calculated")
        return web.json_response(answer, status=201, dumps=_dumps)

    def _throttled(self) -> bool:
        if self._channel.faults.fires("throttle") is not None:
            self._channel.counters.add("throttle_faults")
            return True
        now_s = self._channel.clock.monotonic_s()
        while self._calls and self._calls[0] <= now_s - WINDOW_S:
            self._calls.popleft()
        if len(self._calls) >= self._channel.options.calls_per_min:
            return True
        self._calls.append(now_s)
        return False

    def _calculated(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked.get("type") != "SalesOrder":
            raise BadTransaction("type", "Only SalesOrder is calculated here.")
        country = asked["addresses"]["shipTo"]["country"]
        if country not in RATES:
            raise BadTransaction("addresses.shipTo.country", f"No nexus in {country!r}.")
        lines = [self._line(line, country) for line in asked["lines"]]
        if not lines:
            raise BadTransaction("lines", "A transaction has lines.")
        total = sum((line["tax"] for line in lines), Decimal(0))
        answer = {
            "id": next(self._ids),
            "code": asked.get("code", ""),
            "companyCode": asked["companyCode"],
            "date": asked["date"],
            "type": "SalesOrder",
            "status": "Temporary",
            "currencyCode": asked["currencyCode"],
            "totalAmount": sum((line["lineAmount"] for line in lines), Decimal(0)),
            "totalTax": total,
            "lines": lines,
        }
        self._channel.books.enter("calculated", code=answer["code"], tax=f"{total:f}")
        return answer

    def _line(self, line: dict[str, Any], country: str) -> dict[str, Any]:
        amount = Decimal(line["amount"])
        category = line.get("taxCode") or self._categories.get(line.get("itemCode", ""), "standard")
        rates = RATES[country]
        if category not in rates:
            raise BadTransaction("lines.taxCode", f"Tax code {category!r} does not exist.")
        rate = rates[category]
        base = amount / (1 + rate) if line.get("taxIncluded") else amount
        taxable = base.quantize(CENT, ROUND_HALF_UP)
        tax = (base * rate).quantize(CENT, ROUND_HALF_UP)
        detail = {
            "country": country, "jurisName": country, "taxName": f"{country} VAT {category}",
            "rate": rate, "taxableAmount": taxable, "tax": tax,
        }  # fmt: skip
        return {
            "lineNumber": str(line["number"]),
            "itemCode": line.get("itemCode", ""),
            "taxCode": category,
            "lineAmount": taxable,
            "taxIncluded": bool(line.get("taxIncluded")),
            "tax": tax,
            "details": [detail],
        }


def _dumps(value: object) -> str:
    return json.dumps(value, default=float)  # cents are written as they are


def _refused(
    status: int,
    code: str,
    message: str,
    headers: dict[str, str] | None = None,
    where: str = "",
) -> web.Response:
    detail = {"code": code, "message": message, "severity": "Error", "refersTo": where}
    error = {"code": code, "message": message, "target": "Unknown", "details": [detail]}
    return web.json_response({"error": error}, status=status, headers=headers)
