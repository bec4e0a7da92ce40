"""Every error of the gateway, in one tree.

::

    CoexistError                     stage, retryable, exit code
    ├── InputError                   the caller must change something; never retried by us
    │   ├── BadRequest        400    not JSON, a header that cannot be read
    │   ├── Unauthenticated   401    no key, or a key nobody owns
    │   ├── Forbidden         403    the key lacks the scope, or asks for another's entity
    │   ├── NotFound          404    no such order, transaction, SKU
    │   ├── Conflict          409    somebody else changed it meanwhile, or its state forbids it
    │   ├── TooLarge          413    body above the limit
    │   ├── Invalid           422    fields that are wrong, each with its pointer
    │   ├── FileRefused       422    a file with lines that are wrong: nothing of it is kept
    │   └── IdempotencyClash  422    the same key or reference with another body
    ├── Unavailable           503    try again after `retry_after_s`
    │   ├── StoreUnavailable         Redis does not answer: the outcome of a write is unknown
    │   ├── LedgerUnavailable        the SQL ledger does not answer
    │   ├── RulesUnavailable         a partition names a rule version that cannot be read
    │   ├── FlipInterrupted          store or ledger went away in the middle of a flip
    │   ├── ErpUnavailable           no ERP answered a read in time
    │   ├── OwnerUndecidable         the order a webhook is about was not taken (yet)
    │   ├── Overloaded               a high-water mark is reached
    │   └── Recovering               the buffer is older than the ledger
    ├── ConfigError                  what was configured cannot work; raised at start
    │   ├── RulesError               routing rules with problems, all of them listed
    │   │   └── WindowsError         the same of the ERPs' windows
    │   │   └── CalendarsError       the same of calendar files
    │   └── InstallationMismatch     the store belongs to another installation
    ├── MarketUnavailable            a marketplace does not answer, refuses us, or asks for a pause
    ├── PublishError                 a flip was refused or interrupted
    └── FencedOut                    another worker holds the partition now

An error knows the *stage* it arose in and whether the same call may be *retried*; the HTTP status
of those that reach a channel, and the exit code of the command or process it ends, stand beside it,
so that neither needs a second table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: ``pointer`` is a JSON pointer into the body ("" is the body itself)."""

    pointer: str
    detail: str


class CoexistError(Exception):
    """Root of the tree. ``detail`` names the value, the place and the remedy."""

    stage: ClassVar[str] = "gateway"
    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InputError(CoexistError):
    """The caller sent something that cannot be accepted; repeating it unchanged is useless."""

    stage = "intake"
    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad-request"
    title: ClassVar[str] = "Bad request"

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)


class BadRequest(InputError):
    """The body is not JSON or a header cannot be read."""


class Unauthenticated(InputError):
    """No API key, or one that belongs to no channel."""

    status = 401
    code = "unauthenticated"
    title = "Unauthenticated"


class Forbidden(InputError):
    """The key is known but may not do this."""

    status = 403
    code = "forbidden"
    title = "Forbidden"


class NotFound(InputError):
    """The object asked for does not exist in any system."""

    status = 404
    code = "not-found"
    title = "Not found"


class Conflict(InputError):
    """What is asked for does not fit the state it is in now; look again."""

    status = 409
    code = "conflict"
    title = "Not as it was"


class TooLarge(InputError):
    """The body is larger than the configured limit."""

    status = 413
    code = "body-too-large"
    title = "Body too large"


class Invalid(InputError):
    """Fields that are wrong; ``errors`` names each with its pointer."""

    status = 422
    code = "invalid-fields"
    title = "Some fields are not valid"


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One problem of a file; ``line`` counts from 1, ``column`` is its name, "" is the line."""

    line: int
    column: str
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.column + ': ' if self.column else ''}{self.problem}"


class FileRefused(InputError):
    """A file that is not taken: ``problems`` are the first of ``count`` in all."""

    status = 422
    code = "file-refused"
    title = "The file is not taken"

    def __init__(self, detail: str, problems: Sequence[FileProblem] = (), count: int = 0) -> None:
        super().__init__(detail)
        self.problems = tuple(problems)
        self.count = max(count, len(problems))

    @classmethod
    def of(cls, problems: Sequence[FileProblem], count: int = 0) -> Self:
        """Say what all the problems are; ``count`` is how many there were, if not all are here."""
        lines = [str(problem) for problem in problems]
        if count > len(lines):
            lines.append(f"… and {count - len(lines)} more")
        return cls("\n".join(lines), problems, count)


class IdempotencyClash(InputError):
    """The same idempotency key or business reference was used with a different body."""

    status = 422
    code = "idempotency-clash"
    title = "Already used with a different body"


class Unavailable(CoexistError):
    """Cannot be answered now. ``retry_after_s`` is when a repeat is worth it."""

    stage = "service"
    retryable = True
    exit_code = 75  # EX_TEMPFAIL of sysexits.h: whoever supervises tries again later
    status: ClassVar[int] = 503
    code: ClassVar[str] = "unavailable"
    title: ClassVar[str] = "Temporarily unavailable"

    def __init__(self, detail: str, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class StoreUnavailable(Unavailable):
    """Redis did not answer; whether a write in flight was taken is unknown."""

    stage = "store"
    code = "buffer-unavailable"


class LedgerUnavailable(Unavailable):
    """The SQL ledger did not answer."""

    stage = "ledger"
    code = "ledger-unavailable"


class RulesUnavailable(Unavailable):
    """The rule version in force cannot be read or compiled."""

    stage = "routing"
    code = "rules-unavailable"


class FlipInterrupted(Unavailable):
    """Store or ledger went away while rules were applied: the flip is open, or may be."""

    stage = "publish"


class ErpUnavailable(Unavailable):
    """An enquiry could not be answered in time."""

    stage = "enquiry"
    code = "enquiry-unavailable"


class OwnerUndecidable(Unavailable):
    """The order a webhook is about was not taken yet, or is not known: it has to come again."""

    stage = "ownership"
    code = "owner-undecidable"


class Overloaded(Unavailable):
    """A high-water mark of the buffer is reached."""

    stage = "back-pressure"
    code = "overloaded"


class Recovering(Unavailable):
    """The buffer was found older than the ledger; nothing is accepted until it is brought up."""

    stage = "recovery"
    code = "recovering"


class ConfigError(CoexistError):
    """A setting that cannot work; the process does not start."""

    stage = "configuration"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One problem of the routing rules, as precise as an editor needs it (lines count from 1)."""

    file: str
    line: int
    column: int
    key: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.key}: {self.problem}; {self.remedy}"


class RulesError(ConfigError):
    """Routing rules with problems; ``problems`` lists all of all files."""

    stage = "routing"
    exit_code = 1  # files were checked, and the answer is no
    what: ClassVar[str] = "the routing rules"

    def __init__(self, problems: Sequence[RuleProblem]) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = tuple(problems)


class WindowsError(RulesError):
    """Window files with problems; ``problems`` lists all of all files."""

    what = "the windows of the ERPs"


class CalendarsError(RulesError):
    """Calendar files with problems; ``problems`` lists all of all files."""

    what = "the calendars"


class InstallationMismatch(ConfigError):
    """Store, ledger and settings disagree on what installation this is."""


class MarketUnavailable(CoexistError):
    """A marketplace or its queue does not answer, refuses us, or asks for a pause."""

    stage = "pull"
    retryable = True


class PublishError(CoexistError):
    """A rule change was refused or did not finish; the detail says what is in force now."""

    stage = "publish"


class FencedOut(CoexistError):
    """The partition's lease has passed to another worker: drop the work, record nothing."""

    stage = "delivery"
