"""YAML text to nodes, within bounds: what a file may cost is known before it is read.

libyaml's events are put together here instead of by PyYAML's composer, so that depth, size and
what aliases stand for are counted while reading: a file that would expand to gigabytes is refused
at the alias that crosses the bound.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import yaml

#: Largest rule file: ten thousand rules, written with all their names, take about two megabytes.
FILE_BYTES_MAX: Final = 4 * 1024 * 1024
#: Nodes of one file, aliases counted as what they stand for: ten thousand rules have 250,000.
NODES_MAX: Final = 500_000
#: Deepest nesting; a wave needs six: wave, rules, rule, when, dimension, value.
DEPTH_MAX: Final = 10

# Wheels of PyYAML have libyaml; without it the same file takes ten times as long to read.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# The stubs of PyYAML tell the marks of its two parsers apart; they are used alike.
_Event: TypeAlias = Any


class Flaw(Exception):
    """Why a file cannot be read: where (from 1), what is wrong, what to do."""

    def __init__(self, line: int, column: int, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.line = line
        self.column = column
        self.problem = problem
        self.remedy = remedy


def read_nodes(path: Path) -> yaml.Node | None:
    """Return the one document of a file, None if it has none; raise :class:`Flaw`."""
    text = _text(path)
    try:
        return _Composer(path.name).compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Flaw(line, column, f"is not YAML: {error.problem}", _remedy(text, line)) from None
    except yaml.reader.ReaderError as error:
        character = error.character
        code = character if isinstance(character, int) else ord(character)
        problem = f"has the character U+{code:04X}, which YAML forbids"
        raise Flaw(1, 1, problem, "remove it") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Flaw(1, 1, f"cannot be read: {error.strerror}", "make it readable") from None
    if len(content) > FILE_BYTES_MAX:
        raise Flaw(
            1, 1, f"is larger than {FILE_BYTES_MAX // 1024 // 1024} MB",
            "split the wave, or write lists, ranges and prefixes instead of a rule each",
        )  # fmt: skip
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 text: byte {error.start} is 0x{error.object[error.start]:02x}"
        raise Flaw(1, 1, problem, "save it as UTF-8") from None


def _remedy(text: str, line: int) -> str:
    """Say what to do about a syntax error; a tab is the one that cannot be seen."""
    lines = text.splitlines()
    around = lines[max(0, line - 2) : line]
    if any("\t" in it[: len(it) - len(it.lstrip())] for it in around):
        return "indent with spaces: there is a tab"
    return "correct the syntax"


class _Open(NamedTuple):
    """A list or mapping whose end has not come yet."""

    node: yaml.CollectionNode
    anchor: str | None
    nodes_before: int


class _Composer:
    """Puts the events of one file together; mappings are lists of (key, value), as PyYAML has."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._resolver = yaml.resolver.Resolver()
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[yaml.Node, int]] = {}
        self._pending: set[str] = set()
        self._nodes = 0
        self._root: yaml.Node | None = None

    def compose(self, text: str) -> yaml.Node | None:
        documents = 0
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _flaw(event, "holds a second document", "keep one, in a file of its own")
            elif isinstance(event, yaml.NodeEvent):
                self._node(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
        return self._root

    def _node(self, event: _Event) -> None:
        anchor: str | None = event.anchor
        node: yaml.Node
        if isinstance(event, yaml.AliasEvent):
            node, weight = self._named(event)
        elif isinstance(event, yaml.ScalarEvent):
            node, weight = self._scalar(event), 1
            if anchor:
                self._anchors[anchor] = (node, 1)
        else:
            node, weight = self._collection(event), 1
        self._count(event, weight)
        self._add(node)
        if isinstance(node, yaml.CollectionNode) and not isinstance(event, yaml.AliasEvent):
            self._open.append(_Open(node, anchor, self._nodes))
            self._pending |= {anchor} if anchor else set()

    def _named(self, event: _Event) -> tuple[yaml.Node, int]:
        name: str = event.anchor
        if name in self._pending:
            raise _flaw(event, f"'*{name}' stands inside what it names", "write it out")
        if name not in self._anchors:
            raise _flaw(event, f"'*{name}' names nothing", f"write `&{name}` before what it means")
        return self._anchors[name]

    def _scalar(self, event: _Event) -> yaml.ScalarNode:
        tag = event.tag
        if tag is None or tag == "!":
            resolve: Any = self._resolver.resolve
            tag = resolve(yaml.ScalarNode, event.value, event.implicit)
        return yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark, event.style)

    def _collection(self, event: _Event) -> yaml.CollectionNode:
        if len(self._open) >= DEPTH_MAX:
            raise _flaw(event, "is nested too deeply", "rules need a depth of five")
        listed = isinstance(event, yaml.SequenceStartEvent)
        kind = yaml.SequenceNode if listed else yaml.MappingNode
        return kind(event.tag or "", [], event.start_mark, event.end_mark)

    def _count(self, event: _Event, weight: int) -> None:
        self._nodes += weight
        if self._nodes > NODES_MAX:
            raise _flaw(
                event, f"says more than {NODES_MAX} values, aliases counted as what they mean",
                "split the wave, or write ranges and prefixes",
            )  # fmt: skip

    def _add(self, node: yaml.Node) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1].node
        if isinstance(parent, yaml.MappingNode):
            # A key comes in as half a pair, and its value completes it.
            if parent.value and len(parent.value[-1]) == 1:
                parent.value[-1] = (*parent.value[-1], node)
            else:
                parent.value.append((node,))
        else:
            parent.value.append(node)

    def _close(self) -> None:
        done = self._open.pop()
        if done.anchor:
            self._pending.discard(done.anchor)
            self._anchors[done.anchor] = (done.node, 1 + self._nodes - done.nodes_before)


def _flaw(event: _Event, problem: str, remedy: str) -> Flaw:
    return Flaw(event.start_mark.line + 1, event.start_mark.column + 1, problem, remedy)
