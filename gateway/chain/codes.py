"""Codes: every code as the ERP knows it."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.canonical.crosswalk import CrosswalkKind
from gateway.canonical.envelope import Envelope, order_channel
from gateway.canonical.outcome import Cause, Refused
from gateway.canonical.process import Target
from gateway.chain.step import Done
from gateway.mapping.crosswalk import Crosswalks, Gap
from gateway.mapping.documents import day_of, kinds_of, translated


def codes(
    envelope: Envelope, erp: Target, tables: Crosswalks, but: CrosswalkKind | None = None
) -> Done | Refused:
    """Translate codes of all kinds ``but`` one, and name the versions they went through."""
    if but is not None:
        tables = Crosswalks({kind: it for kind, it in tables.tables.items() if kind is not but})
    found = translated(envelope, erp, tables)
    if not isinstance(found, Envelope):
        return Refused(Cause.CROSSWALK_GAP, said(found))
    return Done(found, tables.shape(kinds_of(envelope.process)))


def crossed_customer(envelope: Envelope, erp: Target, tables: Crosswalks) -> str:
    """Return the number that a crosswalk has for an order's customer, "" for none."""
    table = tables.tables.get(CrosswalkKind.CUSTOMER)
    if table is None:
        return ""
    channel = order_channel(envelope) or envelope.channel
    found = table.find(channel, envelope.body["customer"]["ref"], erp, day_of(envelope))
    return "" if isinstance(found, Gap) else found


def said(gaps: Sequence[Gap]) -> str:
    """Say what is missing, for staff."""
    return "; ".join(str(gap) for gap in gaps)
