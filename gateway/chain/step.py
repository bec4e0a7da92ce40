"""What a step of the chain says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.canonical.envelope import Envelope
from gateway.canonical.outcome import Delayed, Refused


@dataclass(frozen=True, slots=True)
class Done:
    """The message after a step. ``note`` is what was decided, for staff; "" if nothing was."""

    envelope: Envelope
    note: str = ""


Step = Done | Refused | Delayed


def changed(envelope: Envelope, **fields: Any) -> Envelope:
    """Return the message with fields of its body replaced."""
    body: Mapping[str, Any] = {**envelope.body, **fields}
    return envelope.model_copy(update={"body": body})
