"""The life of a message as a table: what state may follow which, on what event.

The diagram in the documentation is generated from :data:`TRANSITIONS`; an illegal move names event
and state and changes nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a message is."""

    WAITING = "waiting"  #: accepted, behind others or ready, or waiting for a named cause to end
    PARKED = "parked"  #: accepted under a ``hold`` route
    SENT = "sent"  #: an attempt is open: its outcome is unknown until settled
    STORED = "stored"  #: the ERP keeps it, posting is being polled
    BOOKED = "booked"  #: posted, once, final
    HELD = "held"  #: refused or poison; staff must act
    DISCARDED = "discarded"  #: given up by staff, never to be booked


class Event(StrEnum):
    """What happens to a message."""

    ACCEPT = "accept"
    PARK = "park"
    RELEASE = "release"
    ATTEMPT = "attempt"
    DEFER = "defer"
    STORE = "store"
    BOOK = "book"
    HOLD = "hold"
    WAIT = "wait"
    EDIT = "edit"
    DISCARD = "discard"


TRANSITIONS: Final[dict[tuple[State | None, Event], State]] = {
    (None, Event.ACCEPT): State.WAITING,
    (None, Event.PARK): State.PARKED,
    (State.PARKED, Event.RELEASE): State.WAITING,
    (State.WAITING, Event.ATTEMPT): State.SENT,
    (State.WAITING, Event.HOLD): State.HELD,
    (State.WAITING, Event.PARK): State.PARKED,
    (State.SENT, Event.DEFER): State.WAITING,
    (State.SENT, Event.ATTEMPT): State.SENT,
    (State.SENT, Event.STORE): State.STORED,
    (State.SENT, Event.BOOK): State.BOOKED,
    (State.SENT, Event.HOLD): State.HELD,
    (State.SENT, Event.WAIT): State.WAITING,
    (State.STORED, Event.WAIT): State.WAITING,
    (State.WAITING, Event.WAIT): State.WAITING,
    (State.WAITING, Event.RELEASE): State.WAITING,
    (State.STORED, Event.BOOK): State.BOOKED,
    (State.STORED, Event.HOLD): State.HELD,
    (State.HELD, Event.RELEASE): State.WAITING,
    (State.HELD, Event.EDIT): State.HELD,
    (State.WAITING, Event.EDIT): State.WAITING,
    (State.PARKED, Event.EDIT): State.PARKED,
    (State.HELD, Event.DISCARD): State.DISCARDED,
    (State.WAITING, Event.DISCARD): State.DISCARDED,
    # A booking is a fact and may be recorded whatever we believed before.
    (State.WAITING, Event.BOOK): State.BOOKED,
    (State.HELD, Event.BOOK): State.BOOKED,
    (State.DISCARDED, Event.BOOK): State.BOOKED,
}


def after(state: State | None, event: Event) -> State:
    """Return the state that follows; raise ``ValueError`` naming both if the move is illegal."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"a message that is {state or 'new'} cannot {event}") from None
