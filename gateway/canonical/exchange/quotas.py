"""What an ERP allows, who may have how much of it, and how much is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.canonical.exchange.permits import Permit
from gateway.canonical.exchange.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``calls_max`` (units of cost) arrive in any ``span_ms``."""

    calls_max: int
    span_ms: int


@dataclass(frozen=True, slots=True)
class Shares:
    """Who may have how much, as parts of each window (0 to 1) and as places.

    ``read`` is kept for readers and lent to others only while nobody has read for
    ``read_idle_ms``. ``foreign`` is never touched: other programs call with the same user.
    ``replay`` and ``shadow`` are what these may have at most.
    """

    read: float = 0.0
    read_places: int = 0
    read_idle_ms: int = 60_000
    foreign: float = 0.0
    foreign_places: int = 0
    replay: float = 1.0
    shadow: float = 1.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """When to leave an ERP alone.

    After ``failures`` calls in a row that did not reach it or ended in a 5xx, nobody calls for
    ``open_ms``; then one does. If that fails too, twice as long, up to ``open_ms_max``.
    """

    failures: int = 5
    open_ms: int = 1_000
    open_ms_max: int = 30_000


@dataclass(frozen=True, slots=True)
class Adaptive:
    """Places where no limit is published: from ``first``, between ``least`` and ``most``."""

    first: int = 4
    least: int = 1
    most: int = 64


@dataclass(frozen=True, slots=True)
class Batching:
    """What a request with several documents costs, and takes.

    ``counts_inner``: each document counts as a call. A call takes ``overhead_ms`` beside the work,
    a document ``work_ms``; 0 where nobody has measured it. At most ``documents_max`` in one.
    """

    documents_max: int = 1
    counts_inner: bool = True
    overhead_ms: float = 0.0
    work_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What an ERP allows, and how careful to be with it.

    ``places`` calls at once, and at most ``queue`` more that may wait in the ERP's own queue, so
    that no place stands empty while an answer is on its way: as many as its places serve in
    ``queue_ms``, because whatever is urgent waits behind them. A call begins within ``use_ms`` of
    its permit and takes at most ``call_ms_max``; a permit that nobody has given back by then counts
    as a call that arrived at the last moment. ``network_ms`` is the longest a request may be on its
    way after we wrote it. ``costs`` are units of the windows by kind of traffic, where they are not
    1.
    """

    places: int
    windows: tuple[Window, ...]
    call_ms_max: int
    queue: int = 0
    queue_ms: int = 100
    use_ms: int = 2_000
    network_ms: int = 100
    costs: Mapping[Traffic, int] = field(default_factory=dict)
    shares: Shares = Shares()
    breaker: Breaker = Breaker()
    adaptive: Adaptive | None = None
    batching: Batching = Batching()


@dataclass(frozen=True, slots=True)
class Grant:
    """Permits for one call each; for those not granted, asking is worth it in ``wait_ms``."""

    permits: tuple[Permit, ...]
    wait_ms: int


@dataclass(frozen=True, slots=True)
class WindowUse:
    """A reading of one window, in units of cost; ``free_in_ms`` if it is full and that is known.

    ``lent`` is what others have of the readers' ``reserve``.
    """

    span_ms: int
    calls_max: int
    used: int
    read: int
    reserve: int
    lent: int
    replay: int
    shadow: int
    free_in_ms: int | None = None


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """A reading: calls in flight, calls counted in the fullest window, ms the key stays closed.

    ``queue`` is how many may now wait in the ERP's own queue, besides those its ``places`` serve.
    ``breaker`` is ``closed`` (calls pass), ``open`` for ``open_ms``, or ``half-open`` (one may).
    ``lost`` says that there is no ledger: the next turn counts every window as full.
    """

    in_flight: int
    in_window: int
    closed_ms: int
    places: int = 0
    queue: int = 0
    windows: tuple[WindowUse, ...] = ()
    flying: Mapping[Traffic, int] = field(default_factory=dict)
    waiting: Mapping[Traffic, int] = field(default_factory=dict)
    breaker: str = "closed"
    open_ms: int = 0
    failures: int = 0
    lost: bool = False

    @property
    def left(self) -> float:
        """What is left of the fullest window, from 0 to 1."""
        return min((1 - it.used / it.calls_max for it in self.windows), default=1.0)
