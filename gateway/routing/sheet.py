"""One YAML file under examination: values with their places, and everything wrong with it.

YAML is read as nodes, not as Python values: a problem needs line and column, and text has to stay
as it is written (``country: NO`` is Norway, not ``False``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from gateway.errors import RuleProblem
from gateway.routing.model import Place
from gateway.routing.nodes import Flaw, read_nodes

_TAG: Final = "tag:yaml.org,2002:"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LISTED_MAX: Final = 12
_MESSAGE_MAX: Final = 400
_WORD_MAX: Final = 100  # characters of a word compared with those that are known
_MERGE: Final = "<<"

#: Problems kept of one file: who has more starts with these.
PROBLEMS_MAX: Final = 500


class Value(NamedTuple):
    """A YAML node together with the path of keys that leads to it."""

    node: yaml.Node
    key: str

    @property
    def is_null(self) -> bool:
        """Whether nothing is written there (or ``null``, or ``~``)."""
        return self.node.tag == f"{_TAG}null"

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_empty(self) -> bool:
        """Whether it is a mapping or list with nothing in it."""
        return isinstance(self.node, yaml.CollectionNode) and not self.node.value

    @property
    def is_number(self) -> bool:
        """Whether YAML takes it for a number: unquoted digits."""
        return self.node.tag in (f"{_TAG}int", f"{_TAG}float")


class Sheet:
    """A file's name and the problems found in it so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[RuleProblem] = []
        self.found = 0

    def read(self, path: Path) -> Value | None:
        """Return the file's content; on a file that is not one YAML document report and None."""
        try:
            node = read_nodes(path)
        except Flaw as flaw:
            self._report_at(flaw.line, flaw.column, "", flaw.problem, flaw.remedy)
        else:
            if node is not None:
                return Value(node, "")
            self._report_at(1, 1, "", "is empty", "remove the file, or write rules into it")
        return None

    def place(self, value: Value) -> Place:
        """Return where a value is written."""
        mark = value.node.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1, value.key)

    def report(self, value: Value, problem: str, remedy: str) -> None:
        """Note a problem of a value."""
        place = self.place(value)
        self._report_at(place.line, place.column, place.key, problem, remedy)

    def mapping(
        self, value: Value, known: Iterable[str], named: Iterable[str] | None = None
    ) -> dict[str, Value] | None:
        """Return the values under ``known`` keys; report any other key and any key given twice.

        None, reported, if it is no mapping at all. ``named`` are the keys to recommend, if not all.
        """
        if not value.is_mapping:
            self.report(value, "is not a mapping", "write `key: value` pairs")
            return None
        known = tuple(known)
        named = known if named is None else tuple(named)
        found: dict[str, Value] = {}
        for key_node, node in value.node.value:
            word = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            at = Value(key_node, f"{value.key}.{word}".lstrip("."))
            if word == _MERGE and _MERGE not in known:
                self.report(at, "keys are not merged here", "write them out")
            elif word not in known:
                self.report(at, f"unknown key '{word}'", did_you_mean(word, named))
            elif word in found:
                first = found[word].node.start_mark.line + 1
                self.report(at, f"is given twice, first in line {first}", "keep one of them")
            else:
                found[word] = Value(node, at.key)
        return found

    def required(self, value: Value, found: Mapping[str, Value], *names: str) -> bool:
        """Report each of ``names`` that is missing; return whether all are there."""
        missing = [name for name in names if name not in found]
        for name in missing:
            self.report(value, f"has no '{name}'", f"add `{name}: …`")
        return not missing

    def items(self, value: Value) -> list[Value]:
        """Return the items of a list; reported and empty if it is none."""
        if not value.is_list:
            self.report(value, "is not a list", "write `- …` items, or [] for none")
            return []
        return [Value(node, f"{value.key}[{at}]") for at, node in enumerate(value.node.value)]

    def text(self, value: Value) -> str | None:
        """Return a scalar as it is written; None, reported, if it is empty or something else."""
        if not isinstance(value.node, yaml.ScalarNode):
            self.report(value, "is not a single value", "write one word or number")
            return None
        text: str = value.node.value
        if value.is_null or not text.strip():
            self.report(value, "is empty", "write a value, or remove the key")
            return None
        return text

    def texts(self, value: Value) -> list[tuple[str, Value]]:
        """Return a scalar or a list of scalars as a list; report repetitions."""
        items = self.items(value) if value.is_list else [value]
        found: dict[str, Value] = {}
        for item in items:
            text = self.text(item)
            if text in found:
                self.report(item, f"'{text}' stands twice in the list", "remove one of them")
            elif text is not None:
                found[text] = item
        return list(found.items())

    def name(self, value: Value) -> str | None:
        """Return an identifier; None, reported, if it is not fit to be one."""
        text = self.text(value)
        if text is None or _NAME.fullmatch(text):
            return text
        self.report(
            value, f"'{text}' is not a name",
            "use 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit",
        )  # fmt: skip
        return None

    def choice(self, value: Value, known: Iterable[str], what: str) -> str | None:
        """Return one of ``known``; None, reported, if it is another word."""
        text = self.text(value)
        known = tuple(known)
        if text is None or text in known:
            return text
        self.report(value, f"unknown {what} '{text}'", did_you_mean(text, known))
        return None

    def _report_at(self, line: int, column: int, key: str, problem: str, remedy: str) -> None:
        self.found += 1
        if self.found <= PROBLEMS_MAX:
            problem = shortened(problem)
            self.problems.append(
                RuleProblem(self.file, line, column, key or "(file)", problem, remedy)
            )
        elif self.found == PROBLEMS_MAX + 1:
            self.problems.append(
                RuleProblem(
                    self.file,
                    line,
                    column,
                    "(file)",
                    "has more problems than are listed",
                    f"solve these {PROBLEMS_MAX} first",
                )
            )


def shortened(text: str) -> str:
    """Cut a message that quotes a very long value, in the middle: its end says what is wrong."""
    if len(text) <= _MESSAGE_MAX:
        return text
    return f"{text[: _MESSAGE_MAX // 2]}…{text[-_MESSAGE_MAX // 2 :]}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the remedy for a word that is none of ``known``: the nearest one, and the list."""
    words = list(known)
    near = get_close_matches(word[:_WORD_MAX], words, n=1)
    listed = ", ".join(words[:_LISTED_MAX])
    more = f" and {len(words) - _LISTED_MAX} more" if len(words) > _LISTED_MAX else ""
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}known here: {listed}{more}" if words else "none is configured"
