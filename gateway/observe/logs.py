"""JSON logs, one event a line, with keys and customers masked.

Whoever logs passes fields, never sentences with values in them; what a field is called decides
whether its value may be seen. Records of the standard library's loggers (the server's, the
drivers') go through the same masking and come out in the same form.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Final, TextIO, cast

import structlog

#: Fields whose values never reach a log, wherever they are nested.
MASKED_FIELDS: Final = frozenset(
    {
        *("authorization", "x-api-key", "api_key", "key", "secret", "password", "token"),
        *("access_token", "client_secret", "key_sha256", "idempotency_key"),
        *("name", "email", "street", "postal_code", "city", "phone", "customer", "ship_to"),
        *("customer_ref", "body", "payload"),
    }
)
MASK: Final = "***"

# What gives a secret away inside a text: a scheme before a credential, a password in a URL, an
# e-mail address.
_SECRETS: Final = (
    (re.compile(r"\b(Bearer|Basic)\s+[^\s,;'\"]+", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"(\w+://[^\s:/@]*):[^\s/@]+@"), rf"\1:{MASK}@"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), MASK),
)

Event = MutableMapping[str, Any]


def configure(stream: TextIO | None = None, level: str = "INFO") -> None:
    """Write logs of ``level`` and above to ``stream`` (standard error) from now on.

    The standard library's loggers are included.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    written: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        masked,
        structlog.processors.JSONRenderer(sort_keys=True),
    ]
    stream = stream or sys.stderr
    # Ours do not go through the standard library: an event a call, and it would cost twice as much.
    structlog.configure(
        processors=[*shared, *written],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Lenient(stream))),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # One line per request, which our own event of the call says better.
    logging.getLogger("httpx").setLevel(logging.WARNING)


class _Lenient:
    """A stream on which a full disk or a reader that left costs the line, not the work it is of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def beside_answers() -> None:
    """Write logs to standard error: what a command answers is on standard output, alone."""
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


#: Fields that hold a word of ours in each event, and can hold nothing else.
_OURS: Final = frozenset({
    "call", "erp", "process", "transaction_id", "outcome", "level", "timestamp",
})  # fmt: skip


def masked(_logger: object, _method: str, event: Event) -> Event:
    """Replace what must not be seen, by the name of its field or by its form (a processor)."""
    return {name: value if name in _OURS else _seen(name, value) for name, value in event.items()}


def _seen(name: str, value: object) -> object:
    if name.lower() in MASKED_FIELDS:
        return MASK
    if isinstance(value, str):
        for pattern, shown in _SECRETS:
            value = pattern.sub(shown, value)
        return value
    if isinstance(value, Mapping):
        return {str(key): _seen(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_seen("", each) for each in value]
    return value
