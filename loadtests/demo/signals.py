"""Being asked to stop: once is enough, and stopping is not disturbed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from loadtests.demo.errors import Stopped

STOP: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable() -> Iterator[None]:
    """Within, Ctrl-C, SIGTERM and SIGHUP raise Stopped in the main thread."""
    with _handling(_stop):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Within, the same signals do nothing: what runs here is bounded and has to be finished."""
    with _handling(signal.SIG_IGN):
        yield


def _stop(number: int, _: FrameType | None) -> None:
    raise Stopped(signal.Signals(number).name)


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], Any] | signal.Handlers) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in STOP}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
