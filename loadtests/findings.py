"""What an audit found, in figures and in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Literal

Kind = Literal[
    "lost",
    "duplicated",
    "wrong_owner",
    "out_of_order",
    "wrong_amount",
    "stale_route_after_apply",
    "booked_without_accept",
    "wrong_document",
    "answered_differently",
    "wrong_gap",
    "driver_unfinished",
]

#: Every kind of finding, and how the table words it. Any of them fails the audit.
FAILURES: dict[Kind, str] = {
    "lost": "accepted, but booked nowhere",
    "duplicated": "booked or accepted more than once",
    "wrong_owner": "booked in another ERP than the one that owns it",
    "out_of_order": "booked before what was accepted earlier for the same object",
    "wrong_amount": "booked with another quantity or amount",
    "stale_route_after_apply": "routed by rules that were already replaced",
    "booked_without_accept": "booked, but never accepted",
    "wrong_document": "booked as another kind, for another object or legal entity",
    "answered_differently": "repeats not answered as repeats",
    "wrong_gap": "numbers of registers reported as missing wrongly, or not",
    "driver_unfinished": "journals without an end",
}

#: Hazards a run may claim to have survived, and how the table words them.
HAZARDS = {
    "duplicates_answered": "requests repeated and answered as repeats",
    "followups_across_flip": "follow-ups of orders whose rules had changed since",
    "late_days_after_flip": "receipts of closed business days after their store had moved",
    "lost_replies_after_booking": "answers an ERP lost after booking",
    "late_bookings": "bookings made after the caller had given up",
    "killed_with_work_in_flight": "workers killed with sends under way",
    "erp_429": "refusals by an ERP's limits (429)",
    "flips": "rule changes while traffic ran",
    "kills": "processes killed",
}

#: What the demo's story has besides: how a wave is led.
WAVES = {
    "compared": "answers of the two ERPs compared before the first wave",
    "waves_scheduled": "waves that came into force by themselves, as scheduled",
    "waves_paused": "waves paused by a guardrail, which said so",
    "rollbacks": "flips taken back",
}

#: What the demo's story has of the cloud ERP alone, while traffic ran: the same counters of the
#: legacy ERP, or of a later outage, are no witnesses of it.
CLOUD = {
    "cloud_lost_replies": "answers the cloud ERP lost after booking",
    "cloud_late_bookings": "bookings of the cloud ERP after the caller had given up",
    "cloud_429": "refusals by the cloud ERP's limits (429)",
    "cloud_outage_refusals": "connections the cloud ERP refused while it was down",
}

#: Processes the demo kills, each kind for itself.
KILLED = {"workers_killed": "workers killed", "gateways_killed": "gateways killed"}

#: What the demo's channels do besides selling.
CHANNELS = {
    "deliveries_lost": "webhooks and notifications of channels that never came",
    "deliveries_repeated": "webhooks, notifications and receipts that came again",
    "deliveries_missigned": "webhooks refused for a wrong signature",
    "deliveries_disordered": "webhooks and notifications that came after later ones",
    "batches_disordered": "batches of receipts that came in another order than they were rung",
    "numbers_lost": "numbers that registers lost between others that came",
}

#: All the demo claims to survive.
DEMO = HAZARDS | WAVES | CLOUD | KILLED | CHANNELS

#: What a chaos run must have survived besides.
CHAOS = {
    **KILLED,
    "stores_killed": "stores killed, and started again on their files",
    "workers_stopped": "workers that stood still and went on",
    "stopped_with_work_in_flight": "workers that stood still amid a send",
    "stopped_beyond_lease": "workers that stood still for longer than their lease",
    "gateways_stopped": "gateways that stood still and went on",
    "stores_stopped": "stores that stood still and went on",
    "clock_jumps": "jumps of a worker's clock",
    "refusals_when_full": "requests refused while the store was full",
    "ledger_outages": "times the ledger could not be written",
    "rollbacks": WAVES["rollbacks"],
    "flips_interrupted": "flips killed midway, and finished later",
    "lagged_lookups": "look-ups that did not find what was booked",
    "outage_refusals": "connections an ERP refused while it was down",
    "latency_faults": "requests an ERP took long for",
    "resets": "answers broken off by a reset",
    "slow_drips": "answers that trickled in",
    "malformed_answers": "answers that could not be read",
    "token_expiries": "tokens that went stale before their time",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: ``reference`` of the message, ``what`` is wrong, ``where``."""

    kind: Kind
    reference: str
    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.reference}: {self.what} ({self.where})"


