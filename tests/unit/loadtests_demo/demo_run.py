"""A made-up run that met all that the demo's story has, to be doctored."""

from __future__ import annotations

from loadtests.events import Channel, Comparison, Kill, Pause, TrafficEnd
from loadtests.gaps import Gap, Gaps
from tests.unit.loadtests.doctoring import good_run
from tests.unit.loadtests.history import History

CHANNEL = {
    "webhooks_missing": 1, "webhooks_duplicated": 1, "webhooks_wrongly_signed": 1,
    "webhooks_disordered": 1, "disordered": 1,
}  # fmt: skip
CLOUD = {
    "lost_replies_after_booking": 2, "late_bookings": 3, "throttled_429": 4, "outage_refusals": 1,
}  # fmt: skip


def met_all() -> History:
    """Went well, and every hazard has its witness."""
    run = good_run()
    wave = run.events.applies[1]
    run.events.applies[1] = wave.model_copy(update={"scheduled": True})
    run.events.kills.append(Kill(what="gateway", at=260.0))
    run.events.comparisons.append(Comparison(at=90.0, compared=5, different=0))
    run.events.pauses.append(Pause(at=395.0, wave="bad-wave"))
    run.events.traffic_ends.append(TrafficEnd(at=390.0, erp="cloud", counters=CLOUD))
    run.events.channels.append(Channel(name="shop-nl", counters=CHANNEL))
    run.gaps = Gaps(frozenset({("NL-001", "1", 7)}), (Gap("NL-001", "1", 7, 7),))
    return run
