"""Reading files that people write: strict, with errors that name the file and the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from loadtests.errors import BadFile


class Strict(BaseModel):
    """Base of everything read from a file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read one YAML document into ``model``; raises BadFile naming file, key and reason."""
    try:
        content = yaml.safe_load(_text(path))
    except yaml.YAMLError as error:
        raise BadFile(path, "", f"not YAML: {error}") from error
    return validated(path, content, model)


def read_json(path: Path, model: type[Model]) -> Model:
    """Read one JSON document into ``model``; raises BadFile naming file, key and reason."""
    return validated(path, json_of(path), model)


def json_of(path: Path) -> Any:  # noqa: ANN401 -- JSON is of any type
    """Parse a JSON file; raises BadFile if it cannot be read or parsed."""
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise BadFile(path, f"line {error.lineno}", f"not JSON: {error.msg}") from error


def validated(path: Path | str, content: object, model: type[Model]) -> Model:
    """Check ``content`` of ``path`` against ``model``; raises BadFile for the first fault."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadFile(path, key, _reason(first["type"], first["msg"])) from error


def _reason(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "unknown key; remove it or correct its spelling"
    if kind == "missing":
        return "this key is missing; add it"
    return message


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadFile(path, "", f"cannot be read: {error.strerror}") from error
