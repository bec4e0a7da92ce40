"""`$filter`, as far as this service takes it: `property eq literal`, joined by `and`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from simulators.cloud.errors import bad_request

Edm = Literal["Edm.String", "Edm.Decimal", "Edm.Boolean", "Edm.Date", "Edm.Guid"]
Value = str | Decimal | bool
LENGTH_MAX = 2000

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^']|'')*')
    | (?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})
    | (?P<date>\d{4}-\d{2}-\d{2})
    | (?P<decimal>-?\d{1,15}(?:\.\d{1,6})?)
    | (?P<word>[A-Za-z_@][\w.@]*)
    )(?=\s|$)""",
    re.VERBOSE,
)
_LITERALS: dict[str, Edm] = {
    "string": "Edm.String",
    "guid": "Edm.Guid",
    "date": "Edm.Date",
    "decimal": "Edm.Decimal",
}


def parse_filter(text: str, properties: Mapping[str, Edm], entity: str) -> dict[str, Value]:
    """The values asked for, by property. Raises `ODataError` 400 naming what is wrong.

    A literal must be of its property's type; in strings a quote is written twice. Two different
    values for one property can never both hold and are refused as well.
    """
    tokens = _tokens(text)
    wanted: dict[str, Value] = {}
    for start in range(0, max(len(tokens), 1), 4):
        clause = tokens[start : start + 3]
        name, value = _clause(text, clause, properties, entity)
        if wanted.setdefault(name, value) != value:
            raise bad_request(f"$filter asks for two values of '{name}': {text}")
        joint = tokens[start + 3 : start + 4]
        if joint and joint[0] != ("word", "and"):
            raise bad_request(f"'{joint[0][1]}' is not supported in $filter, only 'and': {text}")
        if joint and start + 4 >= len(tokens):
            raise bad_request(f"Expression expected after 'and' in $filter: {text}")
    return wanted


def _tokens(text: str) -> list[tuple[str, str]]:
    if len(text) > LENGTH_MAX:
        raise bad_request(f"$filter has {len(text)} characters, at most {LENGTH_MAX} are taken")
    tokens: list[tuple[str, str]] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            rest = text[position:].strip()
            raise bad_request(f"Syntax error at position {position} in $filter: '{rest}'")
        tokens.append((match.lastgroup, match.group(match.lastgroup)))
        position = match.end()
    return tokens


def _clause(
    text: str, clause: list[tuple[str, str]], properties: Mapping[str, Edm], entity: str
) -> tuple[str, Value]:
    if len(clause) < 3:
        raise bad_request(f"Expression expected in $filter, 'property eq literal': '{text}'")
    (kind, name), (_, operator), (literal_kind, literal) = clause
    if kind != "word" or name not in properties:
        raise bad_request(f"Could not find a property named '{name}' on type '{entity}'")
    if operator != "eq":
        raise bad_request(f"The operator '{operator}' is not supported in $filter, only 'eq'")
    found: Edm
    value: Value
    if literal_kind == "word":
        if literal not in ("true", "false"):
            raise bad_request(f"'{literal}' is no literal in $filter; strings stand in quotes")
        found, value = "Edm.Boolean", literal == "true"
    else:
        found, value = _LITERALS[literal_kind], _value(literal_kind, literal)
    if found != properties[name]:
        raise bad_request(
            f"A binary operator with incompatible types was detected. Found operand types "
            f"'{properties[name]}' ({name}) and '{found}' ({literal}) for operator kind 'Equal'"
        )
    return name, value


def _value(kind: str, literal: str) -> Value:
    if kind == "string":
        return literal[1:-1].replace("''", "'")
    return Decimal(literal) if kind == "decimal" else literal.lower()
