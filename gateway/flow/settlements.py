"""Settlements: a statement comes in whole, or not at all.

The sentence the code follows: *who brings it is written down, the file is read once, as a stream,
every row is checked and kept within one transaction of the ledger, and only a file whose rows add
up to the total it states is committed.*
"""

from __future__ import annotations

from gateway.canonical.exchange.settlements import KeptSettlement
from gateway.canonical.staff import Action, Staff
from gateway.flow.audit import Auditor
from gateway.ports.settlements import SettlementReading, Settlements


async def take_settlement(
    reading: SettlementReading,
    *,
    channel: str,
    file: str,
    staff: Staff,
    settlements: Settlements,
    auditor: Auditor,
) -> KeptSettlement:
    """Keep the settlement; raises what :meth:`~Settlements.keep_settlement` raises.

    Raises also :class:`~gateway.errors.Forbidden` if ``staff`` may not bring settlements.
    """
    head = reading.head
    await auditor.record(
        staff, Action.SETTLEMENT_TAKE, f"{head.provider} {head.settlement_id}", file=file
    )
    return await settlements.keep_settlement(reading, channel, file)
