"""The file-defined orders: priced as the catalogue says, taxed by country, about nobody real."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from loadtests import money
from loadtests.baskets import Baskets, run_tag
from loadtests.errors import BadFile
from loadtests.messages import Request
from loadtests.templates import ORDERS, OrderTemplates, load_fixtures

CATALOGUE = Path(__file__).parents[3] / "simulators" / "data" / "catalogue.csv"
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
FIXTURES = load_fixtures()


def orders(templates: OrderTemplates, seed: int, count: int = 300) -> list[Request]:
    baskets = Baskets(FIXTURES, templates, run_tag(seed), Random(seed), lambda: NOW, 50)
    return [baskets.order(f"r-{number}") for number in range(count)]


@pytest.fixture(params=["webshop", "marketplace"])
def templates(request: pytest.FixtureRequest) -> OrderTemplates:
    chosen: OrderTemplates = getattr(FIXTURES, request.param)
    return chosen


def test_every_sku_is_in_the_catalogue_at_the_same_price_and_tax() -> None:
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        catalogue = {row["sku"]: row for row in csv.DictReader(file)}
    for sku, price in FIXTURES.prices.items.items():
        assert sku in catalogue
        assert price.price == Decimal(catalogue[sku]["price_eur"]), sku
        assert price.tax == catalogue[sku]["tax_category"], sku


def test_orders_add_up_to_the_cent(templates: OrderTemplates, seed: int) -> None:
    for request in orders(templates, seed):
        body = json.loads(request.body)
        lines = [
            line["quantity"] * Decimal(line["unit_price"]) - Decimal(line["discount"])
            for line in body["lines"]
        ]
        (message,) = request.messages
        assert sum(lines) + Decimal(body["shipping"]["amount"]) == Decimal(body["total"])
        assert message.total == Decimal(body["total"])
        assert [line.amount for line in message.lines] == lines
        assert message.shipping == Decimal(body["shipping"]["amount"])
        assert min(lines) > 0


def test_money_travels_as_decimal_strings_with_two_places(seed: int) -> None:
    def floats(text: str) -> float:
        raise AssertionError(text)

    for request in orders(FIXTURES.webshop, seed, 50):
        body = json.loads(request.body, parse_float=floats)
        for line in body["lines"]:
            for name in ("unit_price", "discount", "tax"):
                assert Decimal(line[name]).as_tuple().exponent == -2


def test_taxes_are_those_of_the_country(seed: int) -> None:
    seen = set()
    for request in orders(FIXTURES.webshop, seed):
        body = json.loads(request.body)
        country = body["ship_to"]["country"]
        assert {"NL01": "NL", "DE01": "DE"}[body["legal_entity"]] == country
        for line in body["lines"]:
            amount = line["quantity"] * Decimal(line["unit_price"]) - Decimal(line["discount"])
            reduced = line["sku"] in ("BOOK-KNIT", "BOOK-CARE")
            rate = {"NL": (21, 9), "DE": (19, 7)}[country][reduced]
            exact = amount * rate / (100 + rate)
            assert abs(Decimal(line["tax"]) - exact) <= Decimal("0.005")
            seen.add((country, reduced))
    assert len(seen) == 4


def test_free_shipping_from_its_threshold_on(seed: int) -> None:
    for request in orders(FIXTURES.webshop, seed):
        (message,) = request.messages
        goods = (message.total or Decimal(0)) - message.shipping
        assert message.shipping == (0 if goods >= 75 else Decimal("4.95"))
    assert all(not request.messages[0].shipping for request in orders(FIXTURES.marketplace, seed))


def test_references_are_unique_and_differ_between_seeds() -> None:
    first = {request.messages[0].reference for request in orders(FIXTURES.webshop, 1)}
    second = {request.messages[0].reference for request in orders(FIXTURES.webshop, 2)}
    assert len(first) == len(second) == 300
    assert not first & second
    assert min(first).startswith(f"SHOP-{run_tag(1)}-")


def test_the_same_seed_makes_the_same_orders(templates: OrderTemplates, seed: int) -> None:
    assert orders(templates, seed) == orders(templates, seed)
    assert orders(templates, seed) != orders(templates, seed + 1)


def test_some_orders_carry_a_key_and_some_do_not(seed: int) -> None:
    keyed = [bool(request.headers) for request in orders(FIXTURES.webshop, seed)]
    assert 90 < sum(keyed) < 210
    for request in orders(FIXTURES.webshop, seed, 20):
        assert dict(request.headers) == (
            {"Idempotency-Key": request.messages[0].key} if request.messages[0].key else {}
        )


def test_customers_are_made_up_and_stay_the_same(seed: int) -> None:
    known: dict[str, object] = {}
    for request in orders(FIXTURES.webshop, seed, 1000):
        body = json.loads(request.body)
        customer = body["customer"]
        assert customer["email"].endswith("@example.com")
        assert known.setdefault(customer["ref"], customer) == customer
        assert request.messages[0].facts["customer_group"] == customer["group"]
    assert len(known) > 100
    assert {customer["group"] for customer in known.values()} == {"retail", "member", "staff"}  # type: ignore[index]


def test_both_entities_order(templates: OrderTemplates, seed: int) -> None:
    entities = [request.messages[0].legal_entity for request in orders(templates, seed)]
    assert min(entities.count("NL01"), entities.count("DE01")) > 90


@pytest.mark.parametrize(
    ("amount", "rate", "tax"),
    [
        ("121.00", "21", "21.00"),
        ("39.90", "21", "6.92"),
        ("19.95", "19", "3.19"),
        ("4.50", "0", "0.00"),
    ],
)
def test_tax_contained_in_an_amount(amount: str, rate: str, tax: str) -> None:
    assert money.tax_within(Decimal(amount), Decimal(rate)) == Decimal(tax)


def test_shares_of_a_line_round_half_up_and_all_pieces_cost_the_whole() -> None:
    assert money.share_of(Decimal("10.00"), 1, 3) == Decimal("3.33")
    assert money.share_of(Decimal("0.05"), 1, 2) == Decimal("0.03")
    assert money.share_of(Decimal("83.41"), 7, 7) == Decimal("83.41")


def test_a_template_with_an_unpriced_sku_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(ORDERS, tmp_path / "orders")
    path = folder / "pos.json"
    path.write_text(path.read_text(encoding="utf-8").replace("TOTE-ECO", "TOTE-GOLD"), "utf-8")
    with pytest.raises(BadFile) as error:
        load_fixtures(folder)
    assert str(error.value) == (
        f"{path}: template 'something small at the till': "
        "SKU TOTE-GOLD has no price; add it to prices.json"
    )


def test_a_template_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(ORDERS, tmp_path / "orders")
    path = folder / "webshop.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"free_from"', '"free"'), "utf-8")
    with pytest.raises(BadFile, match=r"webshop.json: shipping.free(_from)?: "):
        load_fixtures(folder)
