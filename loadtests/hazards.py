"""Did what the run claims to survive really happen? Counted from journal, events and counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from loadtests.books import Erp
from loadtests.events import Day, Events
from loadtests.expect import Timeline
from loadtests.journal import Attempt, Run
from loadtests.ledger import Ledger, Transaction
from loadtests.messages import FOLLOW_UPS, SALE
from loadtests.objects import order_of
from loadtests.pos import BusinessDays

Counters = Mapping[Erp, Mapping[str, int]]


def followups_across_flip(ledger: Ledger, timeline: Timeline) -> int:
    """Follow-ups sent when a new order like theirs would already have gone to the other ERP."""
    return sum(
        _crosses(one, transactions, timeline)
        for transactions in ledger.objects().values()
        for one in transactions
    )


def late_days_after_flip(
    ledger: Ledger, timeline: Timeline, run: Run | None, days: Sequence[Day]
) -> int:
    """Receipts of days already closed, when those of the open day went to the other ERP.

    Which day was open, stores said (``days``), or else the run was cut into equal ones.
    """
    if run is None:
        return 0
    return sum(
        _late(one, timeline, _open_day(run, days, one.sent)) for one in ledger.transactions.values()
    )


def flips(events: Events) -> int:
    """Rule changes, rollbacks included, that returned."""
    changes = [one for one in events.applies if one.kind != "initial"]
    return sum(one.at_return is not None for one in changes)


def waves_scheduled(events: Events) -> int:
    """Scheduled rule changes that came into force with nobody there."""
    return sum(one.scheduled and one.at_return is not None for one in events.applies)


def killed_with_work_in_flight(events: Events) -> int:
    """Workers killed while at least one of their sends was under way."""
    return sum(kill.what == "worker" and kill.in_flight > 0 for kill in events.kills)


#: Hazards that the ERPs count themselves, under the same name.
COUNTED = (
    "lagged_lookups", "outage_refusals", "latency_faults", "resets", "slow_drips",
    "malformed_answers", "token_expiries",
)  # fmt: skip


def chaos(events: Events, attempts: Sequence[Attempt], counters: Counters) -> dict[str, int]:
    """What a chaos run did to the installation, by the names of ``findings.CHAOS``."""
    stops = [stop for stop in events.stops if stop.what == "worker"]
    return {
        "workers_killed": _killed(events, "worker"),
        "gateways_killed": _killed(events, "gateway"),
        "stores_killed": _killed(events, "store"),
        "flips_interrupted": _killed(events, "flip"),
        "workers_stopped": len(stops),
        "stopped_with_work_in_flight": sum(stop.in_flight > 0 for stop in stops),
        "stopped_beyond_lease": sum(stop.beyond_lease for stop in stops),
        "gateways_stopped": _stopped(events, "gateway"),
        "stores_stopped": _stopped(events, "store"),
        "clock_jumps": len(events.jumps),
        "ledger_outages": sum(strain.what == "ledger" for strain in events.strains),
        "refusals_when_full": refusals_when_full(events, attempts),
        "rollbacks": sum(
            one.kind == "rollback" and one.at_return is not None for one in events.applies
        ),
        **{name: counted(counters, name) for name in COUNTED},
    }


def refusals_when_full(events: Events, attempts: Sequence[Attempt]) -> int:
    """Writes that were asked to come again while the store had no memory left."""
    full = [strain for strain in events.strains if strain.what == "memory"]
    return sum(
        attempt.status in (429, 503)
        and any(strain.at <= attempt.sent and attempt.answered <= strain.until for strain in full)
        for attempt in attempts
    )


#: What the cloud ERP counts, by the names of ``findings.CLOUD``.
_BY_CLOUD = {
    "cloud_lost_replies": "lost_replies_after_booking",
    "cloud_late_bookings": "late_bookings",
    "cloud_429": "throttled_429",
    "cloud_outage_refusals": "outage_refusals",
}


def of_cloud(events: Events, counters: Counters) -> dict[str, int]:
    """What the cloud ERP did while traffic ran; in the whole run, if nobody said when it ended."""
    ended = [one.counters for one in events.traffic_ends if one.erp == "cloud"]
    of_erp = ended[0] if ended else counters.get("cloud", {})
    return {name: of_erp.get(counted_as, 0) for name, counted_as in _BY_CLOUD.items()}


def counted(counters: Counters, name: str) -> int:
    """A counter of both ERPs together; 0 where an ERP has no such counter."""
    return sum(of_erp.get(name, 0) for of_erp in counters.values())


def _killed(events: Events, what: str) -> int:
    return sum(kill.what == what for kill in events.kills)


def _stopped(events: Events, what: str) -> int:
    return sum(stop.what == what for stop in events.stops)


def _crosses(
    follow_up: Transaction, transactions: Sequence[Transaction], timeline: Timeline
) -> bool:
    booked = follow_up.first_booking
    order = order_of(transactions)
    if follow_up.message.process not in FOLLOW_UPS or booked is None or order is None:
        return False
    places = timeline.in_force(follow_up.sent, follow_up.answered)
    routes = {timeline.route(place, order.process, order.facts) for place in places}
    return bool(routes) and routes <= {_other(booked.erp)}


def _late(receipt: Transaction, timeline: Timeline, today: str) -> bool:
    message, booked = receipt.message, receipt.first_booking
    if message.process != SALE or booked is None or message.facts["business_date"] >= today:
        return False
    places = timeline.in_force(receipt.sent, receipt.answered)
    facts = {**message.facts, "business_date": today}
    routes = {timeline.route(place, SALE, facts) for place in places}
    return (
        bool(places)
        and all(timeline.flipped(place) for place in places)
        and routes <= {_other(booked.erp)}
    )


def _open_day(run: Run, said: Sequence[Day], at: float) -> str:
    opened = [day.business_date for day in said if day.at <= at]
    if opened:
        return opened[-1]
    days = BusinessDays(date.fromisoformat(run.business_date), run.business_days)
    return days.at((at - run.started) / run.duration_s).isoformat()


def _other(erp: Erp) -> Erp:
    return "cloud" if erp == "legacy" else "legacy"


#: What channels count, under their own names, by the names of ``findings.CHANNELS``.
_BY_CHANNELS = {
    "deliveries_lost": ("webhooks_missing", "notifications_missing"),
    "deliveries_repeated": ("webhooks_duplicated", "notifications_duplicated", "duplicates"),
    "deliveries_missigned": ("webhooks_wrongly_signed",),
    "deliveries_disordered": ("webhooks_disordered", "notifications_disordered"),
    "batches_disordered": ("disordered",),
}


def of_channels(events: Events) -> dict[str, int]:
    """What channels did besides selling."""
    return {
        name: sum(it.counters.get(one, 0) for it in events.channels for one in counted_as)
        for name, counted_as in _BY_CHANNELS.items()
    }