@dataclass(slots=True)
class Report:
    """The whole audit. Money in units of its currency; the names are those of the JSON report.

    ``accepted`` counts transactions, each once however often it was sent. ``value_accepted`` and
    ``value_booked`` add up orders, receipts and refunds; cancellations state no money.
    ``unknown`` requests never got an answer; ``unknown_booked`` of them are in the books, which is
    fine once. ``rejected`` messages were refused for good. ``held`` are accepted, not booked, and
    said to be held by the gateway. ``foreign_documents`` carry no reference of ours.
    ``accepted_from_callers`` of the accepted came by the API; channels sold the rest by themselves.
    ``channels``: of each channel that sells by itself what its books have (``sold``, ``value``,
    ``tax``, ``quantity``) and what the ERPs' have for it (``booked``, ``value_booked`` …).
    ``slowest_s`` is what :mod:`~loadtests.promise` says.
    """

    accepted: int = 0
    accepted_from_callers: int = 0
    duplicates_answered: int = 0
    booked_legacy: int = 0
    booked_cloud: int = 0
    booked_once: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong_owner: int = 0
    out_of_order: int = 0
    wrong_amount: int = 0
    stale_route_after_apply: int = 0
    booked_without_accept: int = 0
    wrong_document: int = 0
    answered_differently: int = 0
    wrong_gap: int = 0
    driver_unfinished: int = 0
    value_accepted: Decimal = Decimal(0)
    value_booked: Decimal = Decimal(0)
    value_accepted_by_currency: dict[str, Decimal] = field(default_factory=dict)
    value_booked_by_currency: dict[str, Decimal] = field(default_factory=dict)
    followups_across_flip: int = 0
    late_days_after_flip: int = 0
    lost_replies_after_booking: int = 0
    late_bookings: int = 0
    killed_with_work_in_flight: int = 0
    erp_429: int = 0
    flips: int = 0
    kills: int = 0
    compared: int = 0
    waves_scheduled: int = 0
    waves_paused: int = 0
    cloud_lost_replies: int = 0
    cloud_late_bookings: int = 0
    cloud_429: int = 0
    cloud_outage_refusals: int = 0
    deliveries_lost: int = 0
    deliveries_repeated: int = 0
    deliveries_missigned: int = 0
    deliveries_disordered: int = 0
    batches_disordered: int = 0
    numbers_lost: int = 0
    workers_killed: int = 0
    gateways_killed: int = 0
    stores_killed: int = 0
    workers_stopped: int = 0
    stopped_with_work_in_flight: int = 0
    stopped_beyond_lease: int = 0
    gateways_stopped: int = 0
    stores_stopped: int = 0
    clock_jumps: int = 0
    refusals_when_full: int = 0
    ledger_outages: int = 0
    rollbacks: int = 0
    flips_interrupted: int = 0
    lagged_lookups: int = 0
    outage_refusals: int = 0
    latency_faults: int = 0
    resets: int = 0
    slow_drips: int = 0
    malformed_answers: int = 0
    token_expiries: int = 0
    accept_p50_ms: float = 0.0
    accept_p99_ms: float = 0.0
    duration_s: float = 0.0
    slowest_s: float = 0.0
    seed: int = 0
    held: int = 0
    rejected: int = 0
    unknown: int = 0
    unknown_booked: int = 0
    reads: int = 0
    foreign_documents: int = 0
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def count(self, findings: list[Finding]) -> None:
        """Take in the findings and set the counter of each kind."""
        self.findings = findings
        counted = Counter(finding.kind for finding in findings)
        for kind in FAILURES:
            setattr(self, kind, counted[kind])

    def failures(self) -> Mapping[Kind, int]:
        """The counters that must be zero."""
        return {kind: getattr(self, kind) for kind in FAILURES}

    def as_json(self) -> dict[str, Any]:
        """All fields; money as decimal strings."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def _plain(value: Any) -> Any:  # noqa: ANN401 -- JSON is of any type
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value
