from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from simulators.books import Books, cents, money, plain
from tests.unit.simulators.test_trade import TEES, World


@pytest.fixture
def world() -> World:
    return World()


def test_books_read_on_from_a_sequence(world: World) -> None:
    for _ in range(5):
        world.order()
    books = world.trade.books
    assert [document.sequence for document in books.since(3)] == [4, 5]
    assert [document.sequence for document in books.since(1, limit=2)] == [2, 3]
    assert books.since(5) == []
    assert books.since(99) == []


def test_books_take_no_document_out_of_turn(world: World) -> None:
    document = world.order()
    with pytest.raises(ValueError, match="has sequence 1, the books expect 2"):
        world.trade.books.add(document)
    with pytest.raises(ValueError, match="expect 1"):
        Books().add(world.order())


def test_a_document_reads_as_agreed(world: World) -> None:
    document = world.order(lines=(TEES,), tax=Decimal("0.5"))
    assert document.as_json() == {
        "sequence": 1,
        "number": "order-0001",
        "kind": "order",
        "external_reference": "CX-1",
        "object_reference": "SHOP-1",
        "channel": "",
        "legal_entity": "NL01",
        "currency": "EUR",
        "lines": [
            {
                "line": 1,
                "sku": "TEE-BLK-M",
                "quantity": "3",
                "unit_price": "19.95",
                "amount": "59.85",
                "tax": "0.00",
            }
        ],
        "shipping": "4.95",
        "tax": "0.50",
        "told_tax": "0.00",
        "total": "65.30",
        "booked_at": "1970-01-01T00:16:40+00:00",
        "outcome": None,
    }


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (money, "5", "5.00"),
        (money, "5.1", "5.10"),
        (money, "1E+3", "1000.00"),
        (money, "0.3333", "0.3333"),
        (plain, "2.000", "2"),
        (plain, "1.500", "1.5"),
        (plain, "100", "100"),
        (plain, "1E+2", "100"),
    ],
)
def test_figures_are_written_exactly(
    write: Callable[[Decimal], str], value: str, text: str
) -> None:
    assert write(Decimal(value)) == text


def test_half_cents_round_up() -> None:
    assert cents(Decimal("29.925")) == Decimal("29.93")
    assert cents(Decimal("29.9249")) == Decimal("29.92")
