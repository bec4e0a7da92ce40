"""Payloads with something unannounced, for staff: masked, unless somebody who may asks to see them.

The rules are those of exceptions: everybody on the staff sees the form, and who asks for customers'
data is written down first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.canonical.exchange.drifting import KeptPayload
from gateway.canonical.masking import form_of
from gateway.canonical.staff import Action, Staff, require
from gateway.errors import NotFound
from gateway.flow.audit import Auditor
from gateway.ports.drifts import DriftBook


async def payloads_of(
    book: DriftBook,
    auditor: Auditor,
    staff: Staff,
    asked: tuple[str, str],
    *,
    unmask: bool = False,
    reason: str = "",
) -> Sequence[KeptPayload]:
    """Return the payloads kept of what was ``asked`` for: a reference, and a channel or "".

    Raises:
        Forbidden: none of their roles may see this.
        NotFound: none is kept.
    """
    require(staff, Action.EXCEPTIONS_UNMASK if unmask else Action.EXCEPTIONS_READ)
    reference, channel = asked
    found = await book.payloads(reference, channel)
    if not found:
        of = f" of channel {channel}" if channel else ""
        raise NotFound(
            f"no payload of {reference!r}{of} is kept; `coexist drift` names references. Only one "
            "with something unannounced is, for evidence.payload_days, up to "
            "evidence.payloads_a_day of a channel"
        )
    if unmask:
        await auditor.record(staff, Action.EXCEPTIONS_UNMASK, f"drift {reference}", reason)
        return found
    return [replace(it, text=form_of(it.text)) for it in found]
