"""The books of the two ERPs, as the audit reads them: what was truly booked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from loadtests import messages
from loadtests.errors import BadFile

Erp = Literal["legacy", "cloud"]
ERPS: tuple[Erp, Erp] = ("legacy", "cloud")

#: What an external reference of ours begins with; the transaction id follows.
OURS = "CX-"

#: How the books call what a process books.
KINDS = {
    messages.ORDER: "order",
    messages.CANCELLATION: "cancellation",
    messages.RETURN: "return",
    messages.AUTHORISATION: "return_order",
    messages.RECEIPT: "return_receipt",
    messages.SALE: "store_sale",
}


@dataclass(frozen=True, slots=True)
class BookedLine:
    """One line of a document; ``tax`` is what it was told of, None if books do not state it.

    ``restock`` is false where a credit does not bring its goods.
    """

    line: int
    sku: str
    quantity: Decimal
    amount: Decimal
    tax: Decimal | None = None
    disposition: str = ""
    restock: bool = True


@dataclass(frozen=True, slots=True)
class Document:
    """One document in the books of ``erp``; ``sequence`` is the order of booking there.

    ``shipping`` and ``tax`` (all that the document was told of) are None where the books do not
    state them apart.
    """

    erp: Erp
    sequence: int
    number: str
    kind: str
    external_reference: str
    object_reference: str
    legal_entity: str
    currency: str
    lines: tuple[BookedLine, ...]
    total: Decimal
    shipping: Decimal | None = None
    tax: Decimal | None = None
    outcome: str | None = None
    return_reference: str = ""
    withdrawn: bool = False

    @property
    def transaction_id(self) -> str:
        """The transaction id it was booked under; "" if the reference is not one of ours."""
        mine = self.external_reference.startswith(OURS)
        return self.external_reference.removeprefix(OURS) if mine else ""

    @property
    def place(self) -> str:
        """Where to find it, for people."""
        return f"{self.erp} document {self.number} (sequence {self.sequence})"


def documents_of(erp: Erp, books: Mapping[str, Any], source: str) -> list[Document]:
    """Read the JSON books of ``erp``; raises BadFile naming ``source`` and the document."""
    documents = []
    try:
        listed = books["documents"]
    except (KeyError, TypeError) as error:
        raise BadFile(source, "documents", "missing: these are no books") from error
    for row in listed:
        try:
            documents.append(_document(erp, row))
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            number = row.get("number", "?") if isinstance(row, dict) else "?"
            raise BadFile(source, f"document {number}", f"cannot be read: {error!r}") from error
    return documents


def _document(erp: Erp, row: Mapping[str, Any]) -> Document:
    return Document(
        erp=erp,
        sequence=int(row["sequence"]),  # first: a row that is no object is a TypeError here
        number=str(row["number"]),
        kind=row["kind"],
        external_reference=row["external_reference"],
        object_reference=row["object_reference"],
        legal_entity=row["legal_entity"],
        currency=row["currency"],
        lines=tuple(_line(line) for line in row["lines"]),
        total=Decimal(row["total"]),
        shipping=Decimal(row["shipping"]) if "shipping" in row else None,
        tax=Decimal(row["told_tax"]) if "told_tax" in row else None,
        outcome=row.get("outcome"),
        return_reference=row.get("return_reference", ""),
        withdrawn=row.get("withdrawn", False),
    )


def _line(row: Mapping[str, Any]) -> BookedLine:
    quantity, amount = Decimal(row["quantity"]), Decimal(row["amount"])
    tax = None if row.get("tax") is None else Decimal(row["tax"])
    disposition, restock = row.get("disposition", ""), row.get("restock", True)
    return BookedLine(int(row["line"]), row["sku"], quantity, amount, tax, disposition, restock)
