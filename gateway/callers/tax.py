"""A tax engine that speaks AvaTax.

Source: developer.avalara.com, AvaTax REST v2, CreateTransaction with type ``SalesOrder``, which is
calculated and kept nowhere. Amounts are JSON numbers there; they are written and read digit by
digit.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import httpx
import msgspec

from gateway.canonical.breakdown import TaxPart
from gateway.canonical.outcome import Cause, Delayed, Refused
from gateway.canonical.taxation import TaxedLine, TaxQuestion, TaxQuoted

PATH: Final = "/api/v2/transactions/create"
_BUSY: Final = frozenset({401, 403, 404, 408, 429})
_EXCERPT_CHARS: Final = 200

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class _Detail(msgspec.Struct):
    tax: Decimal
    rate: Decimal = Decimal(0)
    jurisName: str = ""  # noqa: N815 -- AvaTax's name


class _Line(msgspec.Struct):
    lineNumber: str  # noqa: N815 -- AvaTax's name
    tax: Decimal
    taxCode: str = ""  # noqa: N815 -- AvaTax's name
    details: list[_Detail] = []


class _Answer(msgspec.Struct):
    id: int
    lines: list[_Line]


_decode: Final = msgspec.json.Decoder(_Answer).decode


class TaxCaller:
    """Implements :class:`gateway.ports.taxes.TaxEngine`. ``name`` is what the record calls it."""

    def __init__(
        self,
        url: str,
        account: str,
        license_key: str,
        request_s: float,
        name: str = "avatax",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._name = name
        self._client = httpx.AsyncClient(
            base_url=url, auth=(account, license_key), timeout=request_s, transport=transport,
            headers={"User-Agent": "coexist"}, trust_env=False,
        )  # fmt: skip

    async def quote(self, question: TaxQuestion) -> TaxQuoted | Refused | Delayed:
        """Ask once."""
        try:
            answer = await self._client.post(
                PATH, content=_encode(_body(question)), headers={"Content-Type": "application/json"}
            )
        except httpx.HTTPError as error:
            return Delayed(f"tax engine: {type(error).__name__}: {error}".rstrip(": "))
        said = " ".join(answer.text[: 4 * _EXCERPT_CHARS].split())[:_EXCERPT_CHARS]
        if answer.status_code >= 500 or answer.status_code in _BUSY:
            return Delayed(f"tax engine: {answer.status_code} {said}", _wait_ms(answer))
        if answer.status_code not in (200, 201):
            return Refused(Cause.TAX_DIFFERS, f"tax engine: {answer.status_code} {said}")
        try:
            return _quoted(_decode(answer.content), self._name)
        except (msgspec.MsgspecError, ValueError) as error:
            return Delayed(f"tax engine: {answer.status_code}, not understood: {error}")

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()


def _body(question: TaxQuestion) -> dict[str, object]:
    to = question.ship_to
    place = {
        "city": to.city,
        "region": to.region,
        "country": to.country,
        "postalCode": to.postal_code,
    }
    return {
        "type": "SalesOrder",
        "code": question.reference,
        "companyCode": question.legal_entity,
        "customerCode": question.channel,  # it has to name one: no person is told of
        "date": question.on.isoformat(),
        "currencyCode": question.currency,
        "addresses": {"shipTo": place},
        "lines": [_line(line, included=question.tax_included) for line in question.lines],
    }


def _line(line: TaxedLine, *, included: bool) -> dict[str, object]:
    return {
        "number": str(line.line),
        "quantity": line.quantity,
        "amount": line.amount,
        "itemCode": line.sku or "SHIPPING",
        **({"taxCode": line.category} if line.category else {}),
        "taxIncluded": included,
    }


def _quoted(answer: _Answer, name: str) -> TaxQuoted:
    lines = {
        int(line.lineNumber): tuple(
            _part(it.tax, jurisdiction=it.jurisName, rate=it.rate, category=line.taxCode)
            for it in line.details or [_Detail(line.tax)]
        )
        for line in answer.lines
    }
    return TaxQuoted(lines, f"{name} {answer.id}")


def _part(amount: Decimal, *, jurisdiction: str, rate: Decimal, category: str) -> TaxPart:
    percent = f"{(rate * 100).normalize():f}"
    return TaxPart.model_validate({
        "amount": f"{amount:f}",
        "jurisdiction": jurisdiction[:60],
        "rate": percent if rate else None,
        "category": category[:40],
    })  # fmt: skip


def _wait_ms(answer: httpx.Response) -> int | None:
    stated = answer.headers.get("Retry-After", "")
    return min(int(stated), 3600) * 1000 if stated.isdigit() else None
