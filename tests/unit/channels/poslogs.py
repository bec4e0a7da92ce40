"""POSLog files for tests, written by hand as registers write them."""

from __future__ import annotations

from io import BytesIO
from zoneinfo import ZoneInfo

from gateway.canonical.sale import StoreSale
from gateway.channels.pos.files import PosLogFile, Stated
from gateway.channels.pos.poslog import Place
from gateway.flow.store_sales import Item

PLACES = {
    "502": Place("NL-001", "NL01", ZoneInfo("Europe/Amsterdam")),
    "503": Place("NL-002", "NL01", None),
}
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/">'


def sale(number: int = 1, *, price: str = "21.00", pieces: str = "1", net: str = "",
         item: str = "TEE-BLK-M", kind: str = "Sale", more: str = "") -> str:  # fmt: skip
    """A line of goods."""
    return (
        f"<LineItem><SequenceNumber>{number}</SequenceNumber><{kind} ItemType='Stock'>"
        f"<ItemID>{item}</ItemID><RegularSalesUnitPrice>{price}</RegularSalesUnitPrice>"
        f"<ActualSalesUnitPrice>{price}</ActualSalesUnitPrice>"
        f"<ExtendedAmount>{net or price}</ExtendedAmount><Quantity>{pieces}</Quantity>{more}"
        f"</{kind}></LineItem>"
    )


def void(number: int, of: int, *, pieces: str = "1") -> str:
    """The line that takes another one back."""
    return (
        f"<LineItem VoidFlag='true'><SequenceNumber>{number}</SequenceNumber><Sale><ItemID>x"
        f"</ItemID><Quantity>{pieces}</Quantity><ItemLink>{of}</ItemLink></Sale></LineItem>"
    )


def tender(amount: str, *, number: int = 90, change: str = "", kind: str = "Cash",
           code: str = "Sale") -> str:  # fmt: skip
    """How it was paid."""
    back = f"<TenderChange><Amount>{change}</Amount></TenderChange>" if change else ""
    return (
        f"<LineItem><SequenceNumber>{number}</SequenceNumber><Tender TenderType='{kind}' "
        f"TypeCode='{code}'><Amount>{amount}</Amount>{back}</Tender></LineItem>"
    )


def total(amount: str, kind: str = "TransactionGrandAmount") -> str:
    """A total."""
    return f"<Total TotalType='{kind}'>{amount}</Total>"


def transaction(
    number: int = 17, *parts: str, store: str = "502", register: str = "2",
    day: str = "2026-11-21", at: str = "2026-11-21T14:25:39", flags: str = "",
    body: str | None = None, status: str = "",
) -> str:  # fmt: skip
    """A transaction; without parts, a sale of 21.00 paid in cash."""
    parts = parts or (sale(), tender("21.00"), total("21.00"))
    inner = f"<RetailTransaction{status}>{''.join(parts)}</RetailTransaction>"
    return (
        f"\n <Transaction{flags}><RetailStoreID>{store}</RetailStoreID>"
        f"<WorkstationID>{register}</WorkstationID><SequenceNumber>{number}</SequenceNumber>"
        f"<BusinessDayDate>{day}</BusinessDayDate><EndDateTime>{at}</EndDateTime>"
        f"<CurrencyCode>EUR</CurrencyCode>{inner if body is None else body}</Transaction>"
    )


def totals(*parts: str) -> str:
    """Control totals."""
    return f"\n <ControlTotals>{''.join(parts)}</ControlTotals>"


def log(*parts: str) -> bytes:
    """A file."""
    return f"{HEAD}{''.join(parts)}\n</POSLog>\n".encode()


def read(content: bytes, *stated: Stated) -> PosLogFile:
    """Read a file that needs no totals, unless some are stated."""
    return PosLogFile(BytesIO(content), PLACES, stated, needs_totals=False)


def items(content: bytes) -> list[Item]:
    """Return what a file would have taken."""
    with read(content) as reading:
        return list(reading.items("pos", _right))


def _right(_entity: str, _sale: StoreSale) -> None:
    """Judge nothing."""
