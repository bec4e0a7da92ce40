"""Why a document cannot be booked, in no ERP's words yet.

The rules are the same in both simulated ERPs; the wording is not. Each ERP holds one table from
`Why` to its own text, and a test proves both tables complete.
"""

from __future__ import annotations

from enum import StrEnum


class Why(StrEnum):
    """The reasons; the facts that come with each are named in the comment."""

    UNKNOWN_ITEM = "unknown_item"  # sku, line
    UNKNOWN_CUSTOMER = "unknown_customer"  # customer
    CREDIT_BLOCK = "credit_block"  # customer
    UNKNOWN_ORDER = "unknown_order"  # reference
    UNKNOWN_LINE = "unknown_line"  # reference, line
    UNKNOWN_COMPANY = "unknown_company"  # company
    UNKNOWN_CURRENCY = "unknown_currency"  # currency, company
    BAD_QUANTITY = "bad_quantity"  # line, quantity
    BAD_AMOUNT = "bad_amount"  # line, amount
    DOUBLE_LINE = "double_line"  # line
    NO_LINES = "no_lines"
    CLOSED_PERIOD = "closed_period"  # period, date
    MORE_THAN_SOLD = "more_than_sold"  # line, quantity, sold
    MORE_THAN_EXPECTED = "more_than_expected"  # reference, line, quantity, expected
    CAME_ALREADY = "came_already"  # reference, line, came, quantity
    CONTROL_TOTAL = "control_total"  # what, stated, computed


class Refusal(Exception):
    """A business rule forbids the document; nothing was booked.

    `facts` are texts ready to be put into a template of the table of wordings.
    """

    def __init__(self, why: Why, **facts: object) -> None:
        self.why = why
        self.facts = {name: str(value) for name, value in facts.items()}
        super().__init__(f"{why}: {self.facts}")

    def worded(self, table: dict[Why, str]) -> str:
        """The reason in the words of the ERP that owns `table`."""
        return table[self.why].format(**self.facts)
