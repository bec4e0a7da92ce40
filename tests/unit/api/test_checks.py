from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.api import examples
from gateway.api.auth import Channel
from gateway.api.checks import Checks
from gateway.canonical.order import Order, Return
from gateway.canonical.sale import StoreSale
from gateway.errors import Forbidden, Invalid
from tests.unit.api.fakes import NOW, StoppedClock
from tests.unit.api.world import Plan

WEBSHOP = Channel("webshop", frozenset({"orders"}), ("NL01", "DE01", "JP01"))
OUTLET = Channel("outlet", frozenset({"orders"}), ("NL01",))

checks = Checks(Plan(), StoppedClock())


def order(**changes: Any) -> Order:
    return Order.model_validate(examples.ORDER | changes)


def returned(**changes: Any) -> Return:
    return Return.model_validate(examples.RETURN | changes)


def sale(**changes: Any) -> StoreSale:
    return StoreSale.model_validate(examples.STORE_SALES["transactions"][0] | changes)


def errors_of(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(error.pointer, error.detail) for error in refused.value.errors]


def test_the_examples_are_right() -> None:
    checks.order(WEBSHOP, order())
    checks.returned(WEBSHOP, returned())
    checks.sale("NL01", sale(), "/transactions/0")


@pytest.mark.parametrize(
    ("channel", "changes", "pointer", "detail"),
    [
        (
            WEBSHOP,
            {"legal_entity": "XX99"},
            "/legal_entity",
            "legal entity 'XX99' is not known; use NL01 or DE01 or JP01",
        ),
        (
            OUTLET,
            {"legal_entity": "DE01"},
            "/legal_entity",
            "channel 'outlet' may not name legal entity 'DE01'; it may name NL01",
        ),
        (
            WEBSHOP,
            {"currency": "USD"},
            "/currency",
            "currency 'USD' is not booked by legal entity NL01; use EUR",
        ),
        (
            WEBSHOP,
            {"legal_entity": "DE01", "currency": "USD"},
            "/currency",
            "currency 'USD' is not booked by legal entity DE01; use EUR or CHF",
        ),
        (
            WEBSHOP,
            {"ordered_at": "2026-11-24T10:00:00+00:00"},
            "/ordered_at",
            (
                "2026-11-24T10:00:00+00:00 is 3 days ahead of the gateway's clock "
                "(2026-11-21T10:00:00+00:00); check the sender's clock"
            ),
        ),
        (
            WEBSHOP,
            {"ordered_at": "2026-11-22T12:00:01+01:00"},
            "/ordered_at",
            (
                "2026-11-22T12:00:01+01:00 is 25 hours ahead of the gateway's clock "
                "(2026-11-21T10:00:00+00:00); check the sender's clock"
            ),
        ),
        (
            WEBSHOP,
            {"ordered_at": "2025-10-01T10:00:00Z"},
            "/ordered_at",
            (
                "2025-10-01T10:00:00+00:00 is 416 days ago; documents of the last 400 days are "
                "taken, check the year"
            ),
        ),
    ],
)
def test_an_order_that_contradicts_settings_or_clock(
    channel: Channel, changes: dict[str, Any], pointer: str, detail: str
) -> None:
    with pytest.raises(Invalid) as refused:
        checks.order(channel, order(**changes))
    assert errors_of(refused) == [(pointer, detail)]


def test_a_clock_may_run_ahead_as_far_as_configured_and_no_further() -> None:
    ahead = timedelta(seconds=Plan().future_s_max)
    checks.order(WEBSHOP, order(ordered_at=(NOW + ahead).isoformat()))
    with pytest.raises(Invalid):
        checks.order(WEBSHOP, order(ordered_at=(NOW + ahead + timedelta(seconds=1)).isoformat()))


def test_the_unit_in_which_a_skew_is_told_fits_its_size() -> None:
    strict = Checks(Plan(future_s_max=5), StoppedClock())
    for seconds, told in ((6, "6 seconds"), (150, "2 minutes"), (7200, "2 hours")):
        instant = (NOW + timedelta(seconds=seconds)).isoformat()
        with pytest.raises(Invalid) as refused:
            strict.order(WEBSHOP, order(ordered_at=instant))
        assert f" is {told} ahead of " in refused.value.errors[0].detail


def test_every_amount_must_fit_the_minor_unit_and_each_that_does_not_is_named() -> None:
    line = examples.ORDER["lines"][0] | {
        "unit_price": "19.955",
        "discount": "0.0100",
        "tax": "6.9333",
    }
    shipping = {"amount": "4.95", "tax": "0.001"}
    with pytest.raises(Invalid) as refused:
        checks.order(WEBSHOP, order(lines=[line], shipping=shipping, total="44.85"))
    assert errors_of(refused) == [
        ("/lines/0/unit_price", "19.955 has more than the 2 decimal places of EUR"),
        ("/lines/0/tax", "6.9333 has more than the 2 decimal places of EUR"),
        ("/shipping/tax", "0.001 has more than the 2 decimal places of EUR"),
    ]


