"""What a snapshot or a request to restock says of the goods of a return, that was not told yet.

As with credits, what is told is the difference to what was taken before: an authorisation whenever
other pieces are expected than last time, a receipt for pieces that have come and were not received.

A return that Loop has processed is ``closed``, and its goods have come; each row says with
``provider_restock_location_id`` where they are restocked, and what says nothing is kept apart.
While it is processed, Loop may also request to restock pieces by themselves. Such a request names
articles (``variant_id``), not lines; which line is meant is known from the authorisation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from gateway.canonical.returning import Disposition, ReturnAuthorisation, ReturnReceipt
from gateway.canonical.unmapped import UNMAPPED, Problem
from gateway.channels import reading
from gateway.channels.draft import Draft
from gateway.channels.loop.credit import GIVEN_UP, PAID_OUT, KnownReturn, Place, as_of, is_older
from gateway.channels.reading import Payload

AUTHORISATION: Final = "return.authorisation"
RECEIPT: Final = "return.receipt"
_REASON_CHARS: Final = 120

Pieces = Mapping[int, int]


class Step(NamedTuple):
    """A message about goods; ``name`` is unique for its process and return."""

    process: str
    name: str
    draft: Draft


class _Row(NamedTuple):
    """One row of a return: pieces of a line, ``node`` is where they are restocked, "" nowhere."""

    line: int
    pieces: int
    node: str
    reason: str
    item_ref: str


def expected(payload: Payload, known: KnownReturn, place: Place) -> Step | None:
    """Return what is expected of a return from now on, None if that is what was said last.

    Rows that are of no line of the order are left to its receipt and credit, which need somebody.
    """
    if is_older(payload, known.all):
        return None
    before = _pieces_of(known.authorised[-1]) if known.authorised else Counter[int]()
    if reading.text(payload, "state").lower() in GIVEN_UP:
        # Also if nobody has expected it: what was said before and comes later is older then.
        said = known.authorised and not before
        return None if said else _withdrawn(payload, known, place)
    rows, problems = _rows(payload, known)
    now = Counter[int]()
    for row in rows:
        now[row.line] += row.pieces
    if problems or now == before or not now:
        return None
    skus = _skus(known)
    whys = {row.line: row.reason for row in reversed(rows)}
    items = {row.line: row.item_ref for row in rows}
    body = _authorisation(payload, known, place)
    body["lines"] = [
        {"line": line, "sku": skus[line], "quantity": pieces, "reason": whys[line],
         "item_ref": items[line]}
        for line, pieces in now.items()
    ]  # fmt: skip
    return _step(AUTHORISATION, body["authorisation_ref"], body)


def come(payload: Payload, known: KnownReturn, place: Place) -> list[Step]:
    """Return what came by a processed return and was not received, a receipt per location."""
    if reading.text(payload, "state").lower() not in PAID_OUT or is_older(payload, known.all):
        return []
    rows, problems = _rows(payload, known)
    if problems:
        return [_for_staff(payload, place, known, problems)]
    places: dict[str, Counter[int]] = {}
    for line, node, pieces in _left(rows, known):
        places.setdefault(node, Counter())[line] += pieces
    return [
        _receipt(payload, known, place, node, came, number)
        for number, (node, came) in enumerate(sorted(places.items()), len(known.received) + 1)
    ]


def restocked(payload: Payload, known: KnownReturn, place: Place) -> list[Step]:
    """Return what a request to restock says, but for pieces that were received already.

    A request has no id: one that says what a receipt says is taken for that one told again. What
    it may have meant besides is received when the return is closed.
    """
    due = _pieces_of(known.authorised[-1]) if known.authorised else Counter[int]()
    lines = {
        it["item_ref"]: it["line"]
        for each in known.authorised
        for it in each.get("lines", ())
        if it.get("item_ref")
    }
    places: dict[str, Counter[int]] = {}
    problems = []
    for it in reading.objects(payload, "restock_items"):
        article, node = reading.text(it, "variant_id", 40), reading.text(it, "location_id", 40)
        pieces = _whole(it, "available_adjustment")
        if article not in lines:
            said = f"{pieces} of article {article or 'unnamed'} are no part of the return"
            problems.append(Problem("/lines", f"{said}; say which line is meant"))
        elif pieces > 0:
            places.setdefault(node, Counter())[lines[article]] += pieces
    if problems:
        return [_for_staff(payload, place, known, problems)]
    came = _came(known)
    found: list[Step] = []
    for node, asked in sorted(places.items()):
        # Of a return that was withdrawn nothing is due: all of it goes on, and the ERP refuses it.
        left = Counter({n: min(it, due[n] - came[n]) if due else it for n, it in asked.items()})
        if _told(node, asked, known) or not +left:
            continue
        number = len(known.received) + len(found) + 1
        found.append(_receipt(payload, known, place, node, +left, number))
        came.update(+left)
    return found


# --------------------------------------------------------------------------- rows and pieces


def _rows(payload: Payload, known: KnownReturn) -> tuple[list[_Row], list[Problem]]:
    rows, problems = [], []
    for it in reading.objects(payload, "line_items"):
        ref = reading.text(it, "provider_line_item_id") or reading.text(it, "line_item_id")
        pieces = reading.number(it, "quantity") or 1
        if ref not in known.lines:
            sku = reading.text(it, "sku", 35)
            said = f"{pieces} of {sku or 'no SKU'} ({ref or 'no line'}) is no line of the order"
            problems.append(Problem("/lines", f"{said}; say which line it is"))
            continue
        node = reading.text(it, "provider_restock_location_id", 40)
        why = reading.text(it, "return_reason", _REASON_CHARS)
        article = reading.text(it, "variant_id", 40)
        rows.append(_Row(known.lines[ref]["line"], pieces, node, why, article))
    return rows, problems


def _whole(of: Payload, name: str) -> int:
    """Read a whole number, which is published as one and as text."""
    text = reading.text(of, name, 9)
    return int(text) if text.isascii() and text.isdigit() else 0


def _left(rows: Sequence[_Row], known: KnownReturn) -> list[tuple[int, str, int]]:
    """Take from the rows what was received, first where it was, then wherever of the line."""
    left = Counter[tuple[int, str]]()
    for row in rows:
        left[row.line, row.node] += row.pieces
    over = Counter[int]()
    for receipt in known.received:
        for line in receipt.get("lines", ()):
            here = (line["line"], receipt.get("node", ""))
            taken = min(left[here], line["quantity"])
            left[here] -= taken
            over[line["line"]] += line["quantity"] - taken
    over.update(_brought(known.credits))
    for here in sorted(left):
        taken = min(left[here], over[here[0]])
        left[here] -= taken
        over[here[0]] -= taken
    return [(line, node, pieces) for (line, node), pieces in left.items() if pieces > 0]


def _came(known: KnownReturn) -> Counter[int]:
    came = _brought(known.credits)
    for receipt in known.received:
        came.update(_pieces_of(receipt))
    return came


def _brought(credits_: Iterable[Mapping[str, Any]]) -> Counter[int]:
    """Pieces that credits brought: those that were made before there were receipts."""
    found = Counter[int]()
    for credit in credits_:
        for line in () if UNMAPPED in credit else credit.get("lines", ()):
            if line.get("restock", True):
                found[line["line"]] += line["quantity"]
    return found


def _pieces_of(body: Mapping[str, Any]) -> Counter[int]:
    found = Counter[int]()
    for line in body.get("lines", ()):
        found[line["line"]] += line["quantity"]
    return found


def _told(node: str, asked: Counter[int], known: KnownReturn) -> bool:
    return any(it.get("node", "") == node and _pieces_of(it) == asked for it in known.received)


def _skus(known: KnownReturn) -> dict[int, str]:
    return {it["line"]: it["sku"] for it in known.lines.values()}


# --------------------------------------------------------------------------- documents


def _about(payload: Payload, known: KnownReturn, place: Place) -> dict[str, Any]:
    """What all its documents say; a request to restock has no time, and takes the return's."""
    changed = as_of(payload)
    at = changed.isoformat() if changed else ""
    return {
        "return_ref": reading.text(payload, "id", 24),
        "order_ref": place.order_ref,
        "order_channel": place.order_channel,
        "legal_entity": place.legal_entity,
        "updated_at": at or _last_change(known),
    }


