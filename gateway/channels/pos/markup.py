"""POSLog as a stream of elements: safe to read from anybody, in memory for one transaction.

The parser is expat, as defusedxml hardens it: no document type, so no entities that grow, and
nothing outside of the file is ever asked for. What is left to an attacker is size, and that has
bounds here. Names are told apart without their namespace: POSLog has had several.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, BinaryIO, Final
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler, feature_namespaces
from xml.sax.saxutils import escape, quoteattr
from xml.sax.xmlreader import AttributesNSImpl, Locator

from defusedxml import DefusedXmlException
from defusedxml.expatreader import create_parser

from gateway.errors import FileProblem, FileRefused

#: The root's name.
ROOT: Final = "POSLog"
#: How deep elements may stand in each other; published logs have nine.
DEPTH_MAX: Final = 32
#: Elements and characters of one transaction: of a thousand lines, ten times over.
ELEMENTS_MAX: Final = 50_000
CHARS_MAX: Final = 2_000_000

_CHUNK: Final = 65_536


@dataclass(slots=True)
class Node:
    """An element: where it began, what it says, and what stands in it."""

    name: str
    line: int
    attributes: Mapping[str, str]
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def all(self, *names: str) -> list[Node]:
        """Return the children of these names, in order."""
        return [it for it in self.children if it.name in names]

    def first(self, *path: str) -> Node | None:
        """Return the first element at a path of names."""
        found: Node | None = self
        for name in path:
            found = next((it for it in found.children if it.name == name), None) if found else None
        return found

    def said(self, *path: str) -> str:
        """Return what the first element at a path says, "" if there is none."""
        found = self.first(*path)
        return found.text.strip() if found else ""

    def is_set(self, attribute: str) -> bool:
        """Say whether an attribute is true, as XML Schema writes that."""
        return self.attributes.get(attribute, "").strip().lower() in {"true", "1"}

    def written(self) -> str:
        """Write the element as XML, without namespaces."""
        attributes = "".join(f" {name}={quoteattr(it)}" for name, it in self.attributes.items())
        inner = escape(self.text.strip()) + "".join(it.written() for it in self.children)
        return f"<{self.name}{attributes}>{inner}</{self.name}>"


class Log:
    """A file being read: its elements, once, and the hash of all its bytes behind the last."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = sha256()

    def elements(self) -> Iterator[Node]:
        """Yield each element that stands directly in the root, when it has ended.

        Raises :class:`~gateway.errors.FileRefused` naming the line: it is no XML, ends too early,
        has a document type, or is larger than anything a register writes.
        """
        parser = create_parser(forbid_dtd=True)
        handler = _Handler(parser)
        parser.setFeature(feature_namespaces, 1)
        parser.setContentHandler(handler)
        try:
            parser.feed(b"")
            while chunk := self._stream.read(_CHUNK):
                self._hash.update(chunk)
                parser.feed(chunk)
                yield from handler.taken()
            parser.close()
            yield from handler.taken()
        except DefusedXmlException:
            raise _refused(
                handler.line, "has a document type or entities, which no POSLog needs; it is not "
                "read further",
            ) from None  # fmt: skip
        except SAXParseException as error:
            raise _refused(error.getLineNumber() or 1, _worded(error)) from None
        except (LookupError, ValueError) as error:
            raise _refused(1, f"cannot be read as text: {error}; write it in UTF-8") from None

    def digest(self) -> str:
        """Return the SHA-256 of the file, once it was read to its end."""
        return self._hash.hexdigest()


class _Handler(ContentHandler):
    """Builds the elements below the root, and lets go of each when it was taken."""

    def __init__(self, locator: Locator) -> None:
        super().__init__()
        # Fed in pieces the parser does not hand itself over as what knows the line.
        self._locator = locator
        self._open: list[Node] = []
        self._said: list[list[str]] = []
        self._done: deque[Node] = deque()
        self._depth = 0
        self._elements = 0
        self._chars = 0

    @property
    def line(self) -> int:
        """Where the parser is, counted from 1."""
        return self._locator.getLineNumber() or 1

    def taken(self) -> Iterator[Node]:
        """Yield what has ended since."""
        while self._done:
            yield self._done.popleft()

    def startElementNS(  # noqa: N802 -- SAX's name
        self, name: tuple[str | None, str], qname: str | None, attrs: AttributesNSImpl
    ) -> None:
        """Open an element."""
        del qname
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise _refused(self.line, f"elements stand in each other deeper than {DEPTH_MAX}")
        if self._depth == 1:
            if name[1] != ROOT:
                raise _refused(self.line, f"the root is <{name[1][:40]}>, and has to be <{ROOT}>")
            return
        self._elements += 1
        if self._elements > ELEMENTS_MAX:
            raise _refused(self.line, f"a transaction has more than {ELEMENTS_MAX} elements")
        attributes: dict[str, str] = {key[1]: value for key, value in attrs.items()}
        self._count(sum(len(value) for value in attributes.values()))
        node = Node(name[1], self.line, attributes)
        if self._open:
            self._open[-1].children.append(node)
        self._open.append(node)
        self._said.append([])

    def endElementNS(self, name: tuple[str | None, str], qname: str | None) -> None:  # noqa: N802 -- SAX's name
        """Close an element."""
        del name, qname
        self._depth -= 1
        if self._open:
            ended = self._open.pop()
            ended.text = "".join(self._said.pop())
            if not self._open:
                self._done.append(ended)
                self._elements = self._chars = 0

    def characters(self, content: str) -> None:
        """Take text."""
        self._count(len(content))
        if self._open:
            self._said[-1].append(content)
        elif content.strip():
            raise _refused(self.line, f"text stands between transactions: {content.strip()[:40]!r}")

    def _count(self, chars: int) -> None:
        self._chars += chars
        if self._chars > CHARS_MAX:
            raise _refused(self.line, f"a transaction has more than {CHARS_MAX} characters")


def _refused(line: int, problem: str) -> FileRefused:
    return FileRefused.of([FileProblem(line, "", problem)])


def _worded(error: SAXParseException) -> str:
    said: Any = error.getMessage()
    if said in {"no element found", "unclosed token", "unclosed CDATA section"}:
        return f"the file ends too early ({said}); send it again, whole"
    return f"is no XML: {said}"
