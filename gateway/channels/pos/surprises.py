"""What a POSLog has that nobody announced: elements and words that are not read here.

Names are those of ARTS/IXRetail POSLog 2.x that registers write. What is not among them stops
nothing, and is lost to the ERP: so it is counted, with what stood there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from gateway.canonical.exchange.drifting import EXAMPLE_CHARS_MAX, Surprise, Wholes
from gateway.channels.pos.markup import Node

#: Element → the elements that may stand in it. What is not listed is not looked into.
_KNOWN: Final[dict[str, frozenset[str]]] = {
    name: frozenset(inner.split())
    for name, inner in {
        "Transaction": "RetailStoreID OrganizationHierarchy RevenueCenterID WorkstationID TillID "
        "SequenceNumber BusinessDayDate BeginDateTime EndDateTime OperatorID CurrencyCode "
        "RetailTransaction ControlTransaction TenderControlTransaction BusinessEOD ReceiptNumber",
        "RetailTransaction": "LineItem Total Customer ItemCount PostVoid ReceiptDateTime "
        "PerformanceMetrics TransactionLink LoyaltyAccount",
        "LineItem": "SequenceNumber BeginDateTime EndDateTime Sale Return Tax Tender Discount "
        "CustomerOrderForPickup LoyaltyReward ItemLink",
        "Sale": "ItemID POSIdentity SpecialOrderNumber MerchandiseHierarchy Description "
        "RegularSalesUnitPrice ActualSalesUnitPrice ExtendedAmount ExtendedDiscountAmount Quantity "
        "Tax RetailPriceModifier ItemLink TransactionLink Associate SerialNumber UnitListPrice "
        "UnitCostPrice Reason ReasonCode Disposal",
        "Tender": "TenderID Amount TenderChange ItemLink Authorization CreditDebit Cash Check "
        "GiftCard Voucher Coupon Rounding ForeignCurrency",
    }.items()
}
_SAME: Final = {"Return": "Sale"}
#: (element, attribute) → the words it may say, in small letters.
_WORDS: Final[dict[tuple[str, str], frozenset[str]]] = {
    (name, attribute): frozenset(words.split())
    for (name, attribute), words in {
        ("RetailTransaction", "TransactionStatus"): "finished totaled delivered voided canceled "
        "cancelled suspended suspendedretrieved training postvoided resumed",
        ("Sale", "ItemType"): "stock service fee giftcertificate storedvalue giftcard deposit "
        "refund alteration coupon",
        ("Tender", "TypeCode"): "sale refund return",
        ("Total", "TotalType"): "transactionnetamount transactiontaxamount transactiongrandamount "
        "roundingamount transactiongrossamount transactiontotalsavings "
        "transactionnontaxableamount transactiontaxexemptamount",
    }.items()
}  # fmt: skip
#: Elements of a line of goods that always say something.
_ALWAYS: Final = ("ItemID", "ExtendedAmount", "Quantity")
#: Surprises of one file told apart; more than that are another kind of file.
APART_MAX: Final = 500


class PosLogSurprises:
    """Counts those of one file."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self.wholes = Wholes()

    def look(self, transaction: Node, reference: str) -> None:
        """Count what a transaction has; if it has something, keep it whole."""
        odd = list(_found(transaction, ""))
        if odd:
            self.wholes.add(reference, (found for found, _ in odd), transaction.written)
        for found, node in odd:
            if found not in self._counts and len(self._counts) >= APART_MAX:
                continue
            self._counts[found] += 1
            if found not in self._examples:
                said = node.written()[:EXAMPLE_CHARS_MAX]
                self._examples[found] = f"{said} in line {node.line}"

    def of(self, file: str) -> Sequence[Surprise]:
        """Return them with the file's name in their examples."""
        return [
            Surprise(found, f"{self._examples[found]} of {file}", times)
            for found, times in self._counts.items()
        ]


def _found(node: Node, above: str) -> Iterator[tuple[str, Node]]:
    at, name = f"{above}{node.name}", _SAME.get(node.name, node.name)
    for attribute, said in node.attributes.items():
        words = _WORDS.get((name, attribute))
        if words is not None and said.strip().lower() not in words:
            yield f"value:{at}.{attribute}={said[:40]}", node
    known = _KNOWN.get(name)
    if known is None:
        return
    for inner in node.children:
        if inner.name not in known:
            yield f"field:{at}.{inner.name[:40]}", inner
        elif (
            name == "Sale" and inner.name in _ALWAYS and not (inner.text.strip() or inner.children)
        ):
            yield f"null:{at}.{inner.name}", inner
        else:
            yield from _found(inner, f"{at}.")
