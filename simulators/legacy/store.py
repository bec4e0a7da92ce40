"""The IDoc store: what came in waits in status 64 until a batch run posts it (53) or fails (51)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from xml.etree.ElementTree import Element

from simulators.books import Document, Draft, Kind
from simulators.legacy import idoc as reader
from simulators.options import LegacyOptions
from simulators.refusals import Refusal, Why
from simulators.shell import Shell

READY, POSTED, FAILED = "64", "53", "51"
FIRST_DOCNUM = 12_345
SERIES = {
    Kind.ORDER: ("", 12_001, 10),
    Kind.CANCELLATION: ("", 45_000_001, 10),
    Kind.RETURN: ("", 60_000_001, 10),
    Kind.STORE_SALE: ("", 90_000_001, 10),
    Kind.RETURN_ORDER: ("", 65_000_001, 10),
    Kind.RETURN_RECEIPT: ("", 49_000_001, 10),
}
WORDING: dict[Why, str] = {
    Why.UNKNOWN_ITEM: "Material {sku} is not maintained (item {line})",
    Why.UNKNOWN_CUSTOMER: "Customer {customer} is not maintained for the sales area",
    Why.CREDIT_BLOCK: "Credit check: the credit limit of customer {customer} is exceeded",
    Why.UNKNOWN_ORDER: "Sales document for customer reference {reference} does not exist",
    Why.UNKNOWN_LINE: "Item {line} does not exist in the order of reference {reference}",
    Why.UNKNOWN_COMPANY: "Company code {company} is not defined",
    Why.UNKNOWN_CURRENCY: "Currency {currency} is not allowed in company code {company}",
    Why.BAD_QUANTITY: "Enter a quantity above zero instead of {quantity} (item {line})",
    Why.BAD_AMOUNT: "Net value {amount} is not possible (item {line})",
    Why.MORE_THAN_SOLD: (
        "Return quantity {quantity} exceeds the delivered quantity {sold} (item {line})"
    ),
    Why.MORE_THAN_EXPECTED: (
        "Return quantity {quantity} exceeds the {expected} that return {reference} expects "
        "(item {line})"
    ),
    Why.CAME_ALREADY: (
        "Return {reference}: {came} were received already, {quantity} are too few (item {line})"
    ),
    Why.DOUBLE_LINE: "Item {line} occurs more than once",
    Why.NO_LINES: "The document has no items",
    Why.CLOSED_PERIOD: "Posting period {period} is not open (document date {date})",
    Why.CONTROL_TOTAL: "Control total {what} is {stated}, the items add up to {computed}",
}


@dataclass(slots=True)
class Idoc:
    """A stored IDoc. `visible_s` is the monotonic time from which look-ups see it.

    `draft` is None if the segments could not be read; `problem` then says why.
    """

    docnum: str
    kind: Kind | None
    reference: str
    order_reference: str
    channel: str
    draft: Draft | None
    visible_s: float
    status: str = READY
    text: str = "IDoc ready to be passed to application"
    problem: str = ""
    document: Document | None = None


class IdocStore:
    """All IDocs since the start, by number and by reference, and those waiting to be posted."""

    def __init__(self, shell: Shell[LegacyOptions]) -> None:
        self._shell = shell
        self._docnums = count(FIRST_DOCNUM)
        self._all: dict[str, Idoc] = {}
        self._by_reference: dict[str, list[Idoc]] = {}
        self._by_order: dict[str, list[Idoc]] = {}
        self._waiting: deque[Idoc] = deque()

    def store(self, idocs: Iterable[Element]) -> list[Idoc]:
        """Store in the order given, each with a number of its own."""
        stored = [self._read(idoc) for idoc in idocs]
        for idoc in stored:
            self._index(idoc)
            self._waiting.append(idoc)
        self._shell.counters.add("stored", len(stored))
        self._shell.counters.add("pending_postings", len(stored))
        return stored

    def adopt(self, document: Document) -> None:
        """Add the posted IDoc of an order that was there before."""
        self._index(
            Idoc(
                docnum=self._docnum(),
                kind=document.kind,
                reference=document.external_reference,
                order_reference=document.object_reference,
                channel=document.channel,
                draft=None,
                visible_s=float("-inf"),
                status=POSTED,
                text=_saved(document),
                document=document,
            )
        )

    def post(self, how_many: int) -> int:
        """Post up to so many waiting IDocs in the order they were stored; how many there were."""
        done = 0
        while self._waiting and done < how_many:
            self._post(self._waiting.popleft())
            done += 1
        self._shell.counters.add("pending_postings", -done)
        return done

    def get(self, docnum: str) -> Idoc | None:
        """The IDoc with the number, leading zeros given or not."""
        return self._all.get(docnum.zfill(16))

    def find(self, reference: str) -> list[Idoc]:
        """The visible IDocs with the external reference, posted or not, in storage order."""
        return self._visible(self._by_reference.get(reference, ()))

    def find_orders(self, order_reference: str, channel: str = "") -> list[Idoc]:
        """The visible IDocs that are orders of the reference, posted or not, in storage order.

        With a channel: those of that channel, and such as were entered without one.
        """
        found = self._visible(self._by_order.get(order_reference, ()))
        return [idoc for idoc in found if not channel or idoc.channel in ("", channel)]

    # ------------------------------------------------------------------ inside

    def _docnum(self) -> str:
        return f"{next(self._docnums):016d}"

    def _read(self, element: Element) -> Idoc:
        """Read the segments; what cannot be read is stored all the same and fails when posted."""
        idoc = Idoc(
            docnum=self._docnum(),
            kind=None,
            reference=reader.external_reference(element),
            order_reference=reader.order_reference(element),
            channel=reader.channel(element),
            draft=None,
            visible_s=self._shell.visible_from_s(),
        )
        try:
            idoc.kind = reader.kind_of(element)
            idoc.draft = reader.draft_of(element)
        except reader.BadSegment as error:
            idoc.problem = str(error)
        return idoc

    def _index(self, idoc: Idoc) -> None:
        self._all[idoc.docnum] = idoc
        if idoc.reference:
            self._by_reference.setdefault(idoc.reference, []).append(idoc)
        if idoc.kind is Kind.ORDER:
            self._by_order.setdefault(idoc.order_reference, []).append(idoc)

    def _post(self, idoc: Idoc) -> None:
        if idoc.draft is None:
            self._fail(idoc, idoc.problem)
            return
        try:
            idoc.document = self._shell.book(idoc.draft)
        except Refusal as refusal:
            self._fail(idoc, refusal.worded(WORDING))
        else:
            idoc.status, idoc.text = POSTED, _saved(idoc.document)

    def _fail(self, idoc: Idoc, text: str) -> None:
        idoc.status, idoc.text = FAILED, text
        self._shell.counters.add("failed_postings")

    def _visible(self, idocs: Iterable[Idoc]) -> list[Idoc]:
        now_s = self._shell.clock.monotonic_s()
        everything = list(idocs)
        visible = [idoc for idoc in everything if idoc.visible_s <= now_s]
        if len(visible) < len(everything):
            self._shell.counters.add("lagged_lookups")
        return visible


def _saved(document: Document) -> str:
    name = document.kind.value.replace("_", " ")
    return f"Document {document.number} ({name}) was saved"
