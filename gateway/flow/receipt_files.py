"""Files of receipts: what was read whole is taken receipt by receipt, and that is written down.

The sentence the code follows: *who brings it is written down, then the file, then its receipts are
taken in batches, and only when none of them is left over the file counts as taken.* Cut off in
between, importing it again takes what is left; what was taken answers that it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from gateway.canonical.exchange.stores import TakenFile
from gateway.canonical.staff import Action, Staff
from gateway.errors import InputError, Unavailable
from gateway.flow.audit import Auditor
from gateway.flow.store_sales import Item, Status, StoreIntake, status_of
from gateway.ports import StoreBook

#: Receipts in one batch: between two of them a file costs no memory.
BATCH: Final = 512


@dataclass(slots=True)
class Taking:
    """What became of a file: items by status, the first that were refused, and the file as kept."""

    file: TakenFile
    counts: Counter[Status] = field(default_factory=Counter)
    held: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)


async def take_file(
    file: TakenFile,
    items: Iterable[Item],
    *,
    staff: Staff,
    stores: StoreIntake,
    book: StoreBook,
    auditor: Auditor,
) -> Taking:
    """Take all items of a file.

    Raises:
        Forbidden: ``staff`` may not bring receipts.
        Unavailable: not all of it could be taken; the same file again takes the rest.
    """
    await auditor.record(
        staff, Action.RECEIPTS_TAKE, f"{file.channel} {file.sha256[:16]}", file=file.name,
        transactions=file.transactions,
    )  # fmt: skip
    taking = Taking(await book.begin_file(file))
    marks: list[Item] = []
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        marks += [it for it in batch if it.mark is not None]
        sales = [it for it in batch if it.mark is None]
        await stores.take(file.channel, sales)
        _count(taking, sales)
    # Days are closed by what a file says only behind all of its receipts: none of them is late.
    await stores.take(file.channel, marks)
    _count(taking, marks)
    await book.end_file(file.sha256, file.channel)
    return taking


def _count(taking: Taking, items: Iterable[Item]) -> None:
    for item in items:
        outcome = item.outcome
        if isinstance(outcome, Unavailable):
            done = sum(taking.counts.values())
            raise type(outcome)(
                f"{outcome}; {done} of {taking.file.transactions} transactions are taken: import "
                "the same file again, that takes the rest",
                outcome.retry_after_s,
            )
        status = status_of(outcome)
        taking.counts[status] += 1
        name = item.key.reference if item.key else ""
        if status == "held":
            taking.held.append(name)
        elif isinstance(outcome, InputError):
            taking.rejected.append(f"{name}: {outcome.detail}")
