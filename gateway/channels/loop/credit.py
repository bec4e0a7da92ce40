"""What a snapshot of a return says that was not credited yet.

A snapshot says how a return is, not what was done to it, and snapshots come in any order, some
twice, some never. So what is credited is the difference between a snapshot and all that was taken
of the return before. Credit is due when money went out or the return is closed, whichever is
first: many are refunded before the goods have come. What was credited and is not so any more is
for staff.

What is published ends with ``refunds``; of ``line_items`` this relies on ``provider_line_item_id``
(the shop's line), ``refund`` (what the row gives back, after discount and with tax) and, if they
are there, ``quantity`` and ``tax``. Taxes are published as those of the order, beside prices
without them: a row whose shop's prices include tax may say 0.00, which therefore says nothing of a
line that was taxed. What of such a row is tax is the line's share, worked out when it leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from gateway.canonical.order import Return
from gateway.canonical.unmapped import UNMAPPED, Problem
from gateway.channels import reading
from gateway.channels.draft import Draft
from gateway.channels.known import overtaxed
from gateway.channels.reading import ZERO, Payload, plain

PAID_OUT: Final = frozenset({"closed"})
GIVEN_UP: Final = frozenset({"cancelled", "expired"})
#: States that Loop publishes; another one is drift.
STATES: Final = PAID_OUT | GIVEN_UP | {"open", "needs review"}
_FEE: Final = "handling fee"


@dataclass(frozen=True, slots=True)
class KnownReturn:
    """The order a return is of, as it was accepted ({} if only its owner is known), and credits.

    ``credits`` are the bodies of all that was taken of this return, in order; ``elsewhere`` those
    of other returns of the order, through whichever channel: a store's counter for example.
    ``authorised`` and ``received`` are those of its authorisations and receipts, in order.
    """

    order: Mapping[str, Any]
    credits: tuple[Mapping[str, Any], ...] = ()
    elsewhere: tuple[Mapping[str, Any], ...] = ()
    authorised: tuple[Mapping[str, Any], ...] = ()
    received: tuple[Mapping[str, Any], ...] = ()

    @property
    def all(self) -> tuple[Mapping[str, Any], ...]:
        """All that was taken of the return."""
        return (*self.authorised, *self.received, *self.credits)

    @property
    def lines(self) -> dict[str, Mapping[str, Any]]:
        """The lines of the order by what the channel calls them."""
        return {it["line_ref"]: it for it in self.order.get("lines", ()) if it.get("line_ref")}


class Place(NamedTuple):
    """Whose order a return is of, and who books it."""

    legal_entity: str
    order_channel: str
    order_ref: str


class Credit(NamedTuple):
    """A message; ``name`` is unique for the return."""

    name: str
    draft: Draft


class _Line(NamedTuple):
    """``tax`` is None if nobody says it."""

    pieces: int
    worth: Decimal
    tax: Decimal | None = ZERO

    @property
    def counted(self) -> tuple[int, Decimal]:
        """What decides whether there is anything to credit."""
        return self.pieces, self.worth

    def plus(self, pieces: int, worth: Decimal, tax: Decimal | None) -> _Line:
        """Return it with more of it."""
        whole = None if self.tax is None or tax is None else self.tax + tax
        return _Line(self.pieces + pieces, self.worth + worth, whole)

    def less(self, was: _Line) -> _Line:
        """Return what is more of it than there was."""
        tax = None if self.tax is None or was.tax is None else self.tax - was.tax
        return _Line(self.pieces - was.pieces, self.worth - was.worth, tax)


_NONE: Final = _Line(0, ZERO)


def credit_of(payload: Payload, known: KnownReturn, place: Place) -> Credit | None:
    """Return what is still to be credited, None if that is nothing (yet)."""
    state = reading.text(payload, "state").lower()
    if is_older(payload, known.credits):
        return None
    if state in GIVEN_UP:
        said = f"was credited and is {state} now"
        return _for_staff(payload, known, place, said) if known.credits else None
    if state in PAID_OUT or _paid(payload):
        return _difference(payload, known, place)
    return None


def _difference(payload: Payload, known: KnownReturn, place: Place) -> Credit | None:
    draft = Draft(_head(payload, known, place, _name(payload, known)))
    now = _lines(payload, known, draft)
    before, fee_before = _credited(known)
    if not draft.problems and (said := _taken_back(now, before)):
        return _for_staff(payload, known, place, said)
    if not draft.problems:
        draft.problems += _too_many(now, known)
    new = {
        ref: it.less(was)
        for ref, it in now.items()
        if it.counted != (was := before.get(ref, _NONE)).counted
    }
    fee = draft.amount(payload, "handling_fee", "/adjustments") - fee_before
    if not new and not fee and not draft.problems:
        return None
    _fill(draft, known, new, fee)
    if draft.problems:  # named by what is wrong, so that a repeat of it is one
        mark = blake2b(repr((new, fee, draft.problems)).encode(), digest_size=4).hexdigest()
        draft.body["return_ref"] = f"{reading.text(payload, 'id', 20)}-{mark}"
    return Credit(draft.body["return_ref"], draft)


def _taken_back(now: Mapping[str, _Line], before: Mapping[str, _Line]) -> str:
    """Say what was credited and is not so any more, "" if all of it is."""
    for ref, was in sorted(before.items()):
        it = now.get(ref, _NONE)
        if it.pieces < was.pieces:
            return f"has {it.pieces} of line {ref}, and {was.pieces} were credited"
        if it.worth < was.worth or (it.pieces == was.pieces and it.worth != was.worth):
            return f"gives {it.worth} for line {ref}, and {was.worth} was credited"
    return ""


def _too_many(now: Mapping[str, _Line], known: KnownReturn) -> list[Problem]:
    """Name the lines of which more would be credited than was sold: goods come back once.

    Nor does more of their tax.
    """
    found = []
    for ref, it in sorted(now.items()):
        line = known.lines[ref]
        by = [
            (credit["return_ref"], back["quantity"])
            for credit in known.elsewhere
            if UNMAPPED not in credit
            for back in credit.get("lines", ())
            if back["line"] == line["line"]
        ]
        gone = sum(pieces for _, pieces in by)
        if it.pieces + gone > line["quantity"]:
            others = ", ".join(sorted(name for name, _ in by))
            said = f"{it.pieces} of line {ref} come back, {gone} did by {others}"
            more = (
                f"{line['quantity']} were sold; say what is still to be credited, or discard this"
            )
            found.append(Problem("/lines", f"{said}, and {more}"))
        if over := overtaxed(line, None if it.tax is None else plain(it.tax)):
            found.append(Problem("/lines", f"line {ref} {over}"))
    return found


def is_older(payload: Payload, bodies: Iterable[Mapping[str, Any]]) -> bool:
    """Say whether a snapshot is older than one that any of these documents was taken from."""
    changed = as_of(payload)
    taken = [it for each in bodies if (it := reading.instant(each, "updated_at"))]
    return changed is not None and any(changed < it for it in taken)


def as_of(payload: Payload) -> datetime | None:
    """Return when it was last changed; times without an offset are read as UTC."""
    for name in ("edited_at", "created_at"):
        try:
            found = datetime.fromisoformat(reading.text(payload, name, 40))
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _paid(payload: Payload) -> bool:
    """Say whether money went out, in whichever form."""
    draft = Draft()
    paid = [draft.amount(it, "amount", "") for it in reading.objects(payload, "refunds")]
    return any(paid)


def _name(payload: Payload, known: KnownReturn) -> str:
    """Number what follows the first credit: of two snapshots that find one, one is taken."""
    number = len(known.credits) + 1
    return reading.text(payload, "id", 24) + (f"-{number}" if number > 1 else "")


def _head(payload: Payload, known: KnownReturn, place: Place, name: str) -> dict[str, Any]:
    changed = as_of(payload)
    at = changed.isoformat() if changed else ""
    return {
        "return_ref": name,
        "order_ref": place.order_ref,
        "order_channel": place.order_channel,
        "legal_entity": place.legal_entity,
        "currency": reading.text(payload, "currency") or known.order.get("currency", ""),
        "returned_at": at,
        "updated_at": at,
    }


def _lines(payload: Payload, known: KnownReturn, draft: Draft) -> dict[str, _Line]:
    """Return what came back by line of the order; each row is one piece unless it says more."""
    found: dict[str, _Line] = {}
    worth = ZERO
    for row in reading.objects(payload, "line_items"):
        ref = reading.text(row, "provider_line_item_id") or reading.text(row, "line_item_id")
        pieces = reading.number(row, "quantity") or 1
        back = draft.amount(row, "refund", "/lines")
        worth += back
        if ref not in known.lines:
            sku = reading.text(row, "sku", 35)
            said = f"{pieces} of {sku or 'no SKU'} ({ref or 'no line'}) is no line of the order"
            draft.problems.append(Problem("/lines", f"{said}; say which line it is"))
            continue
        tax = _tax(row, known.lines[ref], draft)
        found[ref] = found.get(ref, _NONE).plus(pieces, back, tax)
    stated = draft.amount(payload, "return_total", "/total")
    if not draft.problems and stated != worth:
        off = plain(stated - worth)
        said = f"return_total {plain(stated)} is {off} off: its rows add up to {plain(worth)}"
        draft.problems.append(Problem("/total", said))
    return found


def _tax(row: Payload, line: Mapping[str, Any], draft: Draft) -> Decimal | None:
    """Return the tax a row states, None if it says nothing of it."""
    tax = draft.amount(row, "tax", "/lines")
    taxed = bool(Decimal(line.get("tax") or "0.00"))
    return None if taxed and not tax else tax


def _credited(known: KnownReturn) -> tuple[dict[str, _Line], Decimal]:
    refs = {it["line"]: ref for ref, it in known.lines.items()}
    found: dict[str, _Line] = {}
    fee = ZERO
    for credit in known.credits:
        if UNMAPPED in credit:
            continue
        for line in credit.get("lines", ()):
            ref = refs.get(line["line"], str(line["line"]))
            tax = line.get("tax")
            found[ref] = found.get(ref, _NONE).plus(
                line["quantity"], Decimal(line["refund"]), None if tax is None else Decimal(tax)
            )
        fee -= sum((Decimal(it["amount"]) for it in credit.get("adjustments", ())), ZERO)
    return found, fee


def _fill(draft: Draft, known: KnownReturn, new: Mapping[str, _Line], fee: Decimal) -> None:
    lines = [
        {
            "line": known.lines[ref]["line"],
            "sku": known.lines[ref]["sku"],
            "quantity": it.pieces,
            "refund": plain(it.worth),
            **({} if it.tax is None else {"tax": plain(it.tax)}),
            "restock": False,  # the receipt moves the goods
        }
        for ref, it in new.items()
    ]
    draft.body["lines"] = lines
    total = sum((it.worth for it in new.values()), ZERO) - fee
    if fee:
        draft.body["adjustments"] = [{"reason": _FEE, "amount": plain(-fee)}]
    draft.body["total"] = plain(total)
    draft.check(Return)


def _for_staff(payload: Payload, known: KnownReturn, place: Place, said: str) -> Credit:
    """Make what only staff can follow up: a credit is not taken back by a webhook."""
    mark = blake2b(repr((said, as_of(payload))).encode(), digest_size=4).hexdigest()
    body = _head(payload, known, place, f"{reading.text(payload, 'id', 20)}-{mark}")
    todo = "put it right by hand, then discard this"
    problem = Problem("", f"return {reading.text(payload, 'id')} {said}; {todo}")
    return Credit(body["return_ref"], Draft(body, [problem]))
