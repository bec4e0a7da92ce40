"""What nobody announced, with an example: what stands there, word for word, and in what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from gateway.canonical.exchange.drifting import EXAMPLE_CHARS_MAX, UNNAMED, Surprise, Whole
from gateway.channels.reading import Payload, objects, text

_MISSING: Final = object()
_written: Final = msgspec.json.Encoder(enc_hook=str).encode
_as_read: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=str).encode


def surprises(payload: Payload, found: Iterable[str], name: str) -> list[Surprise]:
    """Return what was found in a payload called ``name``, each once with its count."""
    return [
        Surprise(it, _example(payload, it, name), count) for it, count in Counter(found).items()
    ]


def whole(name: str, found: Iterable[Surprise], text: str) -> Whole:
    """Return a payload called ``name`` with what it has, to be kept."""
    return Whole(name or UNNAMED, tuple(it.found for it in found), text)


def as_text(payload: Payload) -> str:
    """Return a payload that was read as it was written, but for blanks."""
    return _as_read(payload).decode()


def unannounced(of: Payload, known: Collection[str], at: str = "") -> Iterator[str]:
    """Name the fields that nobody announced; ``at`` is the path they stand below, with a dot."""
    return (f"field:{at}{name[:40]}" for name in of if name not in known)


def missing(of: Payload, always: Iterable[str], at: str = "") -> Iterator[str]:
    """Name fields that are null, and always said something."""
    return (f"null:{at}{name}" for name in always if name in of and of[name] is None)


def strange(of: Payload, words: Mapping[str, Collection[str]], at: str = "") -> Iterator[str]:
    """Name words that nobody announced of fields whose words are known."""
    for name, known in words.items():
        word = text(of, name, 40)
        if word and word not in known:
            yield f"value:{at}{name}={word}"


def within(of: Payload, name: str) -> list[Payload]:
    """Return the objects of a list, or the one object that stands there."""
    found = of.get(name)
    return [found] if isinstance(found, Mapping) else objects(of, name)


def _example(payload: Payload, found: str, name: str) -> str:
    path = found.partition(":")[2].partition("=")[0]
    stands = _at(payload, path.split("."))
    if stands is _MISSING:
        stands = found.partition("=")[2]
    said = _written(stands).decode()[:EXAMPLE_CHARS_MAX]
    return f"{said} in {name or 'a payload without a name'}"


def _at(value: Any, path: list[str]) -> Any:  # noqa: ANN401 -- JSON
    """Return the first value at a path; lists on the way are looked through."""
    if isinstance(value, list):
        found = (_at(it, path) for it in value)
        return next((it for it in found if it is not _MISSING), _MISSING)
    if not path:
        return value
    if not isinstance(value, Mapping) or path[0] not in value:
        return _MISSING
    return _at(value[path[0]], path[1:])
