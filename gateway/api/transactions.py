"""Transactions: where is what was sent."""

from __future__ import annotations

import re
from typing import Final

from litestar import Controller, get
from litestar.types import ASGIApp

from gateway.api import describe, views
from gateway.api.answers import NO_STORE, as_json
from gateway.api.calls import AnyRequest, admit
from gateway.canonical.envelope import partition_of_transaction
from gateway.errors import NotFound

_ID: Final = re.compile(r"[0-9a-f]{2}-[0-9a-z]{26}")


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
        if _can_exist(transaction_id, call.services.settings.partitions):
            view = await call.services.statuses.transaction(transaction_id)
        if view is None or view.channel != call.channel.name:
            raise NotFound(
                f"no transaction '{transaction_id}' of channel '{call.channel.name}' is known; "
                "check the id"
            )
        return as_json(views.transaction(view), headers=NO_STORE)


def _can_exist(transaction_id: str, partitions: int) -> bool:
    """Say whether an id has the form of one, of a partition there is: others are not looked for."""
    if not _ID.fullmatch(transaction_id):
        return False
    return partition_of_transaction(transaction_id) < partitions
