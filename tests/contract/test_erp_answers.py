"""No answer is left to chance: what the simulators can say has a row, and comes out as it says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.canonical.outcome import Booked, Cause, Refused
from gateway.erp.cloud import answers as cloud
from gateway.erp.cloud import token
from gateway.erp.legacy import answers as legacy
from gateway.erp.meaning import Answer, Means, cause
from gateway.ports import Erp
from simulators.cloud.errors import WORDING as CLOUD_WORDING
from simulators.legacy.store import WORDING as LEGACY_WORDING
from simulators.refusals import Why
from tests.contract.erp_simulators import Simulator, new_order, send

ROOT = Path(__file__).parents[2]

#: What a refusal of the simulators means. A new one has to be given its meaning here.
CAUSES = {
    Why.UNKNOWN_ITEM: Cause.UNKNOWN_ITEM,
    Why.UNKNOWN_CUSTOMER: Cause.UNKNOWN_CUSTOMER,
    Why.CREDIT_BLOCK: Cause.CREDIT_BLOCK,
    Why.UNKNOWN_ORDER: Cause.UNKNOWN_ORDER,
    Why.CLOSED_PERIOD: Cause.CLOSED_PERIOD,
    Why.CONTROL_TOTAL: Cause.TOTAL_DIFFERS,
    Why.UNKNOWN_LINE: Cause.NOT_ACCEPTED,
    Why.UNKNOWN_COMPANY: Cause.NOT_ACCEPTED,
    Why.UNKNOWN_CURRENCY: Cause.NOT_ACCEPTED,
    Why.BAD_QUANTITY: Cause.NOT_ACCEPTED,
    Why.BAD_AMOUNT: Cause.NOT_ACCEPTED,
    Why.DOUBLE_LINE: Cause.NOT_ACCEPTED,
    Why.NO_LINES: Cause.NOT_ACCEPTED,
    Why.MORE_THAN_SOLD: Cause.NOT_ACCEPTED,
    Why.MORE_THAN_EXPECTED: Cause.NOT_ACCEPTED,
    Why.CAME_ALREADY: Cause.NOT_ACCEPTED,
}
FACTS = {
    "sku": "TEE", "line": "1", "customer": "C-1", "reference": "SHOP-1", "company": "NL01",
    "currency": "USD", "quantity": "0", "amount": "-1", "date": "2026-10-01", "period": "2026-10",
    "what": "Total", "stated": "1.00", "computed": "2.00", "sold": "2", "expected": "2",
    "came": "1",
}  # fmt: skip


@pytest.mark.parametrize("why", Why)
def test_every_refusal_has_its_cause_in_both_tables_of_words(why: Why) -> None:
    assert cause(cloud.WORDS, CLOUD_WORDING[why].format(**FACTS)) is CAUSES[why]
    assert cause(legacy.WORDS, LEGACY_WORDING[why].format(**FACTS)) is CAUSES[why]


def statuses_of(*files: str) -> Iterator[int]:
    """Every status a source file answers with: ``status=503``, ``ODataError(404, …`` and 200."""
    yield 200
    for file in files:
        for node in ast.walk(ast.parse((ROOT / "simulators" / file).read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            places = [it.value for it in node.keywords if it.arg == "status"] + node.args[:2]
            for place in places:
                value = place.value if isinstance(place, ast.Constant) else None
                if isinstance(value, int) and 200 <= value < 600:
                    yield value


@pytest.mark.parametrize(
    ("rows", "files"),
    [
        (cloud.ANSWERS, ("cloud/erp.py", "cloud/pages.py", "cloud/bodies.py", "cloud/errors.py",
                         "cloud/filters.py", "shell.py")),
        (legacy.ANSWERS, ("legacy/erp.py", "shell.py")),
        (token.ANSWERS, ("shell.py",)),
    ],
    ids=["cloud", "legacy", "token"],
)  # fmt: skip
def test_every_status_a_simulator_answers_with_has_a_row(
    rows: tuple[Answer, ...], files: tuple[str, ...]
) -> None:
    answered = set(statuses_of(*files))
    assert len(answered) >= 2
    assert answered <= {row.status for row in rows}


@pytest.mark.parametrize("rows", [cloud.ANSWERS, legacy.ANSWERS, token.ANSWERS])
def test_rows_of_a_status_cover_all_its_cases_and_none_is_never_reached(
    rows: tuple[Answer, ...],
) -> None:
    cases = [(worded, paused) for worded in (True, False) for paused in (True, False)]
    first_of: dict[tuple[int, bool, bool], Answer] = {}
    for row in rows:
        for worded, paused in cases:
            if row.fits(row.status, worded=worded, paused=paused):
                first_of.setdefault((row.status, worded, paused), row)
    assert all(row in first_of.values() for row in rows), "a row that no answer reaches"
    assert {row.status for row in rows} >= {200, 401, 403, 404, 429, 503}


def test_only_a_success_is_booked_or_stored_and_no_server_error_is_a_refusal() -> None:
    for row in (*cloud.ANSWERS, *legacy.ANSWERS):
        assert (row.means in (Means.BOOKED, Means.STORED)) == (row.status in (200, 201))
        if row.status >= 500:
            assert row.means in (Means.UNKNOWN, Means.CLOSED)


@pytest.mark.anyio
async def test_customers_that_are_missing_or_blocked_wait(erp: Erp, simulator: Simulator) -> None:
    customer = {"ref": "C-77", "name": "Ada Example"}
    for setting, wanted in (
        ("missing_customers", Cause.UNKNOWN_CUSTOMER),
        ("blocked_customers", Cause.CREDIT_BLOCK),
    ):
        simulator.set(**{setting: ["C-77"]})
        outcome = await send(erp, new_order(customer=customer))
        simulator.set(**{setting: []})
        assert isinstance(outcome, Refused)
        assert outcome.cause is wanted
        assert outcome.cause.waits
    assert isinstance(await send(erp, new_order(customer=customer)), Booked)
