"""Who acts: web shop, marketplace, POS estate, returns desk, shoppers.

An actor decides what to send next, sends it, and remembers what was acknowledged. It is shared by
all users of its kind and knows nothing of Locust: ``send`` comes in by argument and blocks until
the request is concluded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count
from random import Random
from typing import Protocol

from loadtests import messages
from loadtests.baskets import Baskets, Now, run_tag
from loadtests.followups import FollowUps, OldOrders, OpenOrder, OrderPool
from loadtests.messages import Line, Request
from loadtests.pos import BusinessDays, PosEstate
from loadtests.scenario import OrderingPlan, ReturnsPlan, Scenario, ShoppersPlan
from loadtests.sender import Conclusion
from loadtests.templates import Fixtures, OrderTemplates, Prices

#: Acknowledged requests an actor may send again.
REMEMBERED = 200

Send = Callable[[Request], Conclusion]


class Actor(Protocol):
    """One kind of user."""

    def act(self, progress: float, send: Send) -> None:
        """Send the next request (one), at ``progress`` (0 … 1) of the run."""


@dataclass(frozen=True, slots=True)
class World:
    """What all actors of a run share. ``today`` is the last business day of the run."""

    scenario: Scenario
    fixtures: Fixtures
    seed: int
    today: date
    now: Now

    @property
    def tag(self) -> str:
        """What keeps this run's references apart."""
        return run_tag(self.seed)

    def chance(self, name: str) -> Random:
        """Seeded chance of its own for ``name``, so that actors do not disturb each other."""
        return Random(f"{self.seed}:{name}")


class _Memory:
    """Ids for new requests; acknowledged ones, to repeat."""

    def __init__(self, name: str, chance: Random) -> None:
        self._ids = (f"{name}-{number:06}" for number in count(1))
        self._chance = chance
        self._done: deque[Request] = deque(maxlen=REMEMBERED)

    def next_id(self) -> str:
        return next(self._ids)

    def keep(self, conclusion: Conclusion) -> bool:
        """Remember an accepted request; whether it was accepted."""
        if conclusion.state == "accepted":
            self._done.append(conclusion.request)
        return conclusion.state == "accepted"

    def some(self) -> Request | None:
        return self._chance.choice(self._done) if self._done else None


class Ordering:
    """Web shop or marketplace: orders, impatient repeats, cancellations, returns, status."""

    def __init__(
        self, world: World, plan: OrderingPlan, templates: OrderTemplates, old: _Old
    ) -> None:
        self.channel = templates.channel
        chance = world.chance(self.channel)
        self._chance = chance
        self._weights = plan.mix.weights()
        self._memory = _Memory(self.channel, chance)
        self._old = old
        self._baskets = Baskets(
            world.fixtures, templates, world.tag, chance, world.now, plan.key_percent
        )
        prefix = f"{templates.prefix}-{world.tag}"
        self._follow_ups = FollowUps(self.channel, prefix, chance, world.now)
        self.pool = OrderPool(chance)

    def act(self, progress: float, send: Send) -> None:  # noqa: ARG002 -- one signature
        """Do one of the mix; without an order to follow up, place a new one."""
        action = _pick(self._weights, self._chance)
        request_id = self._memory.next_id()
        if action == "repeat" and (done := self._memory.some()):
            send(done.again(request_id))
        elif action == "status" and (done := self._memory.some()):
            path = f"/v1/orders/{done.messages[0].object_reference}"
            send(messages.read(request_id, "order.status", self.channel, path))
        elif action == "cancellation" and (order := self.pool.to_cancel()):
            self._follow_up(order, self._follow_ups.cancellation(order, request_id), send)
        elif action == "return" and (order := self.pool.to_return()):
            self._follow_up(order, self._follow_ups.credit(order, request_id), send)
        elif action.startswith("old_") and (ref := self._old.next()):
            self._memory.keep(send(self._of_old(action, ref, request_id)))
        else:
            self._order(request_id, send)

    def _order(self, request_id: str, send: Send) -> None:
        request = self._baskets.order(request_id)
        if self._memory.keep(send(request)):
            self.pool.add(OpenOrder.of(request.messages[0]))

    def _of_old(self, action: str, order_ref: str, request_id: str) -> Request:
        if action == "old_cancellation":
            return self._follow_ups.cancellation_of_old(order_ref, self._old.orders, request_id)
        line = self._old.line
        return self._follow_ups.credit_of_old(order_ref, self._old.orders, line, request_id)

    def _follow_up(self, order: OpenOrder, request: Request, send: Send) -> None:
        conclusion = send(request)
        self._memory.keep(conclusion)
        if conclusion.state != "unknown":
            self.pool.add(order)


