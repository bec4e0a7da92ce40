from __future__ import annotations

import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.errors import RulesError
from gateway.routing.loader import load
from gateway.routing.model import Vocabulary

DEFAULTS = {
    "order.intake": "legacy",
    "order.cancellation": "owner",
    "return.credit": "owner",
    "store.sale": "legacy",
    "inventory.availability": "legacy",
    "catalog.product": "legacy",
    "catalog.price": "legacy",
}

VOCABULARY = Vocabulary(
    channels={"webshop", "marketplace", "pos"},
    legal_entities={"NL01", "DE01"},
    stores={"NL-001", "NL-002", "DE-001"},
)


class Case(NamedTuple):
    """A rule as the file's only one (it begins in line 5, column 3) and what is said of it."""

    name: str
    rule: str
    said: str


INTAKE = "id: a, process: order.intake"
SALE = "id: a, process: store.sale"
WEB = "when: {channel: webshop}"


class RuleFiles:
    """A rule directory under a test's own folder, with a default for every process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.defaults(
            "".join(
                f"- {{id: default-{p}, process: {p}, mode: {m}}}\n" for p, m in DEFAULTS.items()
            )
        )

    def defaults(self, rules: str) -> None:
        self.write("defaults.yaml", "rules:\n" + textwrap.dedent(rules).strip("\n") + "\n")

    def write(self, name: str, content: str | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def wave(self, rules: str, name: str = "w", head: str = "") -> None:
        """Write ``waves/NAME.yaml``: three lines of head, then rules from line 4 on."""
        start = f"wave: {name}\nowner: team\n{head or '# nothing before it'}\n"
        body = textwrap.dedent(rules).strip("\n")
        self.write(f"waves/{name}.yaml", start + (f"rules:\n{body}\n" if body else "rules: []\n"))

    def problems(self, vocabulary: Vocabulary = VOCABULARY) -> list[str]:
        """Load, and return the problems found with the folder's own path cut off."""
        with pytest.raises(RulesError) as caught:
            load(self.root, vocabulary)
        assert caught.value.detail == "\n".join(str(each) for each in caught.value.problems)
        return [str(each).replace(f"{self.root}/", "") for each in caught.value.problems]


def intake(rule_id: str, when: str, mode: str = "cloud") -> str:
    return f"- {{id: {rule_id}, process: order.intake, when: {{{when}}}, mode: {mode}}}\n"


def sale(rule_id: str, when: str, mode: str = "hold") -> str:
    return f"- {{id: {rule_id}, process: store.sale, when: {{{when}}}, mode: {mode}}}\n"


@pytest.fixture
def files(tmp_path: Path) -> RuleFiles:
    return RuleFiles(tmp_path / "rules")
