"""Nobody has to read a regular expression to send a document: what is allowed is said in words."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from gateway import canonical
from gateway.canonical.base import ALLOWED, Document
from gateway.canonical.fields import validated
from gateway.canonical.order import Order
from gateway.errors import Invalid
from tests.unit.canonical.test_documents import ORDER, changed


def documents() -> list[type[BaseModel]]:
    """Every document there is."""
    for module in pkgutil.iter_modules(canonical.__path__, canonical.__name__ + "."):
        importlib.import_module(module.name)
    found, left = [], [Document]
    while left:
        below = left.pop().__subclasses__()
        found += below
        left += below
    return [it for it in found if it.__module__.startswith(canonical.__name__)]


def patterns(schema: Any) -> Iterator[str]:
    """Every pattern in a JSON Schema that a wrong text would be told of."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for inner in schema.values():
            yield from patterns(inner)
    if isinstance(schema, list):
        for inner in schema:
            yield from patterns(inner)


#: Money has a message of its own.
MONEY = re.compile(r"\^-\?\(\?:0\|.*")


def test_every_pattern_of_every_document_is_said_in_words() -> None:
    used = {one for it in documents() for one in patterns(it.model_json_schema())}
    assert len(documents()) > 20
    assert {it for it in used if not MONEY.match(it)} <= ALLOWED.keys()


@pytest.mark.parametrize(
    ("path", "to", "said"),
    [
        (("order_ref",), "S 1001",
         "must be 1 to 35 letters, digits and . _ : # -, beginning with a letter or digit; given "),
        (("order_ref",), "-1", "beginning with a letter or digit"),
        (("customer", "name"), "Pat\nSample",
         "must be text without line breaks, tabs and other control characters; given is "),
        (("ship_to", "country"), "nl", "must be an ISO 3166 code of two capital letters"),
        (("ship_to", "postal_code"), "1011_AB", "must be 1 to 10 letters, digits, spaces and -"),
        (("currency",), "eur", "must be an ISO 4217 code of three capital letters"),
        (("lines", 0, "sku"), "TEE/BLK", "must be 1 to 35 letters, digits and . _ -"),
        (("lines", 0, "taxes"), [{"amount": "7.35", "rate": "0.21e2"}],
         "must be a percentage below 100 with at most six decimals"),
        (("legal_entity",), "nl01", "must be 2 to 10 capital letters and digits"),
    ],
)  # fmt: skip
def test_a_wrong_text_is_told_what_it_may_be(
    path: tuple[str | int, ...], to: object, said: str
) -> None:
    with pytest.raises(Invalid) as error:
        validated(Order, changed(ORDER, *path, to=to))
    (field,) = [it for it in error.value.errors if said in it.detail]
    assert "match" not in field.detail
    assert "[" not in field.detail
