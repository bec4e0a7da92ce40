"""Every option of the simulators, in one table.

The command line and the settings of the control API are made from it, the README is checked
against it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, Self, TypeVar

T = TypeVar("T")
_WORD = re.compile(r"[A-Za-z0-9._-]{1,35}")
_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class OptionError(ValueError):
    """An unknown option or a value out of bounds; the message names value and remedy."""


def option(
    default: T,
    why: str,
    *,
    low: float = 0,
    high: float = 0,
    live: bool = False,
    parts: re.Pattern[str] = _WORD,
) -> T:
    """A field of an options class: bounds for figures, `live` if it may change while running.

    `parts` is what each text of a list has to look like.
    """
    meta = {"why": why, "low": low, "high": high, "live": live, "parts": parts}
    return field(default=default, metadata=meta)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """What every simulator takes."""

    host: str = option("127.0.0.1", "address to listen on; only this machine by default")
    port: int = option(0, "port to listen on; 0 lets the system choose a free one", high=65535)
    announce: str = option("", "file to write url and pid to once ready; empty writes none")
    max_seconds: float = option(
        3600.0, "stop after this long, so that a forgotten one goes away", low=0.1, high=86_400
    )
    seed: int = option(1, "drives everything left to chance", high=2**63)
    latency_ms_min: float = option(
        20.0,
        "least time a request takes; a quick call in life, so that runs stay short",
        high=60_000,
        live=True,
    )
    latency_ms_max: float = option(60.0, "most time a request takes", high=60_000, live=True)

    def __post_init__(self) -> None:
        """Check every value. Raises `OptionError`."""
        for each in fields(self):
            _check(each, getattr(self, each.name))
        if self.latency_ms_min > self.latency_ms_max:
            raise OptionError(
                f"latency_ms_min {self.latency_ms_min:g} is above latency_ms_max "
                f"{self.latency_ms_max:g}; give the smaller one first"
            )

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> Self:
        """Build from what a command line gives. Raises `OptionError`."""
        known = {each.name: each for each in fields(cls)}
        values: dict[str, Any] = {name: _parsed(known[name], text) for name, text in texts.items()}
        return cls(**values)

    def changed(self, values: Mapping[str, object]) -> Self:
        """A copy with live settings changed. Raises `OptionError` and changes nothing."""
        live = {each.name: each for each in fields(self) if each.metadata["live"]}
        changes: dict[str, Any] = {}
        for name, value in values.items():
            if name not in live:
                raise OptionError(f"no setting {name!r}; there are {', '.join(live)}")
            changes[name] = _converted(live[name], value)
        return replace(self, **changes)

    def live(self) -> dict[str, object]:
        """The settings that may change while running, by name."""
        return {
            each.name: getattr(self, each.name) for each in fields(self) if each.metadata["live"]
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ServerOptions):
    """What both ERPs take besides."""

    old_orders: int = option(
        20, "orders that were there before, so that follow-ups can meet them", high=100_000
    )
    ship_after_s: float = option(
        60.0,
        "an order ships so long after booking, give or take a fifth: within a demo of two minutes "
        "cancellations meet both cases",
        high=10_000_000,
        live=True,
    )
    closed_periods: tuple[str, ...] = option(
        (), "months (2026-10,2026-09) documents may not be dated in", live=True, parts=_PERIOD
    )
    missing_customers: tuple[str, ...] = option(
        (), "customers nobody has created yet: their orders are refused", live=True
    )
    known_customers_only: bool = option(
        False,  # noqa: FBT003 -- the default comes first in every row of the table
        "whether orders of customers that were not created here are refused",
        live=True,
    )
    blocked_customers: tuple[str, ...] = option(
        (), "customers whose credit is used up: their orders are refused", live=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyOptions(Options):
    """What the legacy simulator takes besides."""

    user: str = option("GATEWAY", "name for Basic authentication")
    password: str = option("gateway-legacy", "password that goes with it; a made-up one")
    sessions: int = option(
        4, "requests in service at once; such systems have few work processes", low=1, high=1000
    )
    posting_interval_s: float = option(
        2.0,
        "pause between batch runs that post stored IDocs; minutes in life, seconds for a demo",
        low=0.01,
        high=3600,
        live=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudOptions(Options):
    """What the cloud simulator takes besides. Limits default to the published ones."""

    client_id: str = option("gateway", "client of the OAuth2 client-credentials grant")
    client_secret: str = option("gateway-cloud", "secret that goes with it; a made-up one")
    token_lifetime_s: float = option(
        3600.0,
        "how long a token is good for; published: about an hour",
        low=0.1,
        high=86_400,
        live=True,
    )
    limit: int = option(6000, "requests per sliding window", low=1, high=1_000_000)
    window_s: float = option(300.0, "length of the sliding window", low=0.05, high=3600)
    concurrency: int = option(5, "requests in service at once", low=1, high=1000)
    queue: int = option(
        95, "requests that may wait for a place, first come first served", high=10_000
    )
    queue_wait_s: float = option(
        480.0,
        "wait after which a queued request is answered 503; published: 8 minutes",
        low=0.01,
        high=3600,
        live=True,
    )
    retry_after: bool = option(
        False,  # noqa: FBT003 -- the default comes first in every row of the table
        "whether a 429 carries Retry-After; the published limits do not promise it",
        live=True,
    )
    batch_counts_inner: bool = option(
        True,  # noqa: FBT003 -- the default comes first in every row of the table
        "whether each operation of a $batch counts as a request; not published, so either",
        live=True,
    )


def _parsed(each: Field[Any], text: str) -> object:
    """The value a command-line text stands for."""
    if isinstance(each.default, bool):
        if text.lower() not in _TRUTH:
            raise OptionError(f"{each.name} is {text!r}, it must be true or false")
        return _TRUTH[text.lower()]
    if isinstance(each.default, int | float):
        kind = type(each.default)
        try:
            return kind(text)
        except ValueError:
            wanted = "a whole number" if kind is int else "a number"
            raise OptionError(f"{each.name} is {text!r}, it must be {wanted}") from None
    if isinstance(each.default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _converted(each: Field[Any], value: object) -> object:
    """The value a JSON setting stands for: lists become tuples, whole numbers may be floats."""
    if isinstance(each.default, tuple) and isinstance(value, list):
        return tuple(value)
    if isinstance(each.default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _check(each: Field[Any], value: Any) -> None:  # noqa: ANN401 -- checked here
    default, name = each.default, each.name
    if type(value) is not type(default):
        raise OptionError(f"{name} is {value!r}, it must be of the kind of {default!r}")
    if isinstance(value, tuple):
        for part in value:
            parts: re.Pattern[str] = each.metadata["parts"]
            if not isinstance(part, str) or not parts.fullmatch(part):
                wanted = "a month such as 2026-10" if parts is _PERIOD else "a name"
                raise OptionError(f"{name} holds {part!r}, it must be {wanted}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        low, high = each.metadata["low"], each.metadata["high"]
        if not low <= value <= high:
            raise OptionError(f"{name} is {value:g}, it must be from {low:g} to {high:g}")
