"""Both ERPs as the machine sees them: documents that arrive, are posted, or fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.canonical.outcome import (
    Absent,
    Booked,
    Busy,
    Cause,
    Outcome,
    Probed,
    Refused,
    Stored,
    Unknown,
)
from gateway.canonical.process import Target

#: An earlier request can still arrive for this long after its attempt began.
FINAL_MS = 8000


class Fate(StrEnum):
    """What comes of one call."""

    DONE = "done"  #: booked (or stored), and said so
    LOST = "lost"  #: booked, but the answer is lost
    LATE = "late"  #: no answer, and the request arrives later
    NEVER = "never"  #: no answer, and the request never arrives
    BUSY = "busy"
    REFUSED = "refused"
    MISSING = "missing"  #: refused for a cause that passes, such as an item that is not there yet


@dataclass(slots=True)
class Document:
    """``standing`` is ``stored`` (legacy, until its batch run), ``posted`` or ``failed``."""

    number: str
    transaction_id: str
    object_key: str
    erp: Target
    arrives_ms: int
    revision: int
    standing: str = "coming"

    def answer(self) -> Outcome:
        if self.standing == "stored":
            return Stored(self.number)
        if self.standing == "failed":
            missing = self.number[-1] in "02468"
            cause = Cause.UNKNOWN_ITEM if missing else Cause.NOT_ACCEPTED
            return Refused(cause, f"{self.number} failed")
        return Booked(self.number)


class Books:
    """``documents`` are in order of arrival, ``posted`` in order of posting."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.posted: list[Document] = []
        self._coming: list[Document] = []
        self._count = 0

    def send(
        self, transaction_id: str, object_key: str, erp: Target, fate: Fate, arrives_ms: int,
        revision: int,
    ) -> Outcome:  # fmt: skip
        """Take a request; without an idempotency key, a second one books a second time."""
        if fate is Fate.BUSY:
            return Busy("busy")
        if fate is Fate.REFUSED:
            return Refused(Cause.NOT_ACCEPTED, "no")
        if fate is Fate.MISSING:
            return Refused(Cause.UNKNOWN_ITEM, "not yet")
        if fate is Fate.NEVER:
            return Unknown("no answer")
        self._count += 1
        document = Document(
            f"D-{self._count}", transaction_id, object_key, erp, arrives_ms, revision
        )
        if fate is Fate.LATE:
            self._coming.append(document)
            return Unknown("no answer")
        self._arrive(document)
        return document.answer() if fate is Fate.DONE else Unknown("no answer")

    def at(self, now_ms: int) -> None:
        """Let arrive what is due by ``now_ms``."""
        due = sorted(
            (it for it in self._coming if it.arrives_ms <= now_ms), key=lambda it: it.arrives_ms
        )
        self._coming = [it for it in self._coming if it.arrives_ms > now_ms]
        for document in due:
            self._arrive(document)

    def probe(self, transaction_id: str) -> Probed:
        """Look up; what is alive is believed before what failed, as the adapters do."""
        found = [it for it in self.documents if it.transaction_id == transaction_id]
        alive = [it for it in found if it.standing != "failed"]
        return (alive or found)[0].answer() if found else Absent()

    def confirm(self, number: str) -> Outcome:
        """Say how a document fares."""
        return next(it for it in self.documents if it.number == number).answer()

    def post(self, *, well: bool) -> None:
        """Let legacy's batch run come to the document stored longest."""
        for document in self.documents:
            if document.standing == "stored":
                document.standing = "posted" if well else "failed"
                if well:
                    self.posted.append(document)
                return

    def failed(self, transaction_id: str) -> bool:
        """Say whether a document of the message was stored and then failed to post."""
        mine = (it for it in self.documents if it.transaction_id == transaction_id)
        return any(it.standing == "failed" for it in mine)

    def check(self, accepted: Mapping[str, Sequence[str]], pipelined: str) -> None:
        """Nothing is here twice, and all in the order of acceptance: transactions by object."""
        alive = [it.transaction_id for it in self.documents if it.standing != "failed"]
        assert len(alive) == len(set(alive)), "booked twice"
        for object_key, ids in accepted.items():
            mine = [it.transaction_id for it in self.documents if it.object_key == object_key]
            _in_order(list(dict.fromkeys(mine)), ids)
            if object_key != pipelined:
                posted = (it.transaction_id for it in self.posted)
                _in_order([it for it in posted if it in ids], ids)

    def check_content(self, revisions: Mapping[str, int]) -> None:
        """What is here is what was last changed: no change was answered that is not booked."""
        for it in self.documents:
            if it.standing != "failed":
                assert it.revision == revisions[it.transaction_id], "an older content is booked"

    def _arrive(self, document: Document) -> None:
        document.standing = "stored" if document.erp is Target.LEGACY else "posted"
        self.documents.append(document)
        if document.standing == "posted":
            self.posted.append(document)


def _in_order(some: Sequence[str], all_of_them: Sequence[str]) -> None:
    """Some of all, in the order of all."""
    assert list(some) == [it for it in all_of_them if it in some]
