"""What a payload was made into: a canonical document, or a draft and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from gateway.channels import draft
from gateway.channels.shopify import wire


@dataclass(frozen=True, slots=True)
class Terms(draft.Terms):
    """What a shop does not say; ``credits_goods``: its refunds say what came back."""

    credits_goods: bool = True


@dataclass(slots=True)
class Draft(draft.Draft):
    """A document while it is being made, from a shop's amounts."""

    @staticmethod
    def read_amount(of: wire.Payload, name: str) -> Decimal | None:
        """Return the amount of a field or its twin, in the shop's currency."""
        return wire.amount(of, name)
