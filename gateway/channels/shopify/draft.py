"""What a payload was made into: a canonical document, or a draft and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from gateway.canonical.unmapped import Problem
from gateway.channels import draft
from gateway.channels.shopify import wire


@dataclass(frozen=True, slots=True)
class Terms(draft.Terms):
    """What a shop does not say; ``credits_goods``: its refunds say what came back."""

    credits_goods: bool = True


@dataclass(slots=True)
class Draft(draft.Draft):
    """A document while it is being made, from a shop's amounts."""

    def amount(self, of: wire.Payload, name: str, at: str) -> Decimal:
        """Return an amount, 0 if there is none; one that cannot be read is a problem at ``at``."""
        try:
            return wire.amount(of, name) or wire.ZERO
        except ValueError as error:
            self.problems.append(Problem(at, f"{error}; give the amount"))
            return wire.ZERO
