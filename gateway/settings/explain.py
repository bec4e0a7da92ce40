"""Says to people what is wrong with a configuration: the key, the value, and what would do."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.canonical.base import ALLOWED

#: Of a setting that does not exist, so many of those that do are named.
_NAMED_MAX: Final = 12
#: How alike a name in the environment must be to a setting's to be taken for a slip: others may
#: begin as ours do, such as those that Kubernetes sets for a service of the name.
_SLIP: Final = 0.8
_VALUE_CHARS_MAX: Final = 80

#: Errors of values that cannot be secrets.
_OF_PLAIN_VALUES: Final = frozenset({
    "bool_parsing", "float_parsing", "float_type", "greater_than", "greater_than_equal",
    "int_from_float", "int_parsing", "int_type", "less_than", "less_than_equal", "literal_error",
})  # fmt: skip
_CREDENTIALS: Final = re.compile(r"//[^/@]*@")


def explained(error: ValidationError, root: type[BaseModel]) -> list[str]:
    """Return a line for each thing that is wrong: ``key: what is wrong with it``."""
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"] if part != "[key]")
        problem = _problem(item, root)
        lines.append(f"{key}: {problem}" if key else problem)
    return lines


def slips(
    environment: Mapping[str, str], prefix: str, root: type[BaseModel], others: Container[str]
) -> list[str]:
    """Return a line for each variable that is no setting but nearly has the name of one.

    ``others`` are variables of ours that are no settings.
    """
    known = [f"{prefix}{name}".upper() for name in root.model_fields]
    lines = []
    for variable in sorted(environment):
        top = variable.upper().partition("__")[0]
        if top.startswith(prefix) and top not in known and variable not in others:
            near = get_close_matches(top, known, 1, _SLIP)
            if near:
                lines.append(f"{variable}: there is no such setting; did you mean {near[0]}?")
    return lines


def _problem(item: ErrorDetails, root: type[BaseModel]) -> str:
    kind, said = item["type"], item["msg"].removeprefix("Value error, ")
    if kind == "missing":
        said = "is needed and not there"
    elif kind == "extra_forbidden":
        said = _unknown(str(item["loc"][-1]), _names(root, item["loc"][:-1]))
    elif kind == "string_pattern_mismatch" and item["ctx"]["pattern"] in ALLOWED:
        said = f"must be {ALLOWED[item['ctx']['pattern']]}, not {_value(item)}"
    elif kind in _OF_PLAIN_VALUES:
        said = f"{said}, not {_value(item)}"
    return said


def _value(item: ErrorDetails) -> str:
    shown = _CREDENTIALS.sub("//***@", repr(item["input"]))
    return shown if len(shown) <= _VALUE_CHARS_MAX else f"{shown[:_VALUE_CHARS_MAX]}…"


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    if near:
        return f"there is no such setting; did you mean {near[0]!r}?"
    named = ", ".join(known[:_NAMED_MAX]) + (", …" if len(known) > _NAMED_MAX else "")
    return "there is no such setting" + (f"; there are {named}" if named else "")


def _names(root: type[BaseModel], place: Iterable[int | str]) -> list[str]:
    """Return what may stand at a place, if a section stands there."""
    kind: Any = root
    for part in place:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(part))
            kind = field.annotation if field is not None else None
        else:  # by name, or in a list
            kind = get_args(kind)[-1] if get_args(kind) else None
        kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return sorted(kind.model_fields)
    return []


def _bare(kind: Any) -> Any:  # noqa: ANN401 -- an annotation
    """Return what an optional value is if it is there."""
    if get_origin(kind) in (Union, UnionType):
        return next((it for it in get_args(kind) if it is not type(None)), None)
    return kind
