"""Correcting the content of a held message: what staff may change, and what a change is.

A change is a JSON merge patch (RFC 7396) on the body. What identifies the transaction or its
object, and what was paid, is not theirs to change: the channel's claim, its repeats and its books
hang on it. What comes out has to be a canonical document, as what a channel sends has to be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.canonical.base import Document
from gateway.canonical.envelope import OrderCancellation, StoredSale
from gateway.canonical.fields import invalid, pointer, validated
from gateway.canonical.masking import KEPT, MASK, PERSONAL
from gateway.canonical.order import Order, Return
from gateway.canonical.returning import ReturnAuthorisation, ReturnReceipt
from gateway.canonical.unmapped import draft_of
from gateway.errors import BadRequest, FieldError

#: What a process's body has to be, and the fields of it that stay as they were accepted.
EDITABLE: Final[dict[str, tuple[type[Document], tuple[str, ...]]]] = {
    "order.intake": (Order, ("order_ref", "legal_entity", "currency", "total")),
    "order.cancellation": (
        OrderCancellation,
        ("order_ref", "legal_entity", "cancellation/cancellation_ref"),
    ),
    "return.authorisation": (
        ReturnAuthorisation,
        ("authorisation_ref", "return_ref", "order_ref", "order_channel", "legal_entity", "status"),
    ),
    "return.receipt": (
        ReturnReceipt,
        ("receipt_ref", "return_ref", "order_ref", "order_channel", "legal_entity"),
    ),
    "return.credit": (
        Return,
        ("return_ref", "order_ref", "order_channel", "legal_entity", "currency", "total"),
    ),
    "store.sale": (
        StoredSale,
        (
            "store", "legal_entity", "sale/register", "sale/sequence", "sale/business_date",
            "sale/currency", "sale/total", "sale/tenders",
        ),
    ),
}  # fmt: skip

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One value that is another now. ``before`` and ``after`` are JSON text, "" for none.

    Customers' data are masked, so that a change can be written where nothing can be erased.
    """

    pointer: str
    before: str
    after: str


def edited(process: str, body: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body after a patch; a draft that could not be mapped has to be complete then.

    Raises:
        Invalid: it would be no canonical document, or something else than was accepted; each
            wrong field with its pointer.
        BadRequest: the process has no document that could be changed.
    """
    if process not in EDITABLE:
        raise BadRequest(f"messages of process {process!r} cannot be changed here")
    model, fixed = EDITABLE[process]
    draft = draft_of(body)
    new = merged(draft, patch)
    if not isinstance(new, dict):
        raise BadRequest("the patch is no JSON object; send the fields to change")
    touched = [
        FieldError(f"/{path}", "says what this is or what was paid, and cannot be changed")
        for path in fixed
        if _at(draft, path) != _at(new, path)
        # What a draft lacks is not changed, it is added.
        and not (draft is not body and not _at(draft, path))
    ]
    if touched:
        raise invalid(touched)
    validated(model, new)
    return new


def merged(target: Any, patch: Any) -> Any:  # noqa: ANN401 -- JSON
    """Apply a JSON merge patch (RFC 7396); null removes a field, arrays are replaced whole."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def patch_of(body: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return the merge patch that ``path=value`` pairs mean, such as ``lines/0/sku=TEE-BLK-L``.

    A path goes by names and, in arrays, by numbers from 0. What stands there as text or nowhere
    takes the value as text, anything else as JSON; an empty value removes a field.
    Raises :class:`BadRequest` naming a pair that is none or leads nowhere.
    """
    new: Any = json.loads(json.dumps(body))
    for setting in settings:
        path, separator, text = setting.partition("=")
        parts = [part for part in path.replace(".", "/").strip("/").split("/") if part]
        if not separator or not parts:
            raise BadRequest(f"--set {setting!r}: write it as path=value, as in lines/0/sku=TEE-M")
        _set(new, parts, text, setting)
    return _difference(body, new)


def changes(before: Any, after: Any) -> list[Change]:  # noqa: ANN401 -- JSON
    """List the values that differ, customers' data masked."""
    return list(_changes((), before, after))


def _set(document: Any, parts: list[str], text: str, setting: str) -> None:  # noqa: ANN401 -- JSON
    for part in parts[:-1]:
        document = _child(document, part, setting)
    last = parts[-1]
    if isinstance(document, list):
        _child(document, last, setting)
        document[int(last)] = _read(document[int(last)], text, setting)
    elif not isinstance(document, dict):
        raise BadRequest(f"--set {setting!r}: there is nothing below that place")
    elif text == "":
        document.pop(last, None)
    else:
        document[last] = _read(document.get(last, ""), text, setting)


def _child(document: Any, part: str, setting: str) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(document, list) and part.isdecimal() and int(part) < len(document):
        return document[int(part)]
    if isinstance(document, dict) and part in document:
        return document[part]
    raise BadRequest(f"--set {setting!r}: there is no {part!r} in that place; see `show`")


def _read(before: object, text: str, setting: str) -> object:
    if isinstance(before, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise BadRequest(f"--set {setting!r}: {text!r} is not JSON as what stands there") from None


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, Mapping):
            inner = _difference(old, value)
            if inner:
                patch[name] = inner
        elif value != old:
            patch[name] = value
    return patch


def _changes(place: Place, before: Any, after: Any) -> Iterator[Change]:  # noqa: ANN401 -- JSON
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            yield from _changes((*place, name), before.get(name), after.get(name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _changes((*place, at), old, new)
    else:
        yield Change(pointer(place), _shown(place, before), _shown(place, after))


def _shown(place: Place, value: object) -> str:
    if value is None:
        return ""
    if any(part in PERSONAL for part in place) and place[-1] not in KEPT:
        return MASK
    return json.dumps(value, ensure_ascii=True, sort_keys=True)


def _at(document: object, path: str) -> object:
    for part in path.split("/"):
        document = document.get(part) if isinstance(document, Mapping) else None
    return document
