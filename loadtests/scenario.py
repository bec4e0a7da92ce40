"""Scenario files: who sends what, in which mix, along which curve.

Weights are shares, not rates: the rate comes from the command line, in business requests per
second over all users together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from loadtests.files import Strict, read_yaml
from loadtests.shapes import Shape

SCENARIOS = Path(__file__).parent / "scenarios"

Weight = Annotated[float, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100)]
Users = Annotated[int, Field(ge=1, le=200)]


class Mix(Strict):
    """Weights of the actions of one kind of user; at least one must be above zero."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not sum(self.weights().values()):
            message = f"all weights are 0; raise one of {', '.join(self.weights())}"
            raise ValueError(message)
        return self

    def weights(self) -> dict[str, float]:
        """Weight by action, as named in the file."""
        return {str(name): float(weight) for name, weight in self.model_dump(by_alias=True).items()}


class OrderingMix(Mix):
    """What customers of an ordering channel do. ``old_*`` means orders older than the gateway."""

    order: Weight = 0
    repeat: Weight = 0
    cancellation: Weight = 0
    credit: Annotated[Weight, Field(alias="return")] = 0
    old_return: Weight = 0
    old_cancellation: Weight = 0
    status: Weight = 0


class ReturnsMix(Mix):
    """What a returns desk does, for orders of the ordering channels."""

    credit: Annotated[Weight, Field(alias="return")] = 0
    old_return: Weight = 0
    repeat: Weight = 0


class ReadMix(Mix):
    """What shoppers look at before they buy."""

    availability: Weight = 0
    price: Weight = 0
    product: Weight = 0


class Plan(Strict):
    """One kind of user: its share of all requests, and how many may wait for answers at once."""

    weight: Weight
    users: Users = 8


class OrderingPlan(Plan):
    """Web shop or marketplace; ``key_percent`` of the orders carry an Idempotency-Key."""

    mix: OrderingMix
    key_percent: Percent = 50


class ReturnsPlan(Plan):
    """The returns desk."""

    mix: ReturnsMix


class ShoppersPlan(Plan):
    """Shoppers."""

    mix: ReadMix


class PosPlan(Plan):
    """The POS estate: batches of up to ``batch_max`` receipts, and how often what goes wrong."""

    batch_max: Annotated[int, Field(ge=1, le=100)] = 5
    duplicate_percent: Percent = 20
    disorder_percent: Percent = 20
    late_percent: Percent = 15


class UserPlans(Strict):
    """Which users take part; those left out do not."""

    webshop: OrderingPlan | None = None
    marketplace: OrderingPlan | None = None
    pos: PosPlan | None = None
    returns_desk: Annotated[ReturnsPlan | None, Field(alias="returns-desk")] = None
    shoppers: ShoppersPlan | None = None

    @model_validator(mode="after")
    def _someone(self) -> Self:
        if not any(plan.weight for plan in self.taking_part().values()):
            message = "nobody takes part; give one kind of user a weight above 0"
            raise ValueError(message)
        return self

    def taking_part(self) -> dict[str, Plan]:
        """Plan by kind of user, as named in the file."""
        plans = {
            "webshop": self.webshop,
            "marketplace": self.marketplace,
            "pos": self.pos,
            "returns-desk": self.returns_desk,
            "shoppers": self.shoppers,
        }
        return {kind: plan for kind, plan in plans.items() if plan is not None}

    def rate_of(self, kind: str, rate_per_s: float) -> float:
        """The share of ``rate_per_s`` that ``kind`` sends."""
        plans = self.taking_part()
        return rate_per_s * plans[kind].weight / sum(plan.weight for plan in plans.values())


class Retry(Strict):
    """How a channel repeats a request that got no answer, or 429 or 5xx.

    Pauses double from ``pause_s`` to ``pause_s_max`` with jitter; a Retry-After is honoured up to
    ``retry_after_s_max``.
    """

    attempts_max: Annotated[int, Field(ge=1)] = 30
    timeout_s: Annotated[float, Field(gt=0)] = 10
    pause_s: Annotated[float, Field(gt=0)] = 0.1
    pause_s_max: Annotated[float, Field(gt=0)] = 2
    retry_after_s_max: Annotated[float, Field(gt=0)] = 5


class Scenario(Strict):
    """A whole scenario file.

    ``business_days``: the run is cut into so many, the last of which is the date it runs on.
    ``old_orders``: so many seeded orders of each ERP may get follow-ups. ``grace_s``: how long open
    retries may go on after the last request was due.
    """

    scenario: str
    description: str = ""
    shape: Annotated[Shape, Field(discriminator="kind")]
    business_days: Annotated[int, Field(ge=1, le=7)] = 1
    old_orders: Annotated[int, Field(ge=0)] = 0
    grace_s: Annotated[float, Field(gt=0)] = 20
    retry: Retry = Retry()
    users: UserPlans


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file; raises BadFile naming the file, the key and the reason."""
    return read_yaml(path, Scenario)
