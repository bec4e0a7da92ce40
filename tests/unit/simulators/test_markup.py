from __future__ import annotations

from xml.etree.ElementTree import tostring

import pytest

from simulators.legacy.markup import BadMarkup, parse, tag, text_of

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><x>&c;</x>'
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "catalogue.csv">]><x>&f;</x>'


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (BOMB, "DOCTYPE"),
        (OUTSIDE, "DOCTYPE"),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>', "DOCTYPE"),
        (b"", "no element found"),
        (b"<x>", "no element found"),
        (b"<x></y>", "mismatched tag"),
        (b"<x>&nbsp;</x>", "undefined entity"),
        (b"\xff\xfe\x00", "not well-formed"),
        (b'<?xml version="1.0" encoding="klingon"?><x/>', "not well-formed XML: unknown encoding"),
        (b"<x>" * 101 + b"</x>" * 101, "deeper than 100"),
        (b"{}", "not well-formed"),
    ],
)
def test_what_is_not_taken(data: bytes, complaint: str) -> None:
    with pytest.raises(BadMarkup) as caught:
        parse(data)
    assert complaint in str(caught.value)


def test_names_lose_their_namespace() -> None:
    root = parse(b'<a:x xmlns:a="urn:a" k="1"><y xmlns="urn:b">t</y><z>&lt;&#65;</z></a:x>')
    assert tostring(root) == b'<x k="1"><y>t</y><z>&lt;A</z></x>'


def test_texts_are_read_stripped_and_written_escaped() -> None:
    root = parse("<x><y> ö </y><e/></x>".encode("latin-1").replace(b"\xf6", b"\xc3\xb6"))
    assert [text_of(root, name) for name in ("y", "e", "none")] == ["ö", "", ""]
    assert tag("T", "<&>") == "<T>&lt;&amp;&gt;</T>"
