"""The life of a message, from the table that :mod:`gateway.canonical.lifecycle` checks moves by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.canonical.lifecycle import TRANSITIONS, Event, State
from gateway.commands.pages.markdown import page, table
from gateway.flow.status import PUBLIC_STATE

_INTRO: Final = (
    "What state of a message may follow which, and on what event. A move that is not here is "
    "refused, naming event and state, and changes nothing."
)

_STATES: Final = {
    State.WAITING: "accepted, behind others of its object or ready for delivery; with a cause, it "
    "waits for that to be put right",
    State.PARKED: "accepted under a `hold` route; waits for rules that say where",
    State.SENT: "an attempt is open: whether it is booked is unknown until it is settled",
    State.STORED: "the ERP keeps it and has not posted it yet; it is polled",
    State.BOOKED: "posted, once, final",
    State.HELD: "refused for good, or failing for no known reason: somebody must act",
    State.DISCARDED: "given up by staff: it is never booked, and its object went on",
}

_EVENTS: Final = {
    Event.ACCEPT: "a channel's submission is taken, and its object has an ERP to go to",
    Event.PARK: "a submission is taken while the rules say `hold`",
    Event.RELEASE: "rules that say where, or somebody who looked at a held message, let it go on",
    Event.ATTEMPT: "a worker records that it is about to send",
    Event.DEFER: "it is put back for later: the ERP was busy, or a probe found it absent for good",
    Event.STORE: "the ERP has stored it",
    Event.BOOK: "the ERP has booked it; a fact that anybody may record, whatever was believed",
    Event.WAIT: "the ERP refused it for something that somebody puts right there: an item, a "
    "customer, a period, a credit limit; it is tried again by schedule, or at once when released",
    Event.HOLD: "the ERP refused it for good, it was taken too often without an outcome, or the "
    "order it follows was discarded",
    Event.EDIT: "staff correct what it says, while it is held or waits for a cause; what was "
    "accepted is kept",
    Event.DISCARD: "staff give it up, while it is held or waits for a cause, and nothing of it can "
    "be booked or still arrive",
}


def lifecycle() -> str:
    """Return the page. A state or event without a text here raises ``KeyError``."""
    states = [(f"`{state}`", _STATES[state], f"`{PUBLIC_STATE[state]}`") for state in State]
    events = [(f"`{event}`", _EVENTS[event]) for event in Event]
    parts = [
        _INTRO,
        "\n".join(["```mermaid", "stateDiagram-v2", *_arrows(), "```"]),
        "## States",
        "A channel is told fewer states, and none that shows how an ERP works.",
        table(("state", "meaning", "told to channels"), states),
        "## Events",
        table(("event", "what happens"), events),
    ]
    return page("Life of a message", parts)


def _arrows() -> Iterator[str]:
    for (before, event), after in TRANSITIONS.items():
        yield f"    {before or '[*]'} --> {after}: {event}"
    yield f"    {State.BOOKED} --> [*]"
    yield f"    {State.DISCARDED} --> [*]"
