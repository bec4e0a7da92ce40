"""POSLog files: read to the end and tied out before the first receipt of them is taken.

The sentence the code follows: *a file is read as a stream and each transaction mapped and put
aside; what is wrong with any of them refuses the file with its lines; so does a control total that
does not tie out, naming the difference; then its receipts are taken one by one under their natural
keys, so that an import which was cut off is finished by importing the file again.*
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec
from pydantic import ValidationError

from gateway.canonical.envelope import StoredSale, receipt_reference
from gateway.canonical.fields import field_errors
from gateway.canonical.money import plain
from gateway.canonical.sale import Mark, StoreSale
from gateway.canonical.unmapped import Problem, unmapped
from gateway.channels.pos.goods import ZERO
from gateway.channels.pos.markup import Log, Node
from gateway.channels.pos.poslog import Mapped, Number, Place, mapped
from gateway.channels.pos.surprises import PosLogSurprises
from gateway.errors import FileProblem, FileRefused, Invalid
from gateway.flow.store_sales import Item, NumberKey, submission

#: Problems listed of one file: enough to see a pattern, and bounded. The rest are counted.
PROBLEMS_MAX: Final = 100
#: What is put aside is kept in memory up to this size, then in a temporary file.
MEMORY_MAX: Final = 8_000_000

_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_decode: Final = msgspec.json.Decoder().decode

Judge = Callable[[str, StoreSale], None]
"""Raises :class:`~gateway.errors.Invalid` for a receipt of a legal entity that is wrong."""


@dataclass(slots=True)
class Sum:
    """Transactions and what they come to, by currency."""

    count: int = 0
    amounts: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, found: Mapped) -> None:
        """Count a transaction."""
        self.count += 1
        if found.sale is not None:
            self.amounts[found.currency] += found.amount


class Stated(NamedTuple):
    """A control total, as the file or who sends it states it; None was not stated.

    ``register_id`` "" means all of the file. Without ``currency`` the amount is of the only one.
    """

    line: int
    store: str
    register_id: str
    transactions: int | None
    amount: Decimal | None
    currency: str = ""


class Aside(NamedTuple):
    """A transaction as it is put aside."""

    number: tuple[str, str, str, str, int]
    sale: dict[str, Any] | None
    mark: dict[str, Any] | None
    problems: list[Problem]
    received: str


class PosLogFile(AbstractContextManager["PosLogFile"]):
    """A file that was read whole: what it comes to, and its transactions, put aside.

    Raises :class:`~gateway.errors.FileRefused` with the number of each line that is wrong.
    """

    def __init__(
        self,
        stream: BinaryIO,
        places: Mapping[str, Place],
        stated: tuple[Stated, ...] = (),
        *,
        needs_totals: bool = True,
    ) -> None:
        self._places = places
        self._problems: list[FileProblem] = []
        self._wrong = 0
        self._stated = list(stated)
        self.all = Sum()
        self.surprises = PosLogSurprises()
        self.by_register: dict[tuple[str, str], Sum] = defaultdict(Sum)
        self._aside = SpooledTemporaryFile(max_size=MEMORY_MAX)  # noqa: SIM115 -- closed by `with`
        try:
            log = Log(stream)
            for node in log.elements():
                self._read(node)
            self.sha256 = log.digest()
            self._tie_out(needs_totals=needs_totals)
            if self._wrong:
                raise FileRefused.of(self._problems, self._wrong)
        except BaseException:
            self._aside.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._aside.close()

    def items(self, channel: str, judge: Judge) -> Iterator[Item]:
        """Yield what is to be taken, in the order of the file."""
        self._aside.seek(0)
        for at, line in enumerate(self._aside):
            store, legal_entity, day, register, sequence = (aside := Aside(*_decode(line))).number
            key = NumberKey(store, day, register, sequence)
            if aside.mark is not None:
                yield Item(at, key, mark=Mark.model_validate(aside.mark))
                continue
            body = _body(key, legal_entity, aside, judge)
            content = _encode(aside.sale)
            digest = blake2b(f"store.sale|{key.reference}".encode(), digest_size=16)
            digest.update(b"\0" + content)
            asked = submission(channel, key, legal_entity, body, digest.digest())
            yield Item(at, key, asked)

    def _read(self, node: Node) -> None:
        if node.name == "ControlTotals":
            self._stated += [self._total(it) for it in node.all("File", "Register")]
        elif node.name == "Transaction":
            found = mapped(node, self._places)
            if isinstance(found, Mapped):
                self.surprises.look(node, _reference(found.number))
                self._keep(node, found)
            else:
                for problem in found:
                    self._refuse(problem)

    def _keep(self, node: Node, found: Mapped) -> None:
        number = found.number
        self.all.add(found)
        self.by_register[number.retail_store_id, number.register_id].add(found)
        if found.mark is not None:
            try:
                Mark.model_validate(found.mark)
            except ValidationError as error:
                said = str(field_errors(error.errors(include_url=False))[0].detail)
                self._refuse(FileProblem(node.line, "", said))
        self._aside.write(
            _encode(
                Aside(
                    (number.place.code, number.place.legal_entity,
                     number.business_date.isoformat(), number.register_id, number.sequence),
                    found.sale, found.mark, found.problems,
                    node.written() if found.sale is not None else "",
                )
            ) + b"\n"
        )  # fmt: skip

    def _total(self, node: Node) -> Stated:
        count, amount = node.attributes.get("Count"), node.attributes.get("Amount")
        register = node.attributes.get("WorkstationID", "") if node.name == "Register" else ""
        try:
            return Stated(
                node.line, node.attributes.get("RetailStoreID", ""), register,
                None if count is None else int(count),
                None if amount is None else Decimal(amount),
                node.attributes.get("Currency", ""),
            )  # fmt: skip
        except (ValueError, ArithmeticError):
            said = f"Count {count!r} and Amount {amount!r} are no figures"
            raise FileRefused.of([FileProblem(node.line, node.name, said)]) from None

    def _tie_out(self, *, needs_totals: bool) -> None:
        if needs_totals and not any(it.transactions is not None for it in self._stated):
            self._refuse(
                FileProblem(1, "", "no control totals are stated, in the file or beside it: say "
                            "how many transactions it has to have and what they come to, or "
                            "take it without")
            )  # fmt: skip
        for it in self._stated:
            for said in self._differences(it):
                self._refuse(FileProblem(it.line, "ControlTotals", said))

    def _differences(self, stated: Stated) -> Iterator[str]:
        found, what = self._meant(stated)
        if stated.transactions is not None and stated.transactions != found.count:
            off = stated.transactions - found.count
            yield (
                f"{what}: {stated.transactions} transactions are stated and {found.count} are "
                f"there, {abs(off)} {'are missing' if off > 0 else 'are too many'}"
            )
        if stated.amount is None:
            return
        currency = stated.currency or next(iter(found.amounts), "")
        if not stated.currency and len(found.amounts) > 1:
            yield f"{what}: an amount is stated without a currency, and there are several"
            return
        there = found.amounts.get(currency, ZERO)
        if stated.amount != there:
            yield (
                f"{what}: {plain(stated.amount, currency)} {currency} is stated and the receipts "
                f"come to {plain(there, currency)}, a difference of "
                f"{plain(stated.amount - there, currency)}"
            )

    def _meant(self, stated: Stated) -> tuple[Sum, str]:
        if not stated.register_id:
            return self.all, "file"
        found = Sum()
        for (store, register), it in self.by_register.items():
            if register == stated.register_id and stated.store in {"", store}:
                found.count += it.count
                for currency, amount in it.amounts.items():
                    found.amounts[currency] += amount
        return found, f"register {stated.register_id}"

    def _refuse(self, problem: FileProblem) -> None:
        self._wrong += 1
        if len(self._problems) < PROBLEMS_MAX:
            self._problems.append(problem)


def _reference(it: Number) -> str:
    day = it.business_date.isoformat()
    return receipt_reference(it.place.code, day, it.register_id, it.sequence)


def _body(key: NumberKey, legal_entity: str, aside: Aside, judge: Judge) -> dict[str, Any]:
    draft = {"store": key.store, "legal_entity": legal_entity, "sale": aside.sale}
    problems = [Problem(*it) for it in aside.problems]
    try:
        document = StoredSale.model_validate(draft)
        judge(legal_entity, document.sale)
    except ValidationError as error:
        found = field_errors(error.errors(include_url=False))
        problems += [Problem(it.pointer, it.detail) for it in found]
    except Invalid as error:
        problems += [Problem(f"/sale{it.pointer}", it.detail) for it in error.errors]
    else:
        if not problems:
            return document.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return unmapped(draft, problems, aside.received)
