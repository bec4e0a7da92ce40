"""XML in and out, safely.

A document type declaration is refused as soon as it begins, so no entity is ever declared, expanded
or fetched; neither IDocs nor SOAP 1.1 allow one. Names lose their namespace: senders of IDocs have
none, and SOAP stacks disagree about qualifying what is inside a call.
"""

from __future__ import annotations

from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape

DEPTH_MAX = 100


class BadMarkup(ValueError):
    """The bytes are not XML this system takes; the message says where and why."""


def parse(data: bytes) -> Element:
    """The root element of the document, names without namespace. Raises `BadMarkup`."""
    parser = expat.ParserCreate(namespace_separator="}")
    builder = TreeBuilder()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH_MAX:
            raise BadMarkup(f"elements are nested deeper than {DEPTH_MAX}")
        builder.start(name.rpartition("}")[2], attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name.rpartition("}")[2])

    def doctype(*_: object) -> NoReturn:
        raise BadMarkup("a document type declaration (DOCTYPE) is not allowed")

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)  # noqa: FBT003 -- expat takes it by position
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise BadMarkup(f"not well-formed XML: {error}") from None
    return builder.close()


def text_of(element: Element, path: str) -> str:
    """The text of the first element at the path, stripped, empty if there is none."""
    return (element.findtext(path) or "").strip()


def tag(name: str, value: str) -> str:
    """An element holding text."""
    return f"<{name}>{escape(value)}</{name}>"