def _last_change(known: KnownReturn) -> str | None:
    return max((it["updated_at"] for it in known.all if it.get("updated_at")), default=None)


def _authorisation(payload: Payload, known: KnownReturn, place: Place) -> dict[str, Any]:
    about = _about(payload, known, place)
    number = len(known.authorised) + 1
    name = about["return_ref"] + (f"-{number}" if number > 1 else "")
    return {"authorisation_ref": name, **about, "authorised_at": about["updated_at"]}


def _withdrawn(payload: Payload, known: KnownReturn, place: Place) -> Step:
    """Expect nothing any more; if goods have come, somebody has to look."""
    body = _authorisation(payload, known, place)
    body |= {"status": "withdrawn", "reason": reading.text(payload, "state", _REASON_CHARS)}
    problems = []
    if came := _came(known).total():
        said = f"return {body['return_ref']} is {body['reason']}, and {came} piece(s) of it came"
        problems.append(Problem("", f"{said}; put it right by hand, then discard this"))
    return _step(AUTHORISATION, body["authorisation_ref"], body, problems)


def _receipt(
    payload: Payload, known: KnownReturn, place: Place, node: str, came: Pieces, number: int
) -> Step:
    skus = _skus(known)
    about = _about(payload, known, place)
    disposition = Disposition.RESTOCK if node else Disposition.QUARANTINE
    body = {
        "receipt_ref": f"{about['return_ref']}-{number}",
        **about,
        "received_at": about["updated_at"],
        "node": node,
        "lines": [
            {"line": line, "sku": skus[line], "quantity": pieces, "disposition": disposition.value}
            for line, pieces in sorted(came.items())
        ],
    }
    return _step(RECEIPT, body["receipt_ref"], body)


def _for_staff(payload: Payload, place: Place, known: KnownReturn, problems: list[Problem]) -> Step:
    """Make a receipt that somebody has to complete, named by what is wrong with it."""
    about = _about(payload, known, place)
    mark = blake2b(repr(problems).encode(), digest_size=4).hexdigest()
    name = f"{reading.text(payload, 'id', 20)}-{mark}"
    body = {"receipt_ref": name, **about, "received_at": about["updated_at"]}
    return Step(RECEIPT, name, Draft(body, problems))


def _step(
    process: str, name: str, body: dict[str, Any], problems: list[Problem] | None = None
) -> Step:
    draft = Draft(body, problems or [])
    if not draft.problems:
        draft.check(ReturnAuthorisation if process == AUTHORISATION else ReturnReceipt)
    return Step(process, name, draft)
