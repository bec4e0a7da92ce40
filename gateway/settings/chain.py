"""What a channel's orders go through before an ERP sees them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.canonical.base import CustomerReference, Sku
from gateway.chain.plan import CustomerSource, Plan, Plans, TaxSource
from gateway.settings.section import Section


class ChainSettings(Section):
    """The steps of the order chain. Whatever is left out is not done, and costs nothing."""

    payment_waits: tuple[Literal["pending", "authorised"], ...] = Field(
        default=(), description="payment statuses with which an order is not booked yet"
    )
    node: Annotated[str, Field(max_length=40)] = Field(
        default="", description="fulfilment node of lines that name none"
    )
    fees: dict[str, Sku] = Field(
        default_factory=dict,
        description="the item each fee of the channel belongs to, by what the channel calls it; "
        "if there are any, another fee is refused",
    )
    tax: Literal["channel", "engine", "compared"] = Field(
        default="channel",
        description="whose tax is booked: the channel's, the tax engine's, or the channel's if the "
        "engine's is near enough",
    )
    tax_tolerance: Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,4})?$")] = Field(
        default="0.02",
        description="how far the two taxes of a line may differ, in the order's currency",
    )
    customer: Literal["channel", "collective", "erp"] = Field(
        default="channel",
        description="whom orders are booked on: who the channel names, a collective customer, or "
        "the ERP's own, found there by reference or created",
    )
    collective: CustomerReference | None = Field(
        default=None, description="the collective customer, before crosswalks"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.customer == "collective" and self.collective is None:
            raise ValueError("collective: name the customer all orders are booked on")
        return self

    @property
    def plan(self) -> Plan:
        """The plan of the chain."""
        return Plan(
            payment_waits=frozenset(self.payment_waits),
            node=self.node,
            fees=self.fees,
            tax=TaxSource(self.tax),
            tax_tolerance=Decimal(self.tax_tolerance),
            customer=CustomerSource(self.customer),
            collective=self.collective or "",
        )


def plans(
    chains: Mapping[str, tuple[ChainSettings | None, Mapping[str, ChainSettings]]],
) -> Plans:
    """Return the plans of channels, each given with its chain and those of legal entities."""
    found = {}
    for channel, (chain, by_entity) in chains.items():
        if chain is not None:
            found[channel, ""] = chain.plan
        found |= {(channel, entity): it.plan for entity, it in by_entity.items()}
    return found
