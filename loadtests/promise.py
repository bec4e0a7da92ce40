"""Did a run stay within what is promised? Only then is a double the gateway's fault.

"Absent" is final ``absent_final_s`` after an attempt began. A write that takes effect later, and
can be found only later still, is beyond what any caller can know.
"""

from __future__ import annotations

from collections.abc import Mapping

from loadtests.books import Erp
from loadtests.events import Events

Counters = Mapping[Erp, Mapping[str, int]]


def slowest_s(events: Events, counters: Counters) -> float:
    """The longest time, in s, from the record of an attempt until a look-up can find its document.

    What the ERPs counted from arrival to effect, the longest lag of look-ups that was switched on,
    and the longest that a worker stood still between record and send. They need not have met: a
    run within this sum was certainly within the promise.
    """
    effect_ms = max((of_erp.get("slowest_effect_ms", 0) for of_erp in counters.values()), default=0)
    lags_ms = [fault.delay_ms for fault in events.faults if fault.name == "lagging_lookup"]
    stops_s = [stop.until - stop.at for stop in events.stops if stop.what == "worker"]
    return effect_ms / 1000 + max(lags_ms, default=0) / 1000 + max(stops_s, default=0.0)
