"""Tax that is given back: all of it with all of the money, never more, whatever the pieces."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical.order import Order, Return
from gateway.policy.credits import Account, is_taxed, taxed
from tests.unit.erp.envelopes import order, returned

ZERO = Decimal(0)


def cents(value: int, digits: int = 2) -> Decimal:
    return Decimal(value).scaleb(-digits)


@st.composite
def lines_in_pieces(draw: st.DrawFn) -> tuple[Account, list[Decimal]]:
    """What was charged for a line, with or without minor units, and all of it in credits."""
    digits = draw(st.sampled_from((0, 2, 3)))
    gross = draw(st.integers(0, 200_000))
    tax = draw(st.integers(0, gross))
    cuts = sorted(draw(st.lists(st.integers(0, gross), max_size=8)))
    parts = [b - a for a, b in zip([0, *cuts], [*cuts, gross], strict=True)]
    account = Account(cents(gross, digits), cents(tax, digits), digits)
    return account, [cents(part, digits) for part in parts]


@given(lines_in_pieces())
def test_all_of_a_line_in_pieces_gives_back_its_tax_exactly(
    line: tuple[Account, list[Decimal]],
) -> None:
    account, parts = line
    for part in parts:
        tax = account.give(part)
        assert ZERO <= tax <= part
        assert account.tax_back <= account.tax
        assert tax == tax.quantize(Decimal(1).scaleb(-account.digits))
    assert account.tax_back == account.tax


@given(lines_in_pieces(), st.data())
def test_what_a_channel_states_in_between_counts(
    line: tuple[Account, list[Decimal]], data: st.DataObject
) -> None:
    """The last credit that states nothing makes up for it, as far as its own money goes."""
    account, parts = line
    for part in parts:
        room = int(min(part, account.tax - account.tax_back).scaleb(account.digits))
        stated = data.draw(st.none() | st.integers(0, room))
        account.give(part, None if stated is None else cents(stated, account.digits))
        assert account.tax_back <= account.tax
    assert ZERO <= account.tax_back <= account.tax


@given(lines_in_pieces(), st.integers(0, 10_000))
def test_more_money_than_was_charged_brings_no_more_tax(
    line: tuple[Account, list[Decimal]], more: int
) -> None:
    account, parts = line
    for part in [*parts, cents(more, account.digits)]:
        account.give(part)
    assert account.tax_back == account.tax


def test_what_cost_nothing_has_no_tax_to_give_back() -> None:
    assert Account(ZERO, ZERO).give(Decimal("1.00")) == ZERO


def of(*refunds: str, line: int = 1, **more: Any) -> Return:
    rows = [
        {"line": line + at, "sku": "TEE-BLK-M", "quantity": 1, "refund": refund}
        for at, refund in enumerate(refunds)
    ]
    shipping = more.get("shipping", "0.00")
    total = sum(map(Decimal, refunds), Decimal(shipping))
    return returned(lines=rows, total=str(total), **more)


def net(**changes: Any) -> Order:
    """A line of 3 at 10.00 with 6.30 beside it, shipping of 4.95 with 1.04."""
    line = {"line": 1, "sku": "TEE-BLK-M", "quantity": 3, "unit_price": "10.00", "tax": "6.30"}
    shipping = {"amount": "4.95", "tax": "1.04"}
    return order(**{"tax_included": False, "lines": [line], "shipping": shipping, "total": "42.29"}
                 | changes)  # fmt: skip


def test_prices_without_tax_give_back_the_share_of_what_was_paid() -> None:
    third = taxed(net(), [], of("12.10"))
    assert third.lines[0].tax == Decimal("2.10")
    rest = taxed(net(), [of("12.10")], of("24.20", shipping="5.99"))
    assert (rest.lines[0].tax, rest.shipping_tax) == (Decimal("4.20"), Decimal("1.04"))


def test_pieces_that_do_not_divide_evenly() -> None:
    """6.93 within 39.90: the halves are 3.465."""
    sold = order()
    first = taxed(sold, [], of("19.95"))
    then = taxed(sold, [of("19.95")], of("19.95"))
    assert [it.lines[0].tax for it in (first, then)] == [Decimal("3.47"), Decimal("3.46")]


def test_several_rates_are_kept_apart() -> None:
    lines = [
        {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "unit_price": "12.10", "tax": "2.10"},
        {"line": 2, "sku": "CAP-NVY-ONE", "quantity": 1, "unit_price": "10.90", "tax": "0.90"},
    ]
    sold = order(lines=lines, shipping={"amount": "1.21", "tax": "0.21"}, total="24.21")
    made = taxed(sold, [], of("12.10", "5.45", shipping="1.21"))
    assert [it.tax for it in made.lines] == [Decimal("2.10"), Decimal("0.45")]
    assert made.shipping_tax == Decimal("0.21")
    assert is_taxed(made)


def test_what_is_stated_stays_and_an_unknown_line_stays_without() -> None:
    made = taxed(order(), [], of("19.95", "5.00"))
    assert made.lines[1].tax is None, "the order has no line 2"
    assert not is_taxed(made)
    stated = returned(
        lines=[
            {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "refund": "19.95", "tax": "1.00"},
        ],
        total="19.95",
    )
    assert taxed(order(), [], stated).lines[0].tax == Decimal("1.00")
    assert taxed(order(), [stated], of("19.95")).lines[0].tax == Decimal("5.93")


@pytest.mark.parametrize(
    "changes", [{"shipping": "1.00", "shipping_tax": "1.01", "total": "11.00"},
                {"lines": [{"line": 1, "sku": "A", "quantity": 1, "refund": "10.00",
                            "tax": "10.01"}]}],
)  # fmt: skip
def test_no_amount_includes_more_tax_than_itself(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="which includes it"):
        returned(**changes)
