from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from simulators.catalogue import CATALOGUE_FILE, company_of_store, ean_is_valid, load_catalogue

HEADER = "sku,name,ean,unit,tax_category,price_eur,stock\n"


def test_the_catalogue_holds_about_sixty_articles_with_what_callers_rely_on() -> None:
    items = load_catalogue()
    assert 55 <= len(items) <= 70
    assert items["TEE-BLK-M"].price == Decimal("19.95")
    assert {item.tax_category for item in items.values()} == {"standard", "reduced", "zero"}
    assert all(item.stock > 0 and item.price > 0 for item in items.values())
    assert len({item.ean for item in items.values()}) == len(items)
    assert all(item.ean.startswith("20") for item in items.values()), "20: for use inside shops"


@pytest.mark.parametrize(
    ("ean", "valid"),
    [
        ("4006381333931", True),  # the textbook example
        ("4006381333930", False),
        ("400638133393", False),
        ("40063813339³1", False),
        ("", False),
    ],
)
def test_check_digits(ean: str, *, valid: bool) -> None:
    assert ean_is_valid(ean) is valid


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("sku,name\n", "columns are ['sku', 'name'], expected"),
        (HEADER + "A,a,2000000041071,EA,standard,1.00,1\n", ":2: EAN '2000000041071' has a wrong"),
        (HEADER + "A,a,2000000041070,EA,standard,free,1\n", ":2: price_eur 'free'"),
        (HEADER + "A,a,2000000041070,EA,standard,1.00,1\n" * 2, ":3: SKU 'A' stands there twice"),
    ],
)
def test_a_wrong_catalogue_names_file_line_and_value(
    tmp_path: Path, content: str, complaint: str
) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"wrong\.csv") as caught:
        load_catalogue(file)
    assert complaint in str(caught.value)


def test_stores_belong_to_the_company_of_their_country() -> None:
    assert company_of_store("NL-006") == "NL01"
    assert company_of_store("DE-004") == "DE01"
    assert company_of_store("FR-001") is None
    assert company_of_store("NL-1") is None


def test_the_catalogue_ships_beside_the_code() -> None:
    assert CATALOGUE_FILE.is_file()
