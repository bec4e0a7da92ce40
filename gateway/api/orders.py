"""Orders and their cancellation."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import Controller, get, post
from litestar.types import ASGIApp
from pydantic import TypeAdapter

from gateway.api import describe, examples, headers, intake, predecessors, quick, views
from gateway.api.answers import NO_STORE, as_json
from gateway.api.calls import AnyRequest, Call, admit
from gateway.api.submit import submit
from gateway.canonical.base import Reference
from gateway.canonical.envelope import OrderCancellation, order_key
from gateway.canonical.fields import matches, validated
from gateway.canonical.order import Cancellation, Order
from gateway.errors import NotFound
from gateway.flow.accept import Submission
from gateway.routing.facts import Facts, shared

_REFERENCE: Final = TypeAdapter(Reference)


class Orders(Controller):
    """What a channel sells, and its change of mind."""

    path = "/v1/orders"
    tags = ("orders",)

    @post(
        status_code=202,
        summary="Submit an order",
        description=describe.ACCEPTED,
        operation_class=describe.write(Order, examples.ORDER),
    )
    async def take(self, request: AnyRequest) -> ASGIApp:
        """Take an order; the routing rules decide which system books it."""
        call = admit(request, "orders")
        key = headers.idempotency_key(call)
        received = await intake.read(call)
        order = validated(Order, received.document)
        call.checks.order(call.channel, order)
        await predecessors.known(call, order.after)
        submission = intake_of(call.channel.name, order, received.canonical, key)
        return await submit(call, submission, {"order_ref": order.order_ref})

    @post(
        "/{order_ref:str}/cancellations",
        status_code=202,
        summary="Ask for an order, or some of it, to be cancelled",
        description=describe.ACCEPTED,
        operation_class=describe.write(
            Cancellation,
            examples.CANCELLATION,
            describe.ORDER_REF,
            describe.LEGAL_ENTITY_OF_ORDER,
            missing=True,
        ),
    )
    async def cancel(self, request: AnyRequest) -> ASGIApp:
        """Take a cancellation; the system that owns the order decides its outcome."""
        call = admit(request, "orders")
        order_ref: str = request.path_params["order_ref"]
        key = headers.idempotency_key(call)
        received = await intake.read(call)
        cancellation = validated(Cancellation, received.document)
        _check_reference(call, order_ref)
        legal_entity = await _entity_of_order(call, order_ref)
        submission = _cancellation_of(call, order_ref, legal_entity, cancellation, received, key)
        named = {"order_ref": order_ref, "cancellation_ref": cancellation.cancellation_ref}
        return await submit(call, submission, named)

    @get(
        "/{order_ref:str}",
        summary="Read an order's state, and that of all that was sent about it",
        operation_class=describe.read(views.OrderStatus, describe.ORDER_REF),
    )
    async def status(self, request: AnyRequest) -> ASGIApp:
        """Return what the channel sent about one of its orders."""
        call = admit(request, "orders", "read")
        order_ref: str = request.path_params["order_ref"]
        _check_reference(call, order_ref)
        found = await call.services.statuses.of_object(order_key(call.channel.name, order_ref))
        own = [view for view in found if view.channel == call.channel.name]
        if not own:
            raise _unknown(call, order_ref)
        return as_json(views.order_status(order_ref, own), headers=NO_STORE)


def intake_of(channel: str, order: Order | quick.Order, text: bytes, key: str | None) -> Submission:
    """Return the submission of an order whose canonical text is ``text``.

    The body is passed on as it was received: it is valid, and dumping the model again would cost
    more than a third of validating it.
    """
    return Submission(
        process="order.intake",
        channel=channel,
        object_key=order_key(channel, order.order_ref),
        reference=order.order_ref,
        facts=Facts(
            process="order.intake",
            channel=channel,
            legal_entity=order.legal_entity,
            country=order.ship_to.country,
            region=str(order.ship_to.region or ""),
            node=_node(order),
            customer_group=str(order.customer.group or ""),
            customer_ref=order.customer.ref,
            order_ref=order.order_ref,
        ),
        body=msgspec.Raw(text),
        digest=intake.digest(f"order.intake|{order.order_ref}", text),
        key=key,
    )


def _node(order: Order | quick.Order) -> str:
    """Return where all of it is to come from. Quick orders name no node."""
    return "" if isinstance(order, quick.Order) else shared(line.node for line in order.lines)


def _cancellation_of(
    call: Call,
    order_ref: str,
    legal_entity: str,
    cancellation: Cancellation,
    received: intake.Received,
    key: str | None,
) -> Submission:
    channel = call.channel.name
    reference = f"{order_ref}/{cancellation.cancellation_ref}"
    body = OrderCancellation(
        order_ref=order_ref, legal_entity=legal_entity, cancellation=cancellation
    )
    return Submission(
        process="order.cancellation",
        channel=channel,
        object_key=order_key(channel, order_ref),
        reference=reference,
        facts=Facts(
            process="order.cancellation",
            channel=channel,
            legal_entity=legal_entity,
            order_ref=order_ref,
        ),
        body=body.model_dump(mode="json"),
        digest=intake.digest(f"order.cancellation|{reference}", received.canonical),
        key=key,
        order_channel=channel,
        order_ref=order_ref,
        order_entities=(legal_entity,) if legal_entity else call.channel.legal_entities,
    )


async def _entity_of_order(call: Call, order_ref: str) -> str:
    """Return whose order is meant: as the address says, the channel's only one, or the order's.

    "" is left for an order from before the gateway, of a channel that has several.
    """
    named = call.request.query_params.get("legal_entity", call.channel.only_entity)
    if named:
        return call.checks.entity_asked_for(call.channel, named)
    found = await call.services.statuses.of_object(order_key(call.channel.name, order_ref))
    return next((view.legal_entity for view in found if view.legal_entity), "")


def _check_reference(call: Call, order_ref: str) -> None:
    """An address that no order can have is answered without asking any system."""
    if not matches(_REFERENCE, order_ref):
        raise _unknown(call, order_ref)


def _unknown(call: Call, order_ref: str) -> NotFound:
    return NotFound(
        f"no order '{order_ref}' of channel '{call.channel.name}' is known; check order_ref"
    )
