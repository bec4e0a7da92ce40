"""What staff read of exceptions, as plain JSON: one form for the command line and the admin API.

Instants are RFC 3339 in UTC, money is decimal text by currency, seconds are numbers or null.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.canonical.exchange import Happened, Listed
from gateway.canonical.lifecycle import State
from gateway.canonical.worth import amount_text
from gateway.flow.correct import Corrected, GivenUp
from gateway.flow.exceptions import Estimate, Listing, Released, Shown
from gateway.policy.drain import Drain
from gateway.policy.triage import Group, Team

Json = dict[str, Any]


def listing(found: Listing, first: int) -> Json:
    """Groups, one page of lines, and where the next page begins (null: there is none)."""
    after = first + len(found.items)
    return {
        "total": found.total,
        "groups": [_group(it) for it in found.groups],
        "items": [_line(line, team) for line, team in found.items],
        "next_first": after if found.items and after < found.total else None,
    }


def shown(it: Shown) -> Json:
    """One transaction with all that staff need."""
    record, case = it.record, it.case
    return {
        "transaction_id": record.transaction_id,
        "process": record.process,
        "channel": record.channel,
        "object": record.object_key,
        "reference": record.reference,
        "erp": record.owner,
        "state": record.state,
        "waits": case is not None and case.waits,
        "cause": record.cause,
        "erp_said": record.detail,
        "document": record.document,
        "accepted_at": _instant(record.accepted_at),
        "attempts": record.attempts,
        "open_attempt_s": None if case is None or case.open_ms is None else case.open_ms / 1000,
        "revision": None if case is None else case.revision,
        "rule": record.rule_id,
        "rule_version": record.rule_version,
        "shaped_by": record.shaped_by,
        "team": it.team.name,
        "steward": it.team.steward,
        "next_step": it.next_step,
        "facts": dict(record.facts),
        "body": it.body,
        "original": it.original,
        "followers": [
            {"transaction_id": identity, "process": process, "reference": reference}
            for identity, process, reference in it.followers
        ],
        "history": [_event(each) for each in it.history],
    }


def estimate(it: Estimate) -> Json:
    """What a release would set going."""
    return {
        "count": it.count,
        "money": dict(it.money),
        "drains": [drain(each) for each in it.drains],
        "groups": [_group(each) for each in it.groups],
        "waits_for_peak_to_end": it.peak is not None,
    }


def drain(it: Drain) -> Json:
    """How one ERP would work it off."""
    return {
        "erp": it.erp, "count": it.count, "ahead": it.ahead, "quota_s": it.quota_s,
        "measured_s": it.measured_s,
    }  # fmt: skip


def released(it: Released) -> Json:
    """What a release did."""
    return {"released": it.released, "gone": it.gone}


def corrected(it: Corrected) -> Json:
    """What was changed."""
    return {
        "transaction_id": it.transaction_id,
        "revision": it.revision,
        "changes": [
            {"pointer": each.pointer, "before": each.before, "after": each.after}
            for each in it.changes
        ],
    }


def given_up(it: GivenUp) -> Json:
    """What was discarded, and what is held now because of it."""
    return {"discarded": list(it.transaction_ids), "held": it.held or None}


def instant_of(ms: int) -> str:
    """Write milliseconds since 1970."""
    return _instant(datetime.fromtimestamp(ms / 1000, UTC))


def _group(it: Group) -> Json:
    return {
        "cause": it.cause,
        "waits": it.waits,
        "count": it.count,
        "money": dict(it.money),
        "oldest_at": _instant(it.oldest_at),
        "first_deadline_at": instant_of(it.deadline_ms),
        "processes": dict(it.processes),
        "erps": dict(it.erps),
        "teams": dict(it.teams),
        "stewards": list(it.stewards),
        "what_to_do": it.remedy,
    }


def _line(it: Listed, team: Team) -> Json:
    return {
        "transaction_id": it.transaction_id,
        "process": it.process,
        "channel": it.channel,
        "legal_entity": it.legal_entity,
        "object": it.object_key,
        "reference": it.reference,
        "erp": it.owner,
        "cause": it.cause,
        "waits": it.state == State.WAITING,
        "erp_said": it.detail,
        "accepted_at": _instant(it.accepted_at),
        "deadline_at": instant_of(it.deadline_ms),
        "currency": it.currency or None,
        "amount": None if it.parts is None else amount_text(it.parts, it.currency),
        "team": team.name,
        "steward": team.steward,
    }


def _event(it: Happened) -> Json:
    fields: Mapping[str, str] = it.fields
    return {"event": it.kind, "at": _instant(it.at), **dict(fields)}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