def test_a_currency_without_minor_unit_takes_whole_amounts() -> None:
    line = examples.ORDER["lines"][0] | {"unit_price": "1995", "tax": "693.5"}
    yen = order(
        legal_entity="JP01",
        currency="JPY",
        lines=[line],
        shipping={"amount": "500.00", "tax": "50"},
        total="4490",
    )
    with pytest.raises(Invalid) as refused:
        checks.order(WEBSHOP, yen)
    assert errors_of(refused) == [
        ("/lines/0/tax", "693.5 has more than the 0 decimal places of JPY")
    ]


def test_all_that_is_wrong_with_an_order_is_told_at_once() -> None:
    line = examples.ORDER["lines"][0] | {"tax": "0.001"}
    with pytest.raises(Invalid) as refused:
        checks.order(
            WEBSHOP, order(currency="USD", ordered_at="2020-01-01T00:00:00Z", lines=[line])
        )
    assert [pointer for pointer, _ in errors_of(refused)] == [
        "/currency",
        "/ordered_at",
        "/lines/0/tax",
    ]


def test_a_return_names_a_channel_there_is() -> None:
    checks.returned(WEBSHOP, returned(order_channel=""))
    with pytest.raises(Invalid) as refused:
        checks.returned(
            OUTLET,
            returned(order_channel="fax", legal_entity="DE01", returned_at="2027-01-01T00:00:00Z"),
        )
    assert errors_of(refused) == [
        (
            "/legal_entity",
            "channel 'outlet' may not name legal entity 'DE01'; it may name NL01",
        ),
        (
            "/order_channel",
            "channel 'fax' is not known; name the channel the order came from",
        ),
        (
            "/returned_at",
            (
                "2027-01-01T00:00:00+00:00 is 40 days ahead of the gateway's clock "
                "(2026-11-21T10:00:00+00:00); check the sender's clock"
            ),
        ),
    ]


def test_refunds_fit_the_minor_unit() -> None:
    lines = [
        {"line": 1, "sku": "TEE-BLK-M", "quantity": 1, "refund": "9.975"},
        {"line": 2, "sku": "TEE-BLK-L", "quantity": 1, "refund": "9.975"},
    ]
    with pytest.raises(Invalid) as refused:
        checks.returned(WEBSHOP, returned(lines=lines))
    assert [pointer for pointer, _ in errors_of(refused)] == ["/lines/0/refund", "/lines/1/refund"]


@pytest.mark.parametrize("day", ["2026-11-22", "2026-11-21", "2025-10-17"])
def test_a_business_date_may_be_tomorrow_and_long_ago(day: str) -> None:
    checks.sale("NL01", sale(business_date=day), "")


@pytest.mark.parametrize(
    ("day", "detail"),
    [
        (
            "2026-11-23",
            (
                "2026-11-23 is 2 days ahead of the gateway's date (2026-11-21, UTC); check the "
                "register's date"
            ),
        ),
        (
            "2025-10-16",
            "2025-10-16 is 401 days ago; documents of the last 400 days are taken, check the year",
        ),
    ],
)
def test_a_business_date_out_of_range_is_told_at_its_place(day: str, detail: str) -> None:
    with pytest.raises(Invalid) as refused:
        checks.sale("NL01", sale(business_date=day), "/transactions/7")
    assert errors_of(refused) == [("/transactions/7/business_date", detail)]


def test_a_receipt_is_checked_for_currency_and_every_amount() -> None:
    tenders = [{"type": "cash", "amount": "20.005"}, {"type": "change", "amount": "-0.055"}]
    with pytest.raises(Invalid) as refused:
        checks.sale("NL01", sale(currency="CHF", tenders=tenders), "/transactions/0")
    assert errors_of(refused) == [
        (
            "/transactions/0/currency",
            "currency 'CHF' is not booked by legal entity NL01; use EUR",
        ),
        (
            "/transactions/0/tenders/0/amount",
            "20.005 has more than the 2 decimal places of CHF",
        ),
        (
            "/transactions/0/tenders/1/amount",
            "-0.055 has more than the 2 decimal places of CHF",
        ),
    ]


def test_a_store_is_known_and_of_an_entity_the_channel_may_name() -> None:
    assert checks.entity_of_store(WEBSHOP, "DE-001") == "DE01"
    for channel, store, detail in (
        (WEBSHOP, "FR-001", "store 'FR-001' is not known; check its code"),
        (
            OUTLET,
            "DE-001",
            "channel 'outlet' may not name legal entity 'DE01'; it may name NL01",
        ),
    ):
        with pytest.raises(Invalid) as refused:
            checks.entity_of_store(channel, store)
        assert errors_of(refused) == [("/store", detail)]


def test_an_enquiry_names_an_entity_unless_there_is_only_one() -> None:
    assert checks.entity_asked_for(WEBSHOP, "DE01") == "DE01"
    assert checks.entity_asked_for(OUTLET, "") == "NL01"
    with pytest.raises(Invalid) as refused:
        checks.entity_asked_for(WEBSHOP, "")
    assert refused.value.detail == (
        "legal_entity is missing; add ?legal_entity= with one of NL01 or DE01 or JP01"
    )
    with pytest.raises(Invalid, match="legal entity 'XX' is not known; use NL01 or DE01 or JP01"):
        checks.entity_asked_for(WEBSHOP, "XX")
    with pytest.raises(Forbidden, match="channel 'outlet' may not name legal entity 'DE01'"):
        checks.entity_asked_for(OUTLET, "DE01")
