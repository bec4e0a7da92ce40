"""Every problem a channel can be told, from the error tree and the table of refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway import errors
from gateway.api.problems import (
    BY_STATUS,
    HELD,
    MEDIA_TYPE,
    TYPE_PREFIX,
    discarded_problem,
    held_problem,
)
from gateway.commands.pages.markdown import page, table

_INTRO: Final = (
    f"An error is answered as `{MEDIA_TYPE}` (RFC 9457): `type`, `title`, `status`, `detail`, "
    "`instance`, and for fields `errors` with a JSON pointer and a detail each. Programs look at "
    f"`type`, people read `detail`. A type is `{TYPE_PREFIX}` and the code below."
)
_HELD_INTRO: Final = (
    "A transaction that an ERP refused for good, or that cannot be processed, is *held*. It stays "
    "accepted: its state is `held` and its `problem` says why, the same whichever ERP it was. "
    "Staff put right what is wrong and let it go on; the channel sends nothing again."
)

#: Whose error, in one column: what repeating the same request is good for.
_REMEDIES: Final = {
    "bad-request": "correct the body or the header; do not repeat unchanged",
    "unauthenticated": "send `Authorization: Bearer KEY`",
    "forbidden": "use a key with the scope, or name an entity the channel may name",
    "not-found": "correct the reference",
    "conflict": "admin API only: look again at what is to be changed, then repeat",
    "body-too-large": "send less at a time",
    "invalid-fields": "correct every field listed; do not repeat unchanged",
    "file-refused": "mend the lines that `detail` names, or get the file again; nothing was kept",
    "idempotency-clash": "send the first body again, or a new reference and key",
    "method-not-allowed": "use a method of the `Allow` header",
    "unsupported-media-type": "send `application/json` in UTF-8",
    "unavailable": "repeat the same request after `Retry-After`",
    "buffer-unavailable": "unknown whether it was taken: repeat the same request, it is taken once",
    "ledger-unavailable": "repeat the same request after `Retry-After`",
    "rules-unavailable": "repeat the same request after `Retry-After`",
    "enquiry-unavailable": "repeat the enquiry after `Retry-After`",
    "owner-undecidable": "repeat the same request after `Retry-After`; nothing was taken",
    "recovering": "repeat the same request after `Retry-After`; nothing was taken",
    "overloaded": "repeat the same request after `Retry-After`; nothing was taken",
    "not-ready": "`/readyz` only: send traffic to another gateway process",
    "unexpected": "repeating is safe; if it fails again, quote the `X-Request-Id` to the operator",
}


def problems() -> str:
    """Return the page. A code without a remedy here raises ``KeyError``."""
    rows = [
        (f"`{code}`", str(status), title, _REMEDIES[code]) for code, status, title in _problems()
    ]
    held = [
        (f"`held:{cause}`", problem["title"], problem["detail"])
        for cause, problem in ((str(cause), held_problem(cause)) for cause in HELD)
    ]
    parts = [
        _INTRO,
        table(("code", "status", "title", "what to do"), rows),
        "A 503 always carries `Retry-After`, in seconds.",
        "## Held transactions",
        _HELD_INTRO,
        table(("code", "title", "detail"), held),
        "## Discarded transactions",
        "Staff decided that a transaction with status `discarded` will not be booked:",
        table(("code", "title", "detail"), [_discarded()]),
    ]
    return page("Problems", parts)


def _discarded() -> tuple[str, str, str]:
    problem = discarded_problem()
    return "`discarded`", problem["title"], problem["detail"]


def _problems() -> Iterator[tuple[str, int, str]]:
    """List code, status and title, each code once, by status."""
    found: dict[str, tuple[int, str]] = {}
    for error in (*_tree(errors.InputError), *_tree(errors.Unavailable)):
        found.setdefault(error.code, (error.status, error.title))
    for status, (code, title) in BY_STATUS.items():
        found.setdefault(code, (status, title))
    found["unexpected"] = (500, "Unexpected failure")
    found["not-ready"] = (503, "Not ready")
    for code, (status, title) in sorted(found.items(), key=lambda item: item[1][0]):
        yield code, status, title


def _tree(
    root: type[errors.InputError | errors.Unavailable],
) -> Iterator[type[errors.InputError | errors.Unavailable]]:
    yield root
    for below in root.__subclasses__():
        yield from _tree(below)