class ReturnsDesk:
    """Returns of orders of every ordering channel, and of those older than the gateway."""

    def __init__(self, world: World, plan: ReturnsPlan, pools: list[OrderPool], old: _Old) -> None:
        self._chance = world.chance("returns-desk")
        self._weights = plan.mix.weights()
        self._memory = _Memory("returns-desk", self._chance)
        self._pools = pools
        self._old = old
        prefix = f"DESK-{world.tag}"
        self._follow_ups = FollowUps("returns-desk", prefix, self._chance, world.now)

    def act(self, progress: float, send: Send) -> None:  # noqa: ARG002 -- one signature
        """Return something; early in the run there may be nothing to return yet."""
        action = _pick(self._weights, self._chance)
        if action == "repeat" and (done := self._memory.some()):
            send(done.again(self._memory.next_id()))
        elif action == "old_return" and (ref := self._old.next()):
            self._memory.keep(send(self._credit_old(ref)))
        elif taken := self._some_order():
            pool, order = taken
            conclusion = send(self._follow_ups.credit(order, self._memory.next_id()))
            self._memory.keep(conclusion)
            if conclusion.state != "unknown":
                pool.add(order)

    def _credit_old(self, ref: str) -> Request:
        old = self._old
        return self._follow_ups.credit_of_old(ref, old.orders, old.line, self._memory.next_id())

    def _some_order(self) -> tuple[OrderPool, OpenOrder] | None:
        for pool in self._chance.sample(self._pools, len(self._pools)):
            if order := pool.to_return():
                return pool, order
        return None


class Pos:
    """The POS estate: one batch a time."""

    def __init__(self, world: World, estate: PosEstate) -> None:
        self._estate = estate
        self._memory = _Memory("pos", world.chance("pos-memory"))

    def act(self, progress: float, send: Send) -> None:
        """Send a batch of some store."""
        request = self._estate.batch(self._memory.next_id(), progress)
        self._estate.concluded(request.id, send(request).accepted())


class Shoppers:
    """Availability, price and product of what is for sale, read with the web shop's key."""

    def __init__(self, world: World, plan: ShoppersPlan) -> None:
        self._chance = world.chance("shoppers")
        self._weights = plan.mix.weights()
        self._memory = _Memory("shoppers", self._chance)
        self._skus = sorted(world.fixtures.prices.items)
        self._entities = sorted(world.fixtures.webshop.entities)

    def act(self, progress: float, send: Send) -> None:  # noqa: ARG002 -- one signature
        """Look something up."""
        action = _pick(self._weights, self._chance)
        sku, entity = self._chance.choice(self._skus), self._chance.choice(self._entities)
        process, path = {
            "availability": (
                "inventory.availability",
                f"/v1/inventory/{sku}?legal_entity={entity}",
            ),
            "price": ("catalog.price", f"/v1/prices/{sku}?legal_entity={entity}"),
            "product": ("catalog.product", f"/v1/products/{sku}"),
        }[action]
        send(messages.read(self._memory.next_id(), process, "webshop", path))


def build_actors(world: World) -> dict[str, Actor]:
    """All actors that take part in the scenario, by kind."""
    plans, fixtures = world.scenario.users, world.fixtures
    old = _Old(OldOrders(world.scenario.old_orders), fixtures.prices)
    ordering: dict[str, Ordering] = {}
    if plans.webshop:
        ordering["webshop"] = Ordering(world, plans.webshop, fixtures.webshop, old)
    if plans.marketplace:
        ordering["marketplace"] = Ordering(world, plans.marketplace, fixtures.marketplace, old)
    actors: dict[str, Actor] = dict(ordering)
    if plans.pos:
        days = BusinessDays(world.today, world.scenario.business_days)
        chance = world.chance("pos")
        base = int(world.tag, 16) % 9000 * 1000
        estate = PosEstate(fixtures, plans.pos, days, chance, world.now, sequence_base=base)
        actors["pos"] = Pos(world, estate)
    if plans.returns_desk:
        pools = [actor.pool for actor in ordering.values()]
        actors["returns-desk"] = ReturnsDesk(world, plans.returns_desk, pools, old)
    if plans.shoppers:
        actors["shoppers"] = Shoppers(world, plans.shoppers)
    return actors


class _Old:
    """The seeded orders, each handed out once over all actors."""

    def __init__(self, orders: OldOrders, prices: Prices) -> None:
        self.orders = orders
        sku = min(prices.items)
        #: What is returned of a seeded order: one piece of its only line.
        self.line = Line(1, sku, 1, prices.items[sku].price)
        self._references: Iterator[str] = orders.references()

    def next(self) -> str | None:
        return next(self._references, None)


def _pick(weights: Mapping[str, float], chance: Random) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]
