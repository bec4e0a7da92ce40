"""What every answer of an ERP means, from the tables the adapters look them up in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.canonical.outcome import Cause
from gateway.commands.pages.markdown import page, table
from gateway.erp.cloud import answers as cloud
from gateway.erp.cloud import token
from gateway.erp.legacy import answers as legacy
from gateway.erp.legacy.answers import STATUSES, Stage
from gateway.erp.meaning import Answer, Means, Words
from gateway.erp.wire import FATES, Fate

_INTRO: Final = (
    "Each call to an ERP ends in one outcome, found in the tables below; the adapters read the "
    "same tables. The first row that fits counts. **Whatever no row is about is unknown**: "
    "guessing either way would lose a document or book it twice. Why that matters is explained in "
    "[exactly once](../explanation/exactly-once.md)."
)

_WITHOUT_ONE: Final = (
    "Getting a token never sends a document, so nothing is unknown: any other status, a body that "
    "cannot be read and silence are *closed, wait*."
)
_SOAP: Final = (
    "Calls by SOAP read the same table; a fault (500) of a look-up is unknown, and "
    "`MATERIAL_NOT_FOUND` of an enquiry means that there is no such article."
)
_BOTH_THINGS: Final = (
    "Any other is unknown and looked at again, among them those that say two things at once: 52, "
    "61, 69 and 70."
)
_SILENCE: Final = (
    "What the HTTP client raises, by the error it stands for. Once a byte of an answer came, every "
    "error is unknown."
)

_DONE: Final = {
    Means.BOOKED: "final; the object's next message may go",
    Means.STORED: "the ERP keeps it and posts it later: its status is polled until it is booked or "
    "refused",
    Means.BY_WORDS: "the table of words names the cause, and the cause says whether it waits",
    Means.HOLD: "the object is held until somebody acts; see `coexist exceptions`",
    Means.RETRY: "certainly not booked: sent again after a growing pause",
    Means.UNKNOWN: "may be booked: looked up by external reference, and never sent again before "
    "absence is final",
    Means.RENEW: "the token is renewed, once for all who wait, and the request sent once more",
    Means.CLOSED: "certainly not booked, and the whole ERP is left alone: for as long as it says, "
    "else for a growing pause",
    Means.FAULT: "as *closed, wait*, and `coexist_erp_misconfigured` is 1; if it lasts for a "
    "minute, a message that meets it waits as an exception of cause `misconfigured`",
}

_STAGES: Final = {
    Stage.PENDING: "stored, polled",
    Stage.POSTED: "booked",
    Stage.FAILED: "refused, by the words of its text",
}

_FATES: Final = {
    Fate.UNREACHED: "closed, wait: nobody is there, nothing was sent",
    Fate.UNSENT: "not booked, retry: nothing was sent, for a reason on our side",
    Fate.UNSURE: "unknown, probe",
}


def erp_answers() -> str:
    """Return the page. A meaning without a text here raises ``KeyError``."""
    parts = [
        _INTRO,
        table(("outcome", "what is done"), [(f"*{each}*", _DONE[each]) for each in Means]),
        "## Cloud: statuses of a write",
        _answers(cloud.ANSWERS),
        "A look-up reads the same table; whatever is not a list and not a pause is unknown.",
        "## Cloud: words of a refusal",
        _words(cloud.WORDS),
        "## Cloud: the token endpoint",
        _WITHOUT_ONE,
        _answers(token.ANSWERS),
        "## Legacy: statuses of the IDoc intake",
        _answers(legacy.ANSWERS),
        _SOAP,
        "## Legacy: statuses of an IDoc",
        _BOTH_THINGS,
        table(
            ("status", "outcome"),
            [(f"`{status}`", _STAGES[stage]) for status, stage in STATUSES.items()],
        ),
        "## Legacy: words of a refusal",
        _words(legacy.WORDS),
        "## Both: no answer at all",
        _SILENCE,
        _errors(),
    ]
    return page("What answers of an ERP mean", parts)


def _answers(rows: Iterable[Answer]) -> str:
    return table(
        ("status", "if", "outcome", "because"),
        [(f"`{row.status}`", _condition(row), f"*{row.means}*", row.why) for row in rows],
    )


def _condition(row: Answer) -> str:
    conditions = []
    if row.worded is not None:
        conditions.append("in the ERP's own words" if row.worded else "not in the ERP's words")
    if row.paused is not None:
        conditions.append("with `Retry-After`" if row.paused else "without `Retry-After`")
    return " and ".join(conditions)


def _words(rows: Sequence[Words]) -> str:
    cells = [(f"`{row.pattern.pattern}`", row.cause) for row in rows]
    return table(
        ("text", "cause", "then"),
        [
            (text, f"`{cause}`", "waits, tried again by itself" if cause.waits else "held")
            for text, cause in [*cells, ("anything else", Cause.NOT_ACCEPTED)]
        ],
    )


def _errors() -> str:
    rows = []
    for fate in Fate:
        names = sorted(
            f"{kind.__module__.partition('.')[0]}.{kind.__name__}".removeprefix("builtins.")
            for kind, each in FATES.items()
            if each is fate
        )
        rows.append((_FATES[fate], ", ".join(f"`{name}`" for name in names)))
    return table(("outcome", "errors"), rows)
