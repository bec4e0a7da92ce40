"""What a payload was made into: a canonical document, or a draft and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from gateway.canonical.base import Document
from gateway.canonical.fields import field_errors
from gateway.canonical.unmapped import Problem
from gateway.channels.reading import ZERO, Payload, decimal
from gateway.errors import Invalid

#: Where a person's data stand: what is wrong with them is said without repeating them.
_PERSONAL: Final = ("/customer", "/ship_to")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the payload does not say: who books it, and what stands for what is not given."""

    legal_entity: str
    country: str
    guest: str = "GUEST"


@dataclass(slots=True)
class Draft:
    """A document while it is being made; ``at`` of a problem is a pointer into ``body``."""

    body: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def amount(self, of: Payload, name: str, at: str) -> Decimal:
        """Return an amount, 0 if there is none; one that cannot be read is a problem at ``at``."""
        try:
            return self.read_amount(of, name) or ZERO
        except ValueError as error:
            self.problems.append(Problem(at, f"{error}; give the amount"))
            return ZERO

    @staticmethod
    def read_amount(of: Payload, name: str) -> Decimal | None:
        """Return the amount in a field, None for none; raise :class:`ValueError` if it is none."""
        given = of.get(name)
        return None if given is None else decimal(given, name)

    def check(self, model: type[Document], judge: Callable[[Any], None] | None = None) -> None:
        """Add what is wrong with the document as a whole: its form first, then ``judge``."""
        try:
            document = model.model_validate(self.body)
            if judge is not None:
                judge(document)
        except ValidationError as error:
            found = field_errors(error.errors(include_url=False))
        except Invalid as error:
            found = list(error.errors)
        else:
            return
        known = {it.at for it in self.problems}
        self.problems += [
            Problem(it.pointer, _said(it.pointer, it.detail))
            for it in found
            if it.pointer not in known
        ]


def _said(at: str, detail: str) -> str:
    return detail.partition("; given is")[0] if at.startswith(_PERSONAL) else detail
