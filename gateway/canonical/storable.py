"""Text that every database can store and every JSON parser reads back the same."""

from __future__ import annotations


def storable(text: str) -> str:
    """Return the text with a mark in place of what PostgreSQL or UTF-8 cannot hold.

    That is the character NUL, and half of a pair of surrogates.
    """
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
