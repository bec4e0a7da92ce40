"""What a channel sent that could not be made canonical: kept whole, held, and never sent to an ERP.

A channel that speaks a format of its own gets no answer it could act on: refusing what it sent
would lose it. So it is accepted as far as it could be read (the *draft*: a canonical document with
fields that are missing or wrong), together with what is wrong and the text as it was received.
Staff complete the draft; what comes out has to be canonical.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

#: The field of a body that says so. No canonical document has it.
UNMAPPED: Final = "unmapped"

#: Problems named in one cause; the rest is counted.
_NAMED_MAX: Final = 5


class Problem(NamedTuple):
    """One field of the draft that is wrong: its JSON pointer, and what to do about it."""

    at: str
    detail: str


def unmapped(draft: Mapping[str, Any], problems: Sequence[Problem], text: str) -> dict[str, Any]:
    """Return the body of a message that could not be mapped; ``text`` is what was received."""
    found = [{"at": it.at, "detail": it.detail} for it in problems]
    return {**draft, UNMAPPED: {"problems": found, "received": text}}


def draft_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the document without what says that it is a draft; a canonical one as it is."""
    if UNMAPPED not in body:
        return body
    return {name: value for name, value in body.items() if name != UNMAPPED}


def why_unmapped(body: Mapping[str, Any]) -> str:
    """Say what is wrong with a draft, "" for a canonical document."""
    if UNMAPPED not in body:
        return ""
    problems = body[UNMAPPED]["problems"]
    named = "; ".join(f"{it['at'] or 'body'}: {it['detail']}" for it in problems[:_NAMED_MAX])
    more = len(problems) - _NAMED_MAX
    return f"{named}; and {more} more" if more > 0 else named
