"""The demo's rule sets: templates filled in with the business day, read back, put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from loadtests.demo.errors import DemoError

TEMPLATES = Path(__file__).parent.parent / "rules"
_TODAY = "${today}"

_NOUNS = {
    "order.intake": "new orders",
    "store.sale": "store sales",
    "inventory.availability": "availability",
    "catalog.price": "prices",
    "catalog.product": "products",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the routing table for people: ``what`` of ``whom`` goes ``where``."""

    what: str
    whom: str
    where: str


def fill(name: str, today: date, folder: Path, templates: Path | None = None) -> Path:
    """Copy the rule set ``name`` into ``folder`` with the date filled in; return where it is.

    Raises DemoError if a token is left that nobody knows.
    """
    source, target = (templates or TEMPLATES) / name, folder / name
    files = sorted(source.rglob("*.yaml"))
    if not files:
        raise DemoError(f"{source} holds no rule files: is the installation complete?")
    for file in files:
        text = file.read_text(encoding="utf-8").replace(_TODAY, today.isoformat())
        _refuse_tokens(file, text)
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, encoding="utf-8")
    return target


def read(folder: Path) -> tuple[Mapping[str, Any], ...]:
    """All rules of the files under ``folder``, as they are written there."""
    rules: list[Mapping[str, Any]] = []
    for file in sorted(folder.rglob("*.yaml")):
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        rules += content["rules"]
    return tuple(rules)


def routes(rules: Sequence[Mapping[str, Any]]) -> list[Route]:
    """What the rules send elsewhere than the defaults do, in plain words."""
    return [
        Route(_NOUNS.get(rule["process"], rule["process"]), _whom(rule["when"]), _where(rule))
        for rule in rules
        if rule.get("when")
    ]


def _refuse_tokens(file: Path, text: str) -> None:
    for line in text.splitlines():
        written = line.split("#")[0]
        if "${" in written:
            raise DemoError(f"{file}: {written.strip()!r}: only {_TODAY} is filled in")


def _whom(when: Mapping[str, Any]) -> str:
    parts = []
    for dimension, wanted in when.items():
        if isinstance(wanted, Mapping):
            parts.append(" ".join(f"{edge} {value}" for edge, value in wanted.items()))
        elif isinstance(wanted, list):
            parts.append(", ".join(str(one) for one in wanted))
        elif dimension in ("channel", "legal_entity", "store"):
            parts.append(str(wanted))
        else:
            parts.append(f"{dimension} {wanted}")
    return " · ".join(parts)


def _where(rule: Mapping[str, Any]) -> str:
    if "shadow" in rule:
        return f"{rule['mode']}, compared with {rule['shadow']}"
    if rule["mode"] != "split":
        return str(rule["mode"])
    return f"{rule['cloud_percent']} % cloud by {rule['sticky_by']}"
