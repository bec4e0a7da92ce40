"""OData error bodies: `{"error": {"code", "message"}}`, the message ending in a correlation id."""

from __future__ import annotations

from simulators.refusals import Refusal, Why

DIALOG = "Application_DialogException"
WORDING: dict[Why, str] = {
    Why.UNKNOWN_ITEM: (
        "The Item does not exist. Identification fields and values: No.='{sku}' (line {line})"
    ),
    Why.UNKNOWN_CUSTOMER: (
        "The Customer does not exist. Identification fields and values: No.='{customer}'"
    ),
    Why.CREDIT_BLOCK: (
        "You cannot create this type of document when Customer {customer} is blocked with type All"
    ),
    Why.UNKNOWN_ORDER: (
        "The Sales Order does not exist. Identification fields and values: "
        "Channel Order Reference='{reference}'"
    ),
    Why.UNKNOWN_LINE: (
        "The Sales Order Line does not exist. Identification fields and values: "
        "Channel Order Reference='{reference}',Line='{line}'"
    ),
    Why.UNKNOWN_COMPANY: "The company '{company}' does not exist",
    Why.UNKNOWN_CURRENCY: (
        "The Currency does not exist. Identification fields and values: Code='{currency}' "
        "(company {company})"
    ),
    Why.BAD_QUANTITY: "Quantity must be positive in line {line}. Current value is '{quantity}'",
    Why.BAD_AMOUNT: "Line Amount must be positive in line {line}. Current value is '{amount}'",
    Why.MORE_THAN_SOLD: (
        "Return Qty. of line {line} would be {quantity}, it cannot be more than the {sold} sold"
    ),
    Why.MORE_THAN_EXPECTED: (
        "Return Qty. Received of line {line} would be {quantity}, return '{reference}' has "
        "{expected}"
    ),
    Why.CAME_ALREADY: (
        "Quantity of line {line} cannot be {quantity}: {came} of return '{reference}' are received"
    ),
    Why.DOUBLE_LINE: "The line already exists. Identification fields and values: Line='{line}'",
    Why.NO_LINES: "There is nothing to post: the document has no lines",
    Why.CLOSED_PERIOD: (
        "Posting Date is not within your range of allowed posting dates: {date} lies in the closed "
        "period {period}"
    ),
    Why.CONTROL_TOTAL: "{what} must be equal to '{computed}'. Current value is '{stated}'",
}


class ODataError(Exception):
    """A request that ends in an OData error. `retry_after_s` becomes a header if given."""

    def __init__(
        self, status: int, code: str, message: str, retry_after_s: int | None = None
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s
        super().__init__(f"{status} {code}: {message}")

    def body(self, correlation_id: str) -> dict[str, object]:
        """The error body."""
        message = f"{self.message}  CorrelationId:  {correlation_id}."
        return {"error": {"code": self.code, "message": message}}


def bad_request(message: str, what: str = "BadRequest") -> ODataError:
    """400 for a request that is wrongly formed."""
    return ODataError(400, what, message)


def dialog(refusal: Refusal) -> ODataError:
    """400 for a request a business rule refuses."""
    return ODataError(400, DIALOG, refusal.worded(WORDING) + ".")
