"""What all canonical documents share: frozen, strict about unknown fields, typed references."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field


class Document(BaseModel):
    """A frozen value; a field nobody declared is an error, so that a typo is not lost money."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _only_instant(value: object) -> object:
    if isinstance(value, str | datetime):
        return value
    raise ValueError(f'an instant is RFC 3339 text such as "2026-11-21T10:00:00Z", not {value!r}')


#: What a text must be that has to match a pattern, in words: by pattern, for messages.
ALLOWED: Final[dict[str, str]] = {}


def matching(pattern: str, allowed: str, **more: Any) -> Any:  # noqa: ANN401 -- as pydantic's Field
    """Return pydantic's ``Field`` for a text of a pattern; ``allowed`` says it to people."""
    ALLOWED[pattern] = allowed
    return Field(pattern=pattern, **more)


# References are as long as the narrower ERP can keep them: what would be refused after its 202
# is better refused before. SAP's customer purchase order number (BSTKD) and material number as an
# IDoc carries them (IDTNR) have 35 characters, a partner number (PARTN) 17.

Reference = Annotated[
    str,
    matching(
        r"^[A-Za-z0-9][A-Za-z0-9._:#-]{0,34}$",
        "1 to 35 letters, digits and . _ : # -, beginning with a letter or digit",
    ),
]
"""A channel's own reference: 1 to 35 of letters, digits and ``. _ : # -``."""

CustomerReference = Annotated[
    str,
    matching(
        r"^[A-Za-z0-9][A-Za-z0-9._:#-]{0,16}$",
        "1 to 17 letters, digits and . _ : # -, beginning with a letter or digit",
    ),
]
"""A channel's reference of a customer: 1 to 17 of letters, digits and ``. _ : # -``."""

Sku = Annotated[
    str,
    matching(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,34}$",
        "1 to 35 letters, digits and . _ -, beginning with a letter or digit",
        examples=["TEE-BLK-M"],
    ),
]
"""A stock keeping unit, 1 to 35 characters."""

EntityCode = Annotated[
    str, matching(r"^[A-Z0-9]{2,10}$", "2 to 10 capital letters and digits", examples=["NL01"])
]
"""A legal entity's code."""

Instant = Annotated[AwareDatetime, BeforeValidator(_only_instant)]
"""A point in time with its offset; a local time without one is refused."""

Quantity = Annotated[int, Field(ge=1, le=100_000, strict=True)]
"""Pieces, at least one."""

#: No control characters: XML 1.0 cannot carry them, and nobody's name has any.
PRINTABLE: Final = r"^[^\x00-\x1f\x7f\ufffe\uffff]*$"
ALLOWED[PRINTABLE] = "text without line breaks, tabs and other control characters"

Text = Annotated[str, Field(min_length=1, max_length=120, pattern=PRINTABLE)]
"""A short line of text, as names and streets are."""

ShortText = Annotated[str, Field(max_length=40, pattern=PRINTABLE)]
"""A word or two, or nothing."""
