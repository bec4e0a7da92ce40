"""Settlement reports, GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2: tab-separated, read as a stream.

The first row behind the header states the settlement; every other row is one component. Columns
are found by name, because their order and number differ between marketplaces and years. The file
is taken whole or not at all: rows add up to the total it states, or it is refused with the number
of each line that is wrong.

Source: developer-docs.amazon.com, report type values of settlements, and its attribute list.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import BinaryIO, Final

from pydantic import ValidationError

from gateway.canonical.exchange.drifting import EXAMPLE_CHARS_MAX, Surprise, Wholes
from gateway.canonical.settlement import Component, Settlement, SettlementRow
from gateway.channels.amazon.figures import Amounts, DateOrder, day, instant, pieces
from gateway.channels.amazon.vocabulary import is_known
from gateway.channels.files import HashedLines
from gateway.errors import FileProblem, FileRefused

PROVIDER: Final = "amazon"

_SUMMARY: Final = (
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date",
    "total-amount", "currency",
)  # fmt: skip
_DETAIL: Final = (
    "settlement-id", "currency", "transaction-type", "order-id", "merchant-order-id",
    "adjustment-id", "shipment-id", "marketplace-name", "amount-type", "amount-description",
    "amount", "fulfillment-id", "posted-date", "posted-date-time", "order-item-code",
    "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased",
    "promotion-id",
)  # fmt: skip
_REQUIRED: Final = frozenset(
    {*_SUMMARY, "transaction-type", "amount-type", "amount-description", "amount"}
)
_POSTED: Final = frozenset({"posted-date", "posted-date-time"})

#: Problems listed of one file: enough to see a pattern, and bounded. The rest are counted.
PROBLEMS_MAX: Final = 100
#: A settlement's row has some 24 short fields. What is longer is another kind of file.
LINE_BYTES_MAX: Final = 65_536
#: Different components remembered, and reported if unknown; all are kept.
COMPONENTS_MAX: Final = 10_000


class SettlementFile:
    """One report being read: first the head, then row after row, in the memory of one row.

    ``date_order`` says how ``09/06/25`` is meant, where a row has no unambiguous date beside it;
    ``decimal`` is the decimal mark, if no amount shows it.

    Raises :class:`~gateway.errors.FileRefused` at once for what has no readable head.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        encoding: str = "utf-8",
        date_order: DateOrder = "",
        decimal: str = "",
    ) -> None:
        self._file = HashedLines(file, LINE_BYTES_MAX)
        self._lines = enumerate(self._file, start=1)
        self._encoding = encoding
        self._order: DateOrder = date_order
        self._amounts = Amounts()
        self._amounts.mark = decimal
        # A file has many rows and few amounts: commissions, rates, prices of the same articles.
        self._amount = lru_cache(maxsize=65_536)(self._amounts.read)
        self._problems: list[FileProblem] = []
        self._wrong = 0
        self._unknown: Counter[Component] = Counter()
        self._seen: dict[tuple[str, str, str], bool] = {}
        self._columns: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        #: Rows that have something unannounced, whole: an object of columns each.
        self.wholes = Wholes()
        self._names = names = self._header()
        self._width = len(names)
        columns = {name: at for at, name in enumerate(names) if name}
        # A column that the file does not have is read from the blank appended to each row.
        self._pick = itemgetter(*(columns.get(name, -1) for name in _DETAIL))
        self._others = [
            (name, at) for name, at in columns.items() if name not in {*_DETAIL, *_SUMMARY}
        ]
        self.head = self._summary(columns)

    def rows(self) -> Iterator[SettlementRow]:
        """Yield every component once, in the order of the file.

        Raises:
            FileRefused: behind the last row, if anything was wrong: nothing may be kept then.
        """
        total = Decimal(0)
        ordinal = 0
        for line, fields in self._fields():
            row = self._row(ordinal + 1, line, fields)
            if row is None:
                continue
            ordinal += 1
            if not _is_transfer(row, self.head.total):
                total += row.amount
            self._notice(row, fields)
            yield row
        if not self._wrong and total != self.head.total:
            difference = total - self.head.total
            self._wrong_at(
                2, "total-amount",
                f"{self.head.total} {self.head.currency} is stated, and the {ordinal} rows add up "
                f"to {total}: {difference:+} too much; the file is cut short or was edited, get "
                "it again",
            )  # fmt: skip
        if self._wrong:
            raise FileRefused.of(self._problems, self._wrong)

    def unknown_components(self) -> Sequence[tuple[Component, int]]:
        """Return the components nobody knows, the most frequent first."""
        return self._unknown.most_common()

    def surprises(self, name: str) -> Sequence[Surprise]:
        """Return what the file, called ``name``, has and nobody announced, once it was read."""
        found = [(f"field:{column}", times) for column, times in self._columns.items()]
        found += [(_named(it), times) for it, times in self._unknown.items()]
        return [Surprise(it, f"{self._examples[it]} of {name}", times) for it, times in found]

    def sha256(self) -> str:
        """Read what is left of the file, and return the hash of all its bytes."""
        return self._file.sha256()

    # ------------------------------------------------------------------ head

    def _header(self) -> list[str]:
        first = next(self._fields_of_any_length(), None)
        if first is None:
            raise FileRefused.of([FileProblem(1, "", "the file is empty; get it again")])
        names = [name.strip().casefold() for name in first[1]]
        missing = sorted(_REQUIRED - set(names))
        if not missing and not _POSTED & set(names):
            missing = ["posted-date-time"]
        if missing:
            text = f"no column {', '.join(missing)}; this is no settlement report V2"
            raise FileRefused.of([FileProblem(first[0], "", text)])
        twice = [name for name, count in Counter(names).items() if count > 1 and name]
        if twice:
            raise FileRefused.of([FileProblem(first[0], twice[0], "the column occurs twice")])
        return names

    def _summary(self, columns: Mapping[str, int]) -> Settlement:
        found = next(self._fields_of_any_length(), None)
        if found is None:
            raise FileRefused.of(
                [FileProblem(2, "", "there is a header and nothing behind it; get it again")]
            )
        line, fields = found
        fields += [""] * (self._width - len(fields))  # blanks at its end may be left out
        values = {name: fields[columns[name]].strip() for name in _SUMMARY}
        problems = []
        read: dict[str, object] = {}
        for name, use in (
            ("settlement-start-date", self._instant), ("settlement-end-date", self._instant),
            ("deposit-date", self._deposited), ("total-amount", self._amounts.read),
        ):  # fmt: skip
            try:
                read[name] = use(values[name])
            except ValueError as error:
                problems.append(FileProblem(line, name, str(error)))
        if not problems:
            try:
                return Settlement.model_validate({
                    "provider": PROVIDER,
                    "settlement_id": values["settlement-id"],
                    "starts_at": read["settlement-start-date"],
                    "ends_at": read["settlement-end-date"],
                    "deposited_at": read["deposit-date"],
                    "currency": values["currency"],
                    "total": read["total-amount"],
                })  # fmt: skip
            except ValidationError as error:
                for item in error.errors():
                    name = str(item["loc"][0]).replace("_", "-")
                    problems.append(FileProblem(line, name, f"{item['input']!r}: {item['msg']}"))
        raise FileRefused.of(problems)

    def _instant(self, text: str) -> object:
        return instant(text, self._order)

    def _deposited(self, text: str) -> object:
        return instant(text, self._order) if text else None

    # ------------------------------------------------------------------ rows

    def _fields_of_any_length(self) -> Iterator[tuple[int, list[str]]]:
        for line, raw in self._lines:
            if len(raw) > LINE_BYTES_MAX:
                text = f"the line has {len(raw)} bytes, at most {LINE_BYTES_MAX} are read"
                self._wrong_at(line, "", text)
                continue
            try:
                text = raw.decode(self._encoding)
            except UnicodeDecodeError as error:
                self._wrong_at(
                    line, "", f"byte {error.start + 1} is not {self._encoding}; "
                    "say how the file is written, e.g. --encoding cp1252",
                )  # fmt: skip
                continue
            text = text.rstrip("\r\n")
            if line == 1:
                text = text.removeprefix("\ufeff")
            if text.strip():
                yield line, text.split("\t")

    def _fields(self) -> Iterator[tuple[int, list[str]]]:
        width = self._width
        for line, fields in self._fields_of_any_length():
            if len(fields) != width:
                self._wrong_at(
                    line, "", f"{len(fields)} fields, the header has {width}; "
                    "the line is cut short, or a field holds a tab",
                )  # fmt: skip
                continue
            yield line, fields

    def _row(self, ordinal: int, line: int, fields: Sequence[str]) -> SettlementRow | None:
        (
            settlement_id, currency, transaction_type, order_id, merchant_order_id, adjustment_id,
            shipment_id, marketplace, amount_type, description, amount, fulfillment_id, posted_day,
            posted_time, item_code, merchant_item, adjustment_item, sku, quantity, promotion_id,
        ) = map(str.strip, self._pick([*fields, ""]))  # fmt: skip
        if settlement_id != self.head.settlement_id:
            text = f"{settlement_id!r} is not {self.head.settlement_id!r}, the file's settlement"
            self._wrong_at(line, "settlement-id", text)
            return None
        if currency and currency != self.head.currency:
            text = f"{currency!r} is not {self.head.currency!r}, the settlement's currency"
            self._wrong_at(line, "currency", text)
            return None
        at = "amount"
        try:
            value = self._amount(amount)
            at = "quantity-purchased"
            quantity_read = pieces(quantity)
            at = "posted-date-time" if posted_time else "posted-date"
            posted_at = instant(posted_time, self._order) if posted_time else None
            posted_on = posted_at.date() if posted_at else None
            if posted_on is None and posted_day:
                posted_on = day(posted_day, self._order)
        except ValueError as error:
            self._wrong_at(line, at, str(error))
            return None
        return SettlementRow(
            ordinal, line, transaction_type, order_id, merchant_order_id, adjustment_id,
            shipment_id, marketplace, amount_type, description, value, fulfillment_id, posted_on,
            posted_at, item_code, merchant_item, adjustment_item, sku, quantity_read, promotion_id,
            tuple((name, fields[at]) for name, at in self._others if fields[at].strip()),
        )  # fmt: skip

    def _notice(self, row: SettlementRow, fields: Sequence[str]) -> None:
        stated = (row.transaction_type, row.amount_type, row.amount_description)
        known = self._seen.get(stated)
        if known is None:
            known = is_known(Component(*stated))
            if len(self._seen) < COMPONENTS_MAX:
                self._seen[stated] = known
        if not known and stated in self._seen:
            component = Component(*stated)
            self._unknown[component] += 1
            self._examples.setdefault(_named(component), f"{row.amount} in line {row.line}")
        for name, value in row.extra:
            self._columns[name] += 1
            self._examples.setdefault(
                f"field:{name}", f"{value[:EXAMPLE_CHARS_MAX]} in line {row.line}"
            )
        if row.extra or not known:
            odd = [f"field:{name}" for name, _ in row.extra]
            if not known:
                odd.append(_named(Component(*stated)))
            named = row.order_id or row.merchant_order_id or row.adjustment_id
            self.wholes.add(
                named or self.head.settlement_id, odd,
                lambda: json.dumps(dict(zip(self._names, fields, strict=True)), ensure_ascii=False),
            )  # fmt: skip

    def _wrong_at(self, line: int, column: str, text: str) -> None:
        self._wrong += 1
        if len(self._problems) < PROBLEMS_MAX:
            self._problems.append(FileProblem(line, column, text))


def _named(component: Component) -> str:
    return f"value:component={' / '.join(component)}"


def _is_transfer(row: SettlementRow, total: Decimal) -> bool:
    """Some files state the deposit itself as a row: it balances the others, it is none of them."""
    return row.amount == -total and row.transaction_type.casefold() == "transfer"
