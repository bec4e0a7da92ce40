"""Transactions: where is what was sent."""

from __future__ import annotations

from litestar import Controller, get
from litestar.types import ASGIApp

from gateway.api import describe, views
from gateway.api.answers import NO_STORE, as_json
from gateway.api.calls import AnyRequest, admit
from gateway.canonical.envelope import partition_within
from gateway.errors import NotFound


class Transactions(Controller):
    """States of transactions; a channel sees those it sent."""

    path = "/v1/transactions"
    tags = ("transactions",)

    @get(
        "/{transaction_id:str}",
        summary="Read a transaction's state",
        operation_class=describe.read(views.Transaction, describe.TRANSACTION_ID),
    )
    async def status(self, request: AnyRequest) -> ASGIApp:
        """Return the state of one transaction. Another channel's is as unknown as none."""
        call = admit(request)
        transaction_id: str = request.path_params["transaction_id"]
        view = None
        if partition_within(transaction_id, call.services.settings.partitions) is not None:
            view = await call.services.statuses.transaction(transaction_id)
        if view is None or view.channel != call.channel.name:
            raise NotFound(
                f"no transaction '{transaction_id}' of channel '{call.channel.name}' is known; "
                "check the id"
            )
        return as_json(views.transaction(view), headers=NO_STORE)
