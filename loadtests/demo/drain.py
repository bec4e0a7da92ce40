"""After the traffic: faults healed, nothing waits any more, nothing is still to be booked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from loadtests.books import ERPS
from loadtests.demo.board import Board
from loadtests.demo.folder import ABSENT_FINAL_S
from loadtests.demo.gateway import Gateway
from loadtests.demo.stage import Stage

#: The last send may have to wait until "absent" is final, be sent again, and be posted; a busy
#: machine takes its time. What waits even longer is reported, and is the audit's to judge.
DRAIN_S_MAX = 30 + 3 * ABSENT_FINAL_S
#: Between two looks, in s: each costs a process.
LOOK_S = 1.0
#: ERPs' own counters of what is still to be booked.
PENDING = ("pending_late_bookings", "pending_postings")


def heal(stage: Stage, board: Board) -> None:
    """Switch all faults off."""
    for erp in ERPS:
        stage.control(erp).heal()
    board.note("all faults are healed; draining", "good")


def drain(
    stage: Stage,
    gateway: Gateway,
    board: Board,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Wait until nothing waits, at most DRAIN_S_MAX; whether that was reached.

    Held transactions do not count: they wait for somebody.
    """
    began = clock()
    while True:
        stage.must_run()
        waiting = left(gateway.status()["backlog"], _pending(stage))
        if not waiting:
            board.note(f"drained after {clock() - began:.1f} s", "good")
            return True
        words = ", ".join(f"{count} {name}" for name, count in waiting.items())
        if clock() - began > DRAIN_S_MAX:
            board.note(f"not drained after {DRAIN_S_MAX:g} s: still {words}", "bad")
            return False
        board.phase = f"draining: {words}"
        sleep(LOOK_S)


def left(backlog: Mapping[str, int], pending: Mapping[str, int]) -> dict[str, int]:
    """What is still under way, by name; empty once all is done."""
    counts = {f"for {name}" if name in ERPS else name: n for name, n in backlog.items()}
    counts.pop("held", None)
    return {name: count for name, count in {**counts, **pending}.items() if count}


def _pending(stage: Stage) -> dict[str, int]:
    pending: dict[str, int] = {}
    for erp in ERPS:
        counters = stage.control(erp).counters()
        pending |= {f"{name.replace('_', ' ')} in {erp}": counters[name] for name in PENDING}
    return pending
